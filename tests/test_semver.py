"""Versions are compared as semver.org says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fixtures.semver import at_least, within_major

# The example of semver.org, section 11, with neighbours.
RISING = [
    *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11"),
    *("1.0.0-rc.1", "1.0.0", "1.0.9", "1.0.10", "1.9.0", "1.10.0", "2.0.0", "2026.11.24-dev.1732400000"),
]


@pytest.mark.parametrize(("older", "newer"), list(pairwise(RISING)))
def test_versions_rise(older: str, newer: str) -> None:
    assert at_least(newer, older)
    assert not at_least(older, newer)


@pytest.mark.parametrize("same", ["1.2.3", "v1.2.3", "1.2.3+build.5"])
def test_a_version_is_at_least_itself(same: str) -> None:
    assert at_least(same, "1.2.3")
    assert at_least("1.2.3", same)


@pytest.mark.parametrize("none", [None, "", "latest", "^1.2.3", "1.2", "1.2.3.4", "1.2.x"])
def test_what_is_no_version_is_at_least_nothing(none: str | None) -> None:
    assert not at_least(none, "0.0.1")
    assert not within_major(none, "1.2.3")


def test_a_newer_major_release_is_not_within_the_older_one() -> None:
    assert within_major("15.5.29", "15.4.5")
    assert within_major("15.4.5", "15.4.5")
    assert not within_major("15.4.4", "15.4.5")
    assert not within_major("16.0.0", "15.4.5")
