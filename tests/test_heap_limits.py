"""A build that was not given its heap proves nothing about it."""

from __future__ import annotations

import pytest

from fixtures.heap_limits import heap_limits

NO_FILES: dict[str, str] = {}


def found(scripts: dict[str, str], files: dict[str, str]) -> list[tuple[str, int | None]]:
    return [(limit.where, limit.limit_mb) for limit in heap_limits(scripts, "build:deploy", files.get)]


@pytest.mark.parametrize(
    ("scripts", "files", "expected"),
    [
        ({"build:deploy": "next build"}, NO_FILES, []),
        (
            {"build:deploy": "NODE_OPTIONS='--max-old-space-size=4096' next build"},
            NO_FILES,
            [("the script build:deploy", 4096)],
        ),
        (
            {"build:deploy": "NODE_OPTIONS=--enable-source-maps next build"},
            NO_FILES,
            [("the script build:deploy", None)],
        ),
        ({"build:deploy": 'NODE_OPTIONS="$NODE_OPTIONS --trace-warnings" next build'}, NO_FILES, []),
        (
            {"build:deploy": 'NODE_OPTIONS="${NODE_OPTIONS} --max_old_space_size=99" x'},
            NO_FILES,
            [("the script build:deploy", 99)],
        ),
        (
            {"build:deploy": "cross-env NODE_OPTIONS=--max-old-space-size=8192 next build"},
            NO_FILES,
            [("the script build:deploy", 8192)],
        ),
        (
            {"build:deploy": "node --max-old-space-size=8192 node_modules/.bin/next build"},
            NO_FILES,
            [("the script build:deploy", 8192)],
        ),
        (
            {"build:deploy": "npm run build && echo", "build": "NODE_OPTIONS=--max-old-space-size=1 x"},
            NO_FILES,
            [("the script build", 1)],
        ),
        (
            {"build:deploy": "next build", "prebuild:deploy": "node --max-old-space-size=5 a"},
            NO_FILES,
            [("the script prebuild:deploy", 5)],
        ),
        ({"build:deploy": "npm run build:deploy"}, NO_FILES, []),
        (
            {"build:deploy": "node scripts/b.mjs"},
            {"scripts/b.mjs": "spawn('--max-old-space-size=9000')"},
            [("scripts/b.mjs", 9000)],
        ),
        ({"build:deploy": "next build"}, {".npmrc": "node-options=--max-old-space-size=100\n"}, [(".npmrc", 100)]),
        ({"test": "NODE_OPTIONS=--max-old-space-size=1 x"}, NO_FILES, []),
    ],
)
def test_every_place_that_decides_on_the_heap_is_found(
    scripts: dict[str, str], files: dict[str, str], expected: list[tuple[str, int | None]]
) -> None:
    assert found(scripts, files) == expected
