"""What is kept of a log, and where the trouble in it begins. The samples are what the tools print, shortened."""

from __future__ import annotations

import pytest

from fixtures.command_log import HEAD_LINES, TAIL_LINES, bundler, excerpt, next_version, plain, trouble, unknown_keys

BEGUN = "\n> paintbox@0.1.0 build:deploy\n> next build\n\n   ▲ Next.js 15.5.29\n\n   Creating an optimized build ...\n"
NPM_CI = """npm error code EUSAGE
npm error
npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.
npm error
npm error Invalid: lock file's react@19.3.1 does not satisfy react@19.3.0
npm error
npm error Usage:
npm error npm ci
"""
REFUSED = """npm error code ECONNREFUSED
npm error syscall connect
npm error errno ECONNREFUSED
npm error FetchError: request to http://127.0.0.1:9/tslib failed, reason: connect ECONNREFUSED 127.0.0.1:9
npm error     at ClientRequest.<anonymous> (/usr/lib/node_modules/npm/minipass-fetch/lib/index.js:130:14)
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("node: --optimize-for-size is not allowed in NODE_OPTIONS\n", "node: --optimize-for-size is not allowed"),
        (
            BEGUN + "\n<--- Last few GCs --->\n\nFATAL ERROR: Reached heap limit - JavaScript heap out of memory\n",
            "FATAL ERROR: Reached heap limit",
        ),
        (
            BEGUN + "Failed to compile.\n\n./app/page.js\nModule not found: Can't resolve './nothing'\n\nhttps://x.y\n",
            "./app/page.js · Module not found: Can't resolve './nothing'",
        ),
        (
            BEGUN
            + 'Error occurred prerendering page "/". Read more: x\nError: boom at prerender\n    at d (a.js:1:1)\n',
            'Error occurred prerendering page "/". Read more: x · Error: boom at prerender',
        ),
        (
            NPM_CI,
            "`npm ci` can only install packages when your package.json and package-lock.json are in sync. · Invalid: ",
        ),
        (REFUSED, "FetchError: request to http://127.0.0.1:9/tslib failed"),
        ('npm error Missing script: "test"\nnpm error\n', 'Missing script: "test"'),
        ("sh: 1: next: not found\nnpm error code 127\n", "sh: 1: next: not found"),
        ("not ok 4 - d\n  ---\n  error: '1 == 2'\n", "not ok 4 - d · error: '1 == 2'"),
        ("nothing known\nlast words\n\n", "last words"),
        ("", ""),
    ],
)
def test_trouble_is_told_in_the_tools_own_words(log: str, expected: str) -> None:
    assert trouble(log).startswith(expected)


def test_keys_that_next_ignores_are_named_with_their_place() -> None:
    log = """ ⚠ Invalid next.config.js options detected:
 ⚠     Unrecognized key(s) in object: 'nope' at "experimental"
 ⚠     Unrecognized key(s) in object: 'swcMinify', 'fooBar'
"""

    assert unknown_keys(log * 2) == ["experimental.nope", "swcMinify", "fooBar"]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (BEGUN, ("15.5.29", "webpack")),
        ("   ▲ Next.js 15.5.29 (Turbopack)\n", ("15.5.29", "turbopack")),
        ("node: bad option\n", (None, None)),
    ],
)
def test_the_builder_is_told(log: str, expected: tuple[str | None, str | None]) -> None:
    assert (next_version(log), bundler(log)) == expected


def test_a_long_log_keeps_its_ends_and_tells_the_gap() -> None:
    kept = excerpt("\n".join(f"line {number}" for number in range(1000)))

    assert len(kept) == HEAD_LINES + TAIL_LINES + 1
    assert (kept[0], kept[HEAD_LINES], kept[-1]) == (
        "line 0",
        f"[… {1000 - HEAD_LINES - TAIL_LINES} lines …]",
        "line 999",
    )


def test_a_log_reads_as_a_screen_would_show_it() -> None:
    assert plain("\x1b[32mbuilding\x1b[0m 1 %\rbuilding 100 %\r\ndone\n") == "building 100 %\ndone\n"
