"""The record: the append-only file of a run, from which every report is derived.

One JSON object a line, in RFC 8785 form, each with `kind`, `at` (UTC) and `previous`: the SHA-256 of the line before,
so that a line dropped, doubled, swapped or edited breaks the chain. Kinds: plan, observation, round, verdict, finish.
The shapes are published in `reports/schemas/record.json`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.looks import Json
    from reports.redaction import Redactor

SCHEMA = 1
FIRST = "0" * 64
LATER = re.compile(r"@(\d+)$")  # what ends the id of an observation from the second round of a run that waits on
LARGEST_EXACT_INTEGER = 2**53 - 1  # RFC 8785 numbers are IEEE 754 doubles


class RecordError(Exception):
    """The record cannot be written or read: one sentence that names the file and the way out."""


def unusable(error: OSError) -> str:
    """A file that the system keeps from us, in a sentence without its error number."""
    return f"{error.filename or 'a file'} cannot be read or written ({error.strerror or error})"


def utc(moment: datetime | None = None) -> str:
    """A moment (now, by default) as ISO 8601 in UTC with milliseconds and a Z."""
    moment = moment or datetime.now(UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact(value: Json) -> Json:
    """The value with numbers that JSON cannot carry exactly told as text."""
    if isinstance(value, dict):
        return {key: exact(part) for key, part in value.items()}
    if isinstance(value, list):
        return [exact(part) for part in value]
    if isinstance(value, float) and not (float("-inf") < value < float("inf")):
        return str(value)
    if isinstance(value, int) and abs(value) > LARGEST_EXACT_INTEGER:
        return str(value)
    return value


class Record:
    """The one writer of a run's record.

    Everything that enters is redacted here first. Plan, failures and finish are synced to disk, the rest flushed.
    """

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self._redactor = redactor
        self._lock = threading.Lock()
        self._previous = FIRST
        self._broken: str | None = None
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise RecordError(
                f"{path} cannot be written ({error.strerror}): give a writable folder with --reports=DIR"
            ) from error

    @property
    def closing_hash(self) -> str:
        """The SHA-256 of the last line."""
        return self._previous

    @property
    def closed(self) -> bool:
        """Whether the run is over: a look that ends later belongs to no run."""
        return self._file.closed

    def append(self, kind: str, content: dict[str, Any], *, sync: bool = False) -> None:
        """Append one line.

        Raises:
            RecordError: the line could not be written; nothing is judged on evidence that is not kept.
        """
        with self._lock:
            if self._broken:
                raise RecordError(self._broken)
            if self._file.closed:
                return
            line: dict[str, Json] = {"kind": kind, "at": utc(), "previous": self._previous, **content}
            encoded = rfc8785.dumps(self._redactor.data(exact(line)))
            try:
                self._file.write(encoded + b"\n")
                self._file.flush()
                if sync:
                    os.fsync(self._file.fileno())
            except OSError as error:
                self._broken = f"{self.path} cannot be written any more ({error.strerror}): make room, then run again"
                raise RecordError(self._broken) from error
            self._previous = hashlib.sha256(encoded).hexdigest()

    def close(self) -> None:
        """Close the file; what could not be written was told when it happened."""
        try:
            self._file.close()
        except OSError as error:
            self._broken = f"{self.path} cannot be closed ({error.strerror})"


@dataclass
class RecordedRun:
    """A record as read back. `torn` is true when the last line is cut short, as a killed run leaves it."""

    path: Path
    plan: dict[str, Any]
    observations: dict[str, dict[str, Any]] = field(default_factory=dict)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    verdicts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    finish: dict[str, Any] | None = None
    torn: bool = False
    closing_hash: str = FIRST  # the SHA-256 of the last whole line

    def round_facts(self) -> list[dict[str, Any]]:
        """What each round has come to, without what ties the line to this record."""
        return [
            {key: value for key, value in line.items() if key not in {"kind", "at", "previous"}} for line in self.rounds
        ]

    def judged_observations(self) -> dict[str, dict[str, Any]]:
        """What verdicts rest on, by ids without a round: of a run that waited, the observations of the last round."""
        last = self.rounds[-1]["number"] if self.rounds else None
        found = {}
        for name, observation in self.observations.items():
            if last in {None, round_of(name)}:
                found[LATER.sub("", name)] = observation
        return found


def round_of(observation: str) -> int:
    """The round in which an observation of this id was made, from 1."""
    later = LATER.search(observation)
    return int(later[1]) if later else 1


def read_record(path: Path) -> RecordedRun:
    """Read `record.jsonl`, or the record in a run's folder.

    Raises:
        RecordError: there is no record, or it has no plan, or a line other than the last cannot be parsed.
    """
    file = path
    try:
        file = path / "record.jsonl" if path.is_dir() else path
        lines = file.read_bytes().split(b"\n")
    except OSError as error:
        raise RecordError(f"{file} cannot be read ({error.strerror}): name a run's folder") from error
    run = RecordedRun(file, plan={})
    for number, line in enumerate(lines, start=1):
        try:
            if line:
                _add(run, json.loads(line))
                run.closing_hash = hashlib.sha256(line).hexdigest()
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            if number != len(lines):
                raise RecordError(f"{file}:{number} is not a line of a record: it was changed or damaged") from error
            run.torn = True
    if not run.plan:
        raise RecordError(f"{file} holds no plan: it is not a run's record, or the run died before it began")
    return run


def _add(run: RecordedRun, entry: dict[str, Any]) -> None:
    match entry["kind"]:
        case "plan":
            run.plan = entry
        case "observation":
            run.observations[entry["id"]] = entry
        case "round":
            run.rounds.append(entry)
        case "verdict":
            run.verdicts[entry["check"], entry["target"]] = entry
        case "finish":
            run.finish = entry
