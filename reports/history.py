"""`python -m reports history`: all runs of a folder over time, as one page for browsers, and the newest as metrics.

What the page needs of each run is kept in an index beside the runs, so that a new run costs its own summary and not
everybody's. Page, metrics and index can be deleted at any time: they are made anew from the runs.
"""

from __future__ import annotations

import hashlib
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import chain
from reports.provenance import ROOT
from reports.summary import BROKEN, MISUSE, PASSED, VERDICTS, write_atomically
from reports.terminal import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

PAGE = "index.html"
INDEX = ".history.json"
SCHEMA = 2
LETTERS = dict(zip(VERDICTS, "pfenaws", strict=True))
FACTS = (
    *("run", "verdict", "exit_status", "gate", "complete", "replay_of", "place", "started", "finished", "seconds"),
    *("app_commit", "counts", "measures", "requests"),
)


def add_to(parser: argparse.ArgumentParser) -> None:
    """Describe the command, and add its options."""
    parser.description, parser.epilog = __doc__, "exit statuses: 0 the page is made; 3 it cannot be written; 4 misuse"
    default = ROOT / "reports" / "runs"
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="folders of runs; the page goes into the first one"
    )
    parser.set_defaults(command=lambda options: command(options.folders or [default]))


def command(folders: list[Path]) -> int:
    """Make the page, and say where it is; give the exit status."""
    missing = next((folder for folder in folders if not folder.is_dir()), None)
    if missing is not None:
        sys.stderr.write(f"{printable(str(missing))} is no folder of runs: name one, such as reports/runs\n")
        return MISUSE
    try:
        count = rebuild(folders)
    except OSError as error:
        sys.stderr.write(f"{error.filename or folders[0] / PAGE} cannot be written ({error.strerror})\n")
        return BROKEN
    sys.stdout.write(f"{folders[0] / PAGE}: {count} runs\n")
    return PASSED


def rebuild(folders: list[Path]) -> int:
    """Bring the indexes up to date and write page and metrics into the first folder; how many runs there are.

    Raises:
        OSError: a folder cannot be listed, or one of the two not written.
    """
    from reports import history_page, textfile  # noqa: PLC0415 - their libraries load longer than runs are indexed

    found = [entry for folder in folders for entry in indexed(folder)]
    write_atomically(folders[0] / PAGE, history_page.render(found, folders[0]))
    write_atomically(folders[0] / textfile.NAME, textfile.render(found))
    return len(found)


@dataclass(frozen=True)
class Entry:
    """What the page needs of one run. `verdicts` has a letter for each of `checks`, in the same order."""

    folder: Path
    what: str
    facts: Mapping[str, Any]
    checks: tuple[str, ...]
    verdicts: str


def indexed(folder: Path) -> list[Entry]:
    """Every run of a folder, newest first. Runs whose summary has not changed come from the index.

    Raises:
        OSError: the folder cannot be listed, or the index not written.
    """
    known = _load(folder)
    tables: dict[tuple[str, ...], int] = {tuple(table): number for number, table in enumerate(known["tables"])}
    kept: dict[str, list[Any]] = {}
    changed = False
    for run in chain.runs(folder):
        state = _state(run)
        if state is None:
            continue
        row = known["runs"].get(run.name)
        if row is None or row[0] != state:
            row = [state, *_digest(run, tables)]
            changed = True
        kept[run.name] = row
    if changed or kept.keys() != known["runs"].keys():
        index = {"schema": SCHEMA, "tables": [list(table) for table in tables], "runs": kept}
        text = json.dumps(index, separators=(",", ":"))
        write_atomically(folder / INDEX, f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    listed = list(tables)
    return [
        Entry(folder / name, _what(name), facts, listed[table], verdicts)
        for name, (_, facts, table, verdicts) in kept.items()
        if facts
    ]


def _load(folder: Path) -> dict[str, Any]:
    """The index; an empty one where there is none, or one that is not as it was written."""
    with suppress(OSError, ValueError, TypeError, LookupError):
        digest, _, text = (folder / INDEX).read_bytes().partition(b"\n")
        if digest.decode() == hashlib.sha256(text).hexdigest():
            index = json.loads(text)
            if index["schema"] == SCHEMA:
                return dict(index)
    return {"tables": [], "runs": {}}


def _state(run: Path) -> str | None:
    """What changes when the summary does; None where there is none."""
    try:
        found = (run / "summary.json").stat()
    except OSError:
        return None
    return f"{found.st_mtime_ns}.{found.st_size}"


def _digest(run: Path, tables: dict[tuple[str, ...], int]) -> tuple[dict[str, Any], int, str]:
    """The facts of a run, the number of its table of checks, and their verdicts; no facts where it cannot be read."""
    try:
        summary = json.loads((run / "summary.json").read_bytes())
        facts = {name: summary[name] for name in FACTS} | {"numbers": _numbers(summary)}
        _examine(facts)
        several = len(summary["targets"]) > 1
        checks = tuple(f"{r['check']} of {r['target']}" if several else r["check"] for r in summary["checks"])
        verdicts = "".join(LETTERS[row["verdict"]] for row in summary["checks"])
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return {}, 0, ""
    return facts, tables.setdefault(checks, len(tables)), verdicts


def _examine(facts: Mapping[str, Any]) -> None:
    """Refuse what has another shape: one summary that nobody can read must not end every run after it.

    Raises:
        TypeError: it has.
    """
    mappings = all(isinstance(facts[name], dict) for name in ("counts", "requests"))
    numbers = all(isinstance(number, int | float) for number in facts["numbers"].values())
    if not (mappings and numbers and isinstance(facts["started"], str)):
        raise TypeError


def _numbers(summary: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that are drawn: each measure's worst of all targets (of days left that is the least), and seconds."""
    found: dict[str, float] = {} if summary["seconds"] is None else {"seconds": summary["seconds"]}
    for measures in summary["measures"].values():
        for name, value in measures.items():
            worst = min if name == "certificate_days" else max
            found[name] = worst(value, found.get(name, value))
    return found


def _what(name: str) -> str:
    """Targets and phase of a run, by its name."""
    found = chain.RUN.fullmatch(name)
    return found["what"] if found else name


def by_kind(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The runs of each kind (targets and phase), newest first; replays judge nothing new, and are left out."""
    kinds: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: (one.facts["started"], one.folder.name), reverse=True):
        if not entry.facts["replay_of"]:
            kinds.setdefault(entry.what, []).append(entry)
    return kinds
