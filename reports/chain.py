"""The chain: each line of a record names the hash of the one before, each run that of its target's run before.

A run names the newest finished run, by the time it started, that judged the same target and lies in the same folder.
Replays judge nothing new: they stand outside. Runs that went on at the same time name the same predecessor; such a
fork is nothing wrong, but is told, since a run of which nobody holds the hash can be dropped unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

RUN = re.compile(r"(?P<time>\d{8}T\d{6}Z)-(?P<what>.+?)(?:-(?P<number>\d+))?")
LONGEST_FINISH = 1 << 16  # bytes; the last line of a finished record is far shorter


def runs(reports: Path) -> list[Path]:
    """The folders of all runs, newest first, told by their names alone."""
    named = ((path, RUN.fullmatch(path.name)) for path in reports.iterdir())
    found = [((name["time"], int(name["number"] or 1), name["what"]), path) for path, name in named if name]
    return [path for _, path in sorted(found, reverse=True)]


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
    for folder in runs(reports) if reports.exists() else []:
        if not missing:
            break
        if not any(name in folder.name for name in missing) and "-targets-" not in folder.name:
            continue
        with suppress(OSError):
            closing = closing_hash(folder)
            for name in missing & judged(plan_of(folder)) if closing else ():
                found[name] = {"run": folder.name, "closing_hash": str(closing)}
            missing -= found.keys()
    return dict(sorted(found.items()))


def successors(reports: Path, target: str, hash_of_previous: str) -> Iterator[str]:
    """The names of all runs in a folder that name this closing hash as their predecessor for a target."""
    for folder in runs(reports):
        with suppress(OSError, TypeError, LookupError):
            if plan_of(folder)["previous_runs"][target]["closing_hash"] == hash_of_previous:
                yield folder.name
