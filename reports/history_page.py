"""The page of all runs: per target and phase what became of them, how their numbers went, what flaps and what broke."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.history import LETTERS, Entry, by_kind
from reports.pages import render as render_page
from reports.pages import report_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

COLUMNS = 40  # runs side by side in a matrix: what fits on a wide screen
STRIP = 60
POINTS = 240  # of a plot; of more runs than that each point shows the worst of some
WIDTH, HEIGHT = 720, 64  # of a plot's drawing, in its own units
WORDS = {letter: word for word, letter in LETTERS.items()}
GLYPHS = {"p": "✓", "f": "✗", "e": "?", "n": "•", "a": "", "w": "w", "s": "s"}
GOOD, BLIND = frozenset("pasw"), frozenset("en")
VERDICT_LETTERS = {"passed": "p", "failed": "f", "blind": "e"}
MEASURES = {
    "seconds": ("Duration", "s"),
    "latency_seconds": ("Latency at the target's percentile, slowest path", "s"),
    "memory_percent": ("Memory, fullest machine", "%"),
    "certificate_days": ("Certificate, days left", "days"),
}


@dataclass(frozen=True)
class Cell:
    """One verdict in a matrix or a strip."""

    letter: str
    word: str
    run: Run

    @property
    def glyph(self) -> str:
        """The verdict as a sign, so that colour is not all."""
        return GLYPHS.get(self.letter, "")


@dataclass(frozen=True)
class Run:
    """A run as the page shows it."""

    entry: Entry
    href: str

    @property
    def name(self) -> str:
        """Its folder's name."""
        return self.entry.folder.name

    @property
    def at(self) -> str:
        """When it began, for people: UTC, to the second."""
        return str(self.entry.facts["started"])[:19].replace("T", " ")

    @property
    def verdict(self) -> str:
        """What became of it."""
        return str(self.entry.facts["verdict"])

    @property
    def letter(self) -> str:
        """The verdict as a letter."""
        return VERDICT_LETTERS.get(self.verdict, "n")

    @property
    def told(self) -> str:
        """Counts, duration and place in a few words."""
        facts = self.entry.facts
        counts = " · ".join(f"{number} {verdict}" for verdict, number in facts["counts"].items() if number)
        seconds = "cut short" if facts["seconds"] is None else f"{facts['seconds']:.1f} s"
        place = f" · {facts['place']}" if facts["place"] else ""
        gate = " · gate open" if facts["gate"] else ""
        return f"{counts} · {seconds}{place}{gate}"

    @property
    def line(self) -> Markup:
        """The run in a list. Made here, since a template takes ten times as long, and there are thousands of these."""
        words = tuple(map(html.escape, (self.href, self.at, self.letter, self.verdict, self.told)))
        return Markup('<li><a href="%s">%s</a> <b class="%s">%s</b> · %s</li>' % words)  # noqa: S704, UP031 - all escaped


@dataclass(frozen=True)
class Plot:
    """One number over the runs: an SVG path, its ends, and words for those who do not see it."""

    title: str
    unit: str
    path: str
    first: str
    last: str
    least: str
    most: str


@dataclass(frozen=True)
class Row:
    """One check over the runs shown, oldest first. `broke` is the run since which it does not pass, if it does not."""

    check: str
    cells: tuple[Cell | None, ...]

    @cached_property
    def changes(self) -> int:
        """How often it went from good to bad or back; a run that could not look says nothing of that."""
        states = [cell.letter in GOOD for cell in self.cells if cell and cell.letter not in BLIND]
        return sum(one != two for one, two in pairwise(states))

    @cached_property
    def broke(self) -> Run | None:
        """The first run of the bad ones that it ends with."""
        since = None
        for cell in reversed(self.cells):
            if cell is None:
                continue
            if cell.letter in GOOD:
                break
            since = cell.run
        return since

    @property
    def steady(self) -> bool:
        """Whether it never failed in a run shown, and could be judged in the newest."""
        return self.broke is None and not any(cell and cell.letter in "fw" for cell in self.cells)

    @property
    def told(self) -> str:
        """What stands out, in a few words."""
        if self.broke:
            return f"since {self.broke.at}"
        if self.changes:
            return "mended" if self.changes == 1 else f"flaps, {self.changes} changes"
        return "waived"


@dataclass(frozen=True)
class Kind:
    """All runs of the same targets and phase, newest first."""

    what: str
    runs: tuple[Run, ...]

    @property
    def strip(self) -> list[Run]:
        """The newest runs, oldest first."""
        return list(self.runs[:STRIP])[::-1]

    @cached_property
    def streak(self) -> tuple[int, Run]:
        """For how many runs the newest verdict holds, and since which."""
        same = [run for run in self.runs if run.verdict == self.runs[0].verdict]
        end = next((n for n, run in enumerate(self.runs) if run.verdict != self.runs[0].verdict), len(same))
        return end, self.runs[end - 1]

    @property
    def share(self) -> int:
        """How many of the newest hundred passed, in percent."""
        newest = self.runs[:100]
        return round(100 * sum(run.verdict == "passed" for run in newest) / len(newest))

    @cached_property
    def rows(self) -> list[Row]:
        """The checks of the newest runs: broken ones first, then those that flap, then as in the runbook."""
        shown = self.runs[:COLUMNS][::-1]
        verdicts = [dict(zip(run.entry.checks, run.entry.verdicts, strict=False)) for run in shown]
        checks = list(dict.fromkeys(check for run in reversed(shown) for check in run.entry.checks))
        rows = [
            Row(
                check,
                tuple(
                    Cell(found[check], WORDS.get(found[check], "unknown"), run) if check in found else None
                    for run, found in zip(shown, verdicts, strict=True)
                ),
            )
            for check in checks
        ]
        return sorted(rows, key=lambda row: (row.broke is None, -row.changes))

    @property
    def columns(self) -> list[Run]:
        """The runs of the matrix, oldest first."""
        return list(self.runs[:COLUMNS])[::-1]

    @property
    def months(self) -> dict[str, list[Markup]]:
        """All runs by month, newest first."""
        found: dict[str, list[Markup]] = {}
        for run in self.runs:
            found.setdefault(run.at[:7], []).append(run.line)
        return found

    @property
    def plots(self) -> list[Plot]:
        """What can be drawn of these runs."""
        numbers = [run.entry.facts["numbers"] for run in reversed(self.runs)]
        found = (plot(name, [one.get(name) for one in numbers]) for name in MEASURES)
        return [one for one in found if one]


def plot(name: str, values: list[float | None]) -> Plot | None:
    """A line over the runs, oldest first; None where fewer than two have the number. Gaps stay gaps."""
    known = [value for value in values if value is not None]
    if len(known) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    worst = min if name == "certificate_days" else max
    size = -(-len(values) // POINTS)
    points = [
        worst(some) if (some := [v for v in values[start : start + size] if v is not None]) else None
        for start in range(0, len(values), size)
    ]
    top, step = max(known) or 1.0, WIDTH / max(1, len(points) - 1)
    path, pen = [], "M"
    for number, value in enumerate(points):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{number * step:.1f} {HEIGHT - 2 - (HEIGHT - 4) * value / top:.1f}")
        pen = "L"
    title, unit = MEASURES[name]
    told = [f"{value:.3g}" for value in (known[0], known[-1], min(known), max(known))]
    return Plot(title, unit, "".join(path), *told)


def render(entries: Iterable[Entry], beside: Path) -> str:
    """The page, to lie in this folder; links into the runs are relative to it."""
    kinds = [
        Kind(what, tuple(Run(one, report_of(one.folder, beside)) for one in found))
        for what, found in by_kind(entries).items()
    ]
    return render_page(
        "history.html",
        kinds=kinds,
        width=WIDTH,
        height=HEIGHT,
        words={GLYPHS[letter]: word for letter, word in WORDS.items() if letter in "pfenws"},
    )
