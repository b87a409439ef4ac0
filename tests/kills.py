"""What a fault may do to a run: turn its one check red, and blind what is declared beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runs import Finished

KILLED: dict[str, str] = {}


def tried(run: Finished, name: str, kills: str, blinds: tuple[str, ...]) -> None:
    """Hold a run against what its fault declares, and remember the kill."""
    assert set(run.verdicts("failed")) == {kills}, run.text
    assert set(run.verdicts("error")) <= explained(run, blinds), run.text
    assert run.status == 1
    KILLED[name] = kills


def explained(run: Finished, blinds: tuple[str, ...]) -> set[str]:
    """The checks that a fault may blind: named themselves, or by a look that they rest on."""
    return {
        row["check"]
        for row in run.summary["checks"]
        if row["check"] in blinds or any(look.rpartition("/")[2] in blinds for look in row["observations"])
    }


def shown() -> str:
    """The kill table, for people."""
    width = max(map(len, KILLED), default=0)
    rows = "".join(f"  {name:<{width}}  {KILLED[name]}\n" for name in sorted(KILLED))
    return f"\nkill table: {len(KILLED)} faults, each with the one check that it turned red\n{rows}"
