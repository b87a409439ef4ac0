"""Numbers of tests are read off what runners really print; the samples are theirs, shortened."""

from __future__ import annotations

import pytest

from fixtures.runner_output import Counts, counts

TAP = """TAP version 13
ok 1 - a
ok 2 - b # SKIP
not ok 4 - d
1..4
# tests 4
# suites 0
# pass 1
# fail 1
# cancelled 0
# skipped 1
# todo 1
# duration_ms 95.489308
"""
SPEC = """✔ a (1.055329ms)
﹣ b (0.108681ms) # SKIP
✖ d (1.022891ms)
\N{INFORMATION SOURCE} tests 3
\N{INFORMATION SOURCE} suites 0
\N{INFORMATION SOURCE} pass 1
\N{INFORMATION SOURCE} fail 0
\N{INFORMATION SOURCE} cancelled 1
\N{INFORMATION SOURCE} skipped 1
\N{INFORMATION SOURCE} todo 0
\N{INFORMATION SOURCE} duration_ms 81.2
"""
NODE_WITHOUT_A_TEST = """TAP version 13
# Subtest: /app/tests/empty.test.mjs
ok 1 - /app/tests/empty.test.mjs
1..1
# tests 1
# suites 0
# pass 1
# fail 0
# cancelled 0
# skipped 0
# todo 0
"""
JEST = """Test Suites: 3 failed, 3 total
Tests:       1 failed, 1 skipped, 1 todo, 1 passed, 4 total
Snapshots:   0 total
"""
VITEST = (
    "\x1b[2m Test Files \x1b[22m \x1b[1m\x1b[31m1 failed\x1b[39m\x1b[22m\x1b[90m (1)\x1b[39m\n"
    "\x1b[2m      Tests \x1b[22m \x1b[1m\x1b[31m1 failed\x1b[39m\x1b[22m\x1b[2m | \x1b[22m\x1b[1m\x1b[32m1 passed"
    "\x1b[39m\x1b[22m\x1b[2m | \x1b[22m\x1b[33m1 skipped\x1b[39m\x1b[2m | \x1b[22m\x1b[90m1 todo\x1b[39m\x1b[90m (4)\n"
)
MOCHA = """

  ✔ a
  - b
  1) d

  1 passing (5ms)
  1 pending
  1 failing

  1) d:
"""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (TAP, Counts(1, 1, 2)),
        (SPEC, Counts(1, 1, 1)),
        (JEST, Counts(1, 1, 2)),
        (VITEST, Counts(1, 1, 2)),
        (MOCHA, Counts(1, 1, 1)),
        (TAP + JEST, Counts(2, 2, 4)),
        (TAP.replace("\n", "\r\n"), Counts(1, 1, 2)),
    ],
)
def test_counts_are_read(output: str, expected: Counts) -> None:
    assert counts(output) == expected


@pytest.mark.parametrize(
    "output",
    [
        NODE_WITHOUT_A_TEST,
        "No tests found, exiting with code 1\nRun with `--passWithNoTests` to exit with code 0\n",
        "\x1b[31mNo test files found, exiting with code 1\n\x1b[39m",
        "\n  0 passing (0ms)\n",
        "Tests:       4 skipped, 4 total\n",
    ],
)
def test_a_suite_in_which_nothing_ran_counts_none(output: str) -> None:
    found = counts(output)

    assert found is not None
    assert found.ran == 0


@pytest.mark.parametrize("output", ["", "all good\n", "tests 12\npass 12\n", "42 passed in spirit\n"])
def test_an_unknown_runner_is_not_guessed_at(output: str) -> None:
    assert counts(output) is None
