"""Runs side by side, as a person reads them on a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from reports.summary import ACCEPTED, verdict_of
from reports.terminal import WIDTH, counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.merge import Column, Merged, Row

LETTERS = {
    "passed": ".",
    "failed": "F",
    "error": "E",
    "not-run": "?",
    "not-applicable": "n",
    "waived": "w",
    "signed-off": "s",
}
SHORT = {"failed": "FAILED", "not-applicable": "n/a"}
ABSENT = "-"


def lines(merged: Merged, width: int = WIDTH) -> Iterator[str]:
    """The legend of the columns, the table, and why what is not green is not."""
    for line in _lines(merged, width):
        yield printable(line.rstrip())


def _lines(merged: Merged, width: int) -> Iterator[str]:
    for number, column in enumerate(merged.columns, start=1):
        yield from _legend(number, column)
    yield ""
    yield from _table(merged, width)
    for row in merged.rows:
        yield from _why(row)
    yield from _blind(merged.rows)
    yield ""
    verdict, differing = verdict_of(merged.exit_status).upper(), sum(row.differs for row in merged.rows)
    size = f"{_count(len(merged.rows), 'check')} in {_count(len(merged.columns), 'column')}"
    yield f"{verdict} · {size} · {differing} with different verdicts"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _legend(number: int, column: Column) -> Iterator[str]:
    name = " · ".join(part for part in (column.place, column.target, column.phase) if part)
    counts = counted(column.counts)
    yield f"{number:>2}  {column.verdict.upper():<7} {name or column.run}{f': {counts}' if counts else ''}"
    if name:
        replay = f", replay of {column.replay_of}" if column.replay_of else ""
        yield f"            {column.run}{replay}"
    if column.trouble:
        yield from _wrapped(column.trouble, " " * 12)


def _table(merged: Merged, width: int) -> Iterator[str]:
    heads = _heads(merged.columns)
    words = [[SHORT.get(v, v) if v else ABSENT for v in row.verdicts] for row in merged.rows]
    widths = [max(map(len, cells)) for cells in zip(heads, *words, strict=True)]
    first = max((len(row.check) for row in merged.rows), default=0)
    if first + sum(w + 2 for w in widths) > width:
        heads = [str(n) for n, _ in enumerate(merged.columns, start=1)]
        words = [[LETTERS[v] if v else ABSENT for v in row.verdicts] for row in merged.rows]
        widths = [len(head) for head in heads]
        yield "  ".join(f"{letter} {verdict}" for verdict, letter in LETTERS.items()) + f"  {ABSENT} not planned"
    yield f"{'':<{first}}" + "".join(f"  {head:<{w}}" for head, w in zip(heads, widths, strict=True))
    for n, (row, cells) in enumerate(zip(merged.rows, words, strict=True)):
        if n == 0 or row.differs != merged.rows[n - 1].differs:
            yield "Verdicts differ:" if row.differs else "Verdicts are the same:"
        yield f"{row.check:<{first}}" + "".join(f"  {cell:<{w}}" for cell, w in zip(cells, widths, strict=True))


def _heads(columns: list[Column]) -> list[str]:
    """What tells the columns apart in one word each, or their numbers."""
    for words in ([c.place for c in columns], [c.target for c in columns], [c.phase for c in columns]):
        told = [word for word in words if word]
        if len(set(told)) == len(columns):
            return told
    return [str(number) for number, _ in enumerate(columns, start=1)]


def _why(row: Row) -> Iterator[str]:
    """Why a check failed, or why its verdicts differ, each reason with its columns."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for number, verdict, reason in _told(row):
        if verdict == "failed" or (row.differs and verdict in ACCEPTED - {"passed"}):
            reasons.setdefault((verdict, reason), []).append(str(number))
    if not reasons:
        return
    yield ""
    yield f"{row.check} · {row.claim}"
    for (verdict, reason), numbers in reasons.items():
        yield from _wrapped(f"{','.join(numbers)} {verdict}: {reason}")


def _blind(rows: list[Row]) -> Iterator[str]:
    """What could not be looked at, once, with the columns and checks that it blinds."""
    blinded: dict[str, tuple[dict[int, None], dict[str, None]]] = {}
    for row in rows:
        for number, verdict, reason in _told(row):
            if verdict == "error":
                numbers, checks = blinded.setdefault(reason, ({}, {}))
                numbers.setdefault(number)
                checks.setdefault(row.check)
    for reason, (numbers, checks) in blinded.items():
        yield ""
        yield f"{_count(len(checks), 'check')} could not look in {', '.join(map(str, sorted(numbers)))}: {reason}"
        yield from _wrapped(", ".join(checks))


def _told(row: Row) -> Iterator[tuple[int, str, str]]:
    """Column, verdict and reason of each cell that has them."""
    for number, (verdict, reason) in enumerate(zip(row.verdicts, row.reasons, strict=True), start=1):
        if verdict:
            yield number, verdict, reason or ""


def _wrapped(text: str, first: str = "  ") -> list[str]:
    rest = f"{first}  "
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False, break_long_words=False
    )
