"""`python -m reports merge RUN…`: runs of several places, targets or phases side by side, what differs first."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import merge_table
from reports.record import RecordError, read_record
from reports.summary import (
    ACCEPTED,
    BLIND,
    BROKEN,
    FAILED,
    MISUSE,
    PASSED,
    exit_status,
    summarise,
    trouble,
    verdict_of,
    write_atomically,
)
from reports.terminal import WIDTH

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

SCHEMA = 1
SUBJECT = re.compile(r"(?<=\[)(?:candidate|edge)(?:-|(?=\]))|-(?:candidate|edge)(?=\])")
EPILOG = """exit statuses:
  0  every run passed
  1  something failed in one of them
  6  nothing failed, but a run is broken, cut short, empty, or could not look at something
  4  misuse: no such run"""


class NoRun(Exception):
    """What was named is not a run at all: one sentence."""


@dataclass(frozen=True)
class Column:
    """One phase of one target in one run. `trouble` says why the run, whatever its verdicts, is not to be relied on."""

    run: str
    place: str | None
    target: str | None
    phase: str | None
    replay_of: str | None
    started: str | None
    verdict: str
    counts: dict[str, int]
    trouble: str | None


@dataclass(frozen=True)
class Row:
    """One check with its verdict and the reason for it by column; None where the run did not plan it.

    `check` is the id without the subject: before and after a deploy the same check judges candidate and edge.
    """

    check: str
    item: str
    claim: str
    severity: str
    differs: bool
    verdicts: list[str | None]
    reasons: list[str | None]


@dataclass(frozen=True)
class Merged:
    """Runs side by side. Rows that differ come first, then what is not accepted, each in the order of the runbook."""

    columns: list[Column]
    rows: list[Row]
    exit_status: int

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `reports/schemas/merged.json` says."""
        return {
            "schema": SCHEMA,
            "verdict": verdict_of(self.exit_status),
            "exit_status": self.exit_status,
            "columns": [asdict(column) for column in self.columns],
            "checks": [asdict(row) for row in self.rows],
        }


def add_to(parser: argparse.ArgumentParser) -> None:
    """Describe the command, and add its options."""
    parser.description, parser.epilog = __doc__, EPILOG
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="the folder of a run")
    parser.add_argument("--into", type=Path, metavar="DIR", help="write merged.json there, too")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print the table; give the exit status."""
    try:
        merged = merge(options.runs)
        if options.into:
            options.into.mkdir(parents=True, exist_ok=True)
            text = json.dumps(merged.as_json(), indent=2, ensure_ascii=False) + "\n"
            write_atomically(options.into / "merged.json", text)
    except NoRun as error:
        sys.stderr.write(f"{error}\n")
        return MISUSE
    except OSError as error:
        sys.stderr.write(f"--into={options.into} cannot be written ({error.strerror}): give another folder\n")
        return MISUSE
    for line in merge_table.lines(merged, shutil.get_terminal_size((WIDTH, 0)).columns):
        sys.stdout.write(f"{line}\n")
    return merged.exit_status


def merge(paths: Iterable[Path]) -> Merged:
    """Lay runs side by side, in the order given.

    Raises:
        NoRun: a path holds no record, or two are one run.
    """
    columns: list[Column] = []
    cells: dict[str, dict[int, dict[str, Any]]] = {}
    folders: set[Path] = set()
    for path in paths:
        folder = path.resolve()
        if not (folder / "record.jsonl").is_file():
            raise NoRun(f"{path} is no run: there is no record.jsonl in it; name the folder of a run")
        if folder in folders:
            raise NoRun(f"{path} is given twice (as {folder.name}): name each run once")
        folders.add(folder)
        _add(path, columns, cells)
    rows = [_row(check, by_column, len(columns)) for check, by_column in cells.items()]
    rows.sort(key=lambda row: (not row.differs, ACCEPTED.issuperset(filter(None, row.verdicts))))
    return Merged(columns, rows, _status(columns))


def _add(path: Path, columns: list[Column], cells: dict[str, dict[int, dict[str, Any]]]) -> None:
    """Add a run's columns and, by the check's id, its cells."""
    try:
        summary = summarise(read_record(path))
    except RecordError as error:
        columns.append(_unreadable(path, str(error)))
        return
    except (LookupError, TypeError, AttributeError) as error:
        columns.append(_unreadable(path, f"{path} holds a record that was changed or damaged ({error!r})"))
        return
    parts = list(dict.fromkeys((row["target"], row["phase"]) for row in summary["checks"])) or [(None, None)]
    first = len(columns)
    columns += [_column(path, summary, target, phase) for target, phase in parts]
    for row in summary["checks"]:
        check = SUBJECT.sub("", row["check"]).removesuffix("[]")
        cells.setdefault(check, {})[first + parts.index((row["target"], row["phase"]))] = row


def _unreadable(path: Path, trouble: str) -> Column:
    return Column(path.resolve().name, None, None, None, None, None, "blind", {}, trouble)


def _column(folder: Path, summary: dict[str, Any], target: str | None, phase: str | None) -> Column:
    own = [row["verdict"] for row in summary["checks"] if (row["target"], row["phase"]) == (target, phase)]
    trouble = _trouble(folder, summary)
    verdict = verdict_of(exit_status(own, PASSED))
    return Column(
        run=summary["run"],
        place=summary["place"],
        target=target,
        phase=phase,
        replay_of=summary["replay_of"],
        started=summary["started"],
        verdict="blind" if trouble and verdict == "passed" else verdict,
        counts=dict(Counter(own)),
        trouble=trouble,
    )


def _trouble(folder: Path, summary: dict[str, Any]) -> str | None:
    """What speaks against a run as a whole; a leak is told in its summary.json alone."""
    return trouble(summary | ({"exit_status": BROKEN} if _told_status(folder) == BROKEN else {}))


def _told_status(folder: Path) -> int | None:
    """The exit status in the run's summary.json, where there is one: a leak is told there alone."""
    try:
        told = json.loads((folder / "summary.json").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return BROKEN
    return told.get("exit_status", BROKEN) if isinstance(told, dict) else BROKEN


def _row(check: str, by_column: dict[int, dict[str, Any]], width: int) -> Row:
    one = next(iter(by_column.values()))
    verdicts = [by_column[n]["verdict"] if n in by_column else None for n in range(width)]
    return Row(
        check=check,
        item=one["item"],
        claim=one["claim"],
        severity=one["severity"],
        differs=len({verdict for verdict in verdicts if verdict}) > 1,
        verdicts=verdicts,
        reasons=[by_column[n]["reason"] if n in by_column else None for n in range(width)],
    )


def _status(columns: list[Column]) -> int:
    verdicts = {column.verdict for column in columns}
    return FAILED if "failed" in verdicts else PASSED if verdicts == {"passed"} else BLIND
