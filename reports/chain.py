"""The chain: each line of a record names the hash of the one before, each run that of its target's run before.

A run names the newest finished run, by the time it started, that judged the same target and lies in the same folder.
One that was pruned is on the ledger, and still the run before.
Replays judge nothing new: they stand outside. Runs that went on at the same time name the same predecessor; such a
fork is nothing wrong, but is told, since a run of which nobody holds the hash can be dropped unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reports import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RUN = re.compile(r"(?P<time>\d{8}T\d{6}Z)-(?P<what>.+?)(?:-(?P<number>\d+))?")
LONGEST_FINISH = 1 << 16  # bytes; the last line of a finished record is far shorter


def runs(reports: Path) -> list[Path]:
    """The folders of all runs, newest first, told by their names alone.

    Raises:
        OSError: the folder cannot be listed.
    """
    return [reports / name for name in newest_first(path.name for path in reports.iterdir())]


def newest_first(names: Iterable[str]) -> list[str]:
    """Those of the names that are a run's, the newest first."""
    named = (RUN.fullmatch(name) for name in names)
    found = [((name["time"], int(name["number"] or 1), name["what"]), name[0]) for name in named if name]
    return [name for _, name in sorted(found, reverse=True)]


def closing_hash(folder: Path) -> str | None:
    """The SHA-256 of a record's last line if that is its finish; else None. Reads no more than the end of the file.

    Raises:
        OSError: there is no record, or it cannot be read.
    """
    with (folder / "record.jsonl").open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LONGEST_FINISH))
        *_, last, rest = [b"", b"", *file.read().split(b"\n")]
    with suppress(ValueError, TypeError, LookupError):
        if not rest and json.loads(last)["kind"] == "finish":
            return hashlib.sha256(last).hexdigest()
    return None


def plan_of(folder: Path) -> dict[str, Any]:
    """The plan line of a run, without reading on; empty where there is none.

    Raises:
        OSError: there is no record, or it cannot be read.
    """
    with (folder / "record.jsonl").open("rb") as file, suppress(ValueError):
        plan = json.loads(file.readline())
        if isinstance(plan, dict) and plan.get("kind") == "plan":
            return plan
    return {}


def judged(plan: dict[str, Any]) -> set[str]:
    """The names of the targets that a live run judges; none for a replay."""
    with suppress(TypeError, LookupError):
        return set() if plan["replay_of"] else {target["name"] for target in plan["targets"]}
    return set()


def previous_runs(reports: Path, targets: Iterable[str]) -> dict[str, dict[str, str]]:
    """For each target that has one, the run before: `{target: {"run", "closing_hash"}}`.

    Raises:
        OSError: the folder of all runs cannot be listed.
    """
    missing, found = set(targets), dict[str, dict[str, str]]()
    pruned = ledger.pruned(reports)
    there = {path.name for path in reports.iterdir()} if reports.exists() else set()
    for run in newest_first(there | pruned.keys()):
        if not missing:
            break
        if not any(name in run for name in missing) and "-targets-" not in run:
            continue
        closing, judged_there = _end_of(reports / run if run in there else None, pruned.get(run, {}))
        for name in missing & judged_there if closing else ():
            found[name] = {"run": run, "closing_hash": str(closing)}
        missing -= found.keys()
    return dict(sorted(found.items()))


def _end_of(folder: Path | None, pruned: dict[str, Any]) -> tuple[str | None, set[str]]:
    """The closing hash of a run and what it judged: from its record, or from the ledger once that is gone."""
    with suppress(OSError):
        if folder:
            closing = closing_hash(folder)
            return closing, judged(plan_of(folder)) if closing else set()
    return pruned.get("closing_hash"), judged(pruned)


def successors(reports: Path, target: str, hash_of_previous: str) -> Iterator[str]:
    """The names of all runs in a folder that name this closing hash as their predecessor for a target."""
    for folder in runs(reports):
        with suppress(OSError, TypeError, LookupError):
            if plan_of(folder)["previous_runs"][target]["closing_hash"] == hash_of_previous:
                yield folder.name
