"""The controls of other frameworks as the page tells them: what the run is evidence for, and what nothing serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.html_story import counts

if TYPE_CHECKING:
    from reports.html_story import Check, Line, Story


@dataclass(frozen=True)
class Control:
    """A control, and the checks of its items that this run has planned, by item."""

    told: Line
    items: dict[str, list[Check]]

    @property
    def id(self) -> str:
        """Its id without the framework's: `CC8.1`."""
        return str(self.told["id"]).partition(":")[2]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many of its checks have each verdict."""
        return counts(check for checks in self.items.values() for check in checks)


@dataclass(frozen=True)
class Framework:
    """A framework's controls: those that the run is evidence for, those of other phases, those that nothing serves."""

    title: str
    judged: list[Control]
    elsewhere: list[Control]
    uncovered: list[Control]


def frameworks(story: Story) -> list[Framework]:
    """All controls in scope, by framework, in the order of runbook/controls.toml."""
    planned: dict[str, list[Check]] = {}
    for check in story.checks:
        planned.setdefault(check.planned["item"], []).append(check)
    found: dict[str, Framework] = {}
    for told in story.plan["controls"]:
        framework = found.setdefault(told["framework"], Framework(told["framework"], [], [], []))
        items = {item: planned[item] for item in told["items"] if item in planned}
        kind = framework.judged if items else framework.elsewhere if told["items"] else framework.uncovered
        kind.append(Control(told, items))
    return list(found.values())
