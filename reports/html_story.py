"""What a report for people tells of a run, in the order in which they ask. Pure functions on the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from reports.record import round_of
from reports.summary import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reports.record import RecordedRun

Line: TypeAlias = Mapping[str, Any]

SEVERITIES = ("critical", "high", "medium", "low")
EVIDENCE_EACH = 8_000  # characters of one observation on the page; the record has the whole
EVIDENCE_ALL = 1_500_000  # characters of all of them: a browser opens two megabytes at once
EVIDENCE_LEAST = 400


@dataclass(frozen=True)
class Look:
    """An observation on the page: its line in the record, its evidence as text, and how much of that was left out."""

    anchor: str
    name: str
    line: Line
    round: int
    evidence: str
    left_out: int
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True)
class Check:
    """A planned check on the page: its line of the plan, its row of the summary, its verdict's line (or nothing)."""

    anchor: str
    planned: Line
    row: Line
    judged: Line
    looks: list[Look]

    @property
    def verdict(self) -> str:
        """Its verdict."""
        return str(self.row["verdict"])


@dataclass(frozen=True)
class Cause:
    """What kept checks from looking: the reason, the look at fault where there is one, and the checks."""

    anchor: str
    reason: str
    look: Look | None
    checks: list[Check] = field(default_factory=list)


@dataclass(frozen=True)
class Item:
    """A line of the runbook, its checks in this run, and the numbers of its errata."""

    told: Line
    checks: list[Check]
    errata: list[int]


@dataclass(frozen=True)
class Chapter:
    """A chapter of the runbook. `counts` are of its checks, by verdict, in the order of verdicts, none of zero."""

    title: str
    items: list[Item]
    counts: list[tuple[str, int]]


class Story:
    """A run as the page tells it."""

    def __init__(self, run: RecordedRun, summary: Line) -> None:
        self.run = run
        self.plan: Line = run.plan
        self.summary = summary
        self.several_targets = len(summary["targets"]) > 1
        self.looks = {look.line["id"]: look for look in _looks(run, several=self.several_targets)}
        self.checks = list(self._checks())
        self.counts = counts(self.checks)

    def _checks(self) -> Iterator[Check]:
        for number, (planned, row) in enumerate(zip(self.plan["checks"], self.summary["checks"], strict=True), start=1):
            looks = [self.looks[name] for name in row["observations"] if name in self.looks]
            judged = self.run.verdicts.get((planned["check"], planned["target"]), {})
            check = Check(f"check-{number}", planned, row, judged, looks)
            for look in looks:
                look.checks.append(check)
            yield check

    @cached_property
    def last_looks(self) -> list[Look]:
        """What the verdicts rest on: all looks, or those of the last round of a run that waited."""
        rounds = self.summary["rounds"]
        return [look for look in self.looks.values() if not rounds or look.round == rounds[-1]["number"]]

    def those(self, verdict: str) -> list[Check]:
        """The checks with this verdict, in the order of the runbook."""
        return [check for check in self.checks if check.verdict == verdict]

    @cached_property
    def failed(self) -> list[Check]:
        """What failed, the worst first."""
        return sorted(self.those("failed"), key=lambda check: SEVERITIES.index(check.planned["severity"]))

    @cached_property
    def causes(self) -> list[Cause]:
        """What could not be looked at, each cause once."""
        found: dict[str, Cause] = {}
        for check in self.those("error"):
            reason = str(check.row["reason"])
            root = self.looks.get(check.judged.get("root") or "")
            found.setdefault(reason, Cause(f"cause-{len(found) + 1}", reason, root)).checks.append(check)
        return list(found.values())

    @cached_property
    def cause_of(self) -> dict[str, Cause]:
        """The cause by the anchor of a check that it kept from looking."""
        return {check.anchor: cause for cause in self.causes for check in cause.checks}

    @cached_property
    def unanswered(self) -> list[str]:
        """The looks that checks asked for, and that the record does not hold: under way or to come when it ended."""
        asked = (name for check in self.those("not-run") for name in check.planned["observations"])
        return [name for name in dict.fromkeys(asked) if name not in self.looks]

    @cached_property
    def phases(self) -> str:
        """What the run was, in a word or two."""
        if self.checks and all(check.planned["smoke"] for check in self.checks):
            return "smoke"
        return " and ".join(dict.fromkeys(check.planned["phase"] for check in self.checks)) or "nothing"

    @cached_property
    def ended_at(self) -> str:
        """The moment of the last line of the record."""
        lines = [self.plan, *self.run.observations.values(), *self.run.verdicts.values(), self.run.finish or {}]
        return max(str(line.get("at", "")) for line in lines)

    @cached_property
    def chapters(self) -> list[Chapter]:
        """The whole runbook, judged in this run or not."""
        checks: dict[str, list[Check]] = {}
        for check in self.checks:
            checks.setdefault(check.planned["item"], []).append(check)
        errata: dict[str, list[int]] = {}
        for number, erratum in enumerate(self.plan["runbook"]["errata"], start=1):
            for name in erratum["items"]:
                errata.setdefault(name, []).append(number)
        chapters: dict[str, list[Item]] = {}
        for told in self.plan["runbook"]["items"]:
            item = Item(told, checks.get(told["id"], []), errata.get(told["id"], []))
            chapters.setdefault(told["chapter"], []).append(item)
        return [
            Chapter(title, items, counts(check for item in items for check in item.checks))
            for title, items in chapters.items()
        ]

    @cached_property
    def accepted(self) -> list[tuple[str, Line, list[Check]]]:
        """The waivers of each target, with the checks of this run that they cover."""
        return [
            (target, waiver, [c for c in self.those("waived") if c.planned["check"] == waiver["check"]])
            for target, waivers in self.plan["people"]["waivers"].items()
            for waiver in waivers
        ]

    @cached_property
    def stated(self) -> list[tuple[str, Line]]:
        """The sign-offs of each target."""
        return [(target, one) for target, found in self.plan["people"]["sign_offs"].items() for one in found]


def counts(checks: Iterable[Check]) -> list[tuple[str, int]]:
    """How many of the checks have each verdict, in the order of verdicts, none of zero."""
    verdicts = [check.verdict for check in checks]
    return [(verdict, verdicts.count(verdict)) for verdict in VERDICTS if verdict in verdicts]


def _looks(run: RecordedRun, *, several: bool) -> Iterator[Look]:
    lines = sorted(run.observations.values(), key=lambda line: (line["started"], line["id"]))
    most = max(EVIDENCE_LEAST, min(EVIDENCE_EACH, EVIDENCE_ALL // max(1, len(lines))))
    for number, line in enumerate(lines, start=1):
        value = "" if line["error"] is not None else json.dumps(line["value"], indent=2, ensure_ascii=False)
        made_in = round_of(line["id"])
        where = line["target"] if several else None
        names = (line["look"].replace("_", " "), line["subject"], where, f"round {made_in}" if made_in > 1 else None)
        name = " · ".join(filter(None, names))
        yield Look(f"look-{number}", name, line, made_in, value[:most], max(0, len(value) - most))
