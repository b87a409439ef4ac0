"""What a fault may do to a run: turn its one check red, and blind what is declared beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runs import Finished

KILLED: dict[str, str] = {}  # by the test that is running
TABLE: dict[str, str] = {}  # by all tests
SUMS_UP = "MNT-6/"  # what sums up all others is green with none of these


def tried(run: Finished, name: str, kills: str, blinds: Collection[str]) -> None:
    """Hold a run against what its fault declares, and remember the kill."""
    held(run, (kills,), blinds)
    KILLED[name] = kills


def held(run: Finished, kills: Collection[str], blinds: Collection[str]) -> None:
    """Hold a run against a fault that turns several checks red."""
    assert set(run.verdicts("failed")) == set(kills), run.text
    assert set(run.verdicts("error")) <= explained(run, blinds), run.text
    assert run.status == 1


def explained(run: Finished, blinds: Collection[str]) -> set[str]:
    """The checks that a fault may blind: named themselves, or by a look that they rest on."""
    return {
        row["check"]
        for row in run.summary["checks"]
        if row["check"].startswith(SUMS_UP)
        or row["check"] in blinds
        or any(look.rpartition("/")[2] in blinds for look in row["observations"])
    }


def shown(table: Mapping[str, str]) -> str:
    """The kill table, for people."""
    width = max(map(len, table), default=0)
    rows = "".join(f"  {name:<{width}}  {table[name]}\n" for name in sorted(table))
    return f"\nkill table: {len(table)} faults, each with the one check that it turned red\n{rows}"
