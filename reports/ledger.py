"""pruned.jsonl: what is left on record of the runs that were deleted, one JSON object a line."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

NAME = "pruned.jsonl"
# What the list of releases asks of a run (reports/releases.py).
KEPT = (
    *("verdict", "gate", "complete", "dirty", "replay_of", "started", "finished", "release", "image_digest"),
    *("targets", "counts"),
)


def put_down(reports: Path, entry: dict[str, Any]) -> None:
    """Append what is kept of a run, and see it on the disk: what it tells of is deleted next.

    Raises:
        OSError: it cannot be written.
    """
    with (reports / NAME).open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        torn = file.read() not in {b"", b"\n"}  # the disk was full then, or the power went: that line stays by itself
        file.write(b"\n" * torn + json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def pruned(reports: Path) -> dict[str, dict[str, Any]]:
    """What the ledger of a folder says, by the run's name; lines that cannot be read are left out.

    Of several lines about one run the first counts: a run of which only a part could be deleted is told again, by less.
    """
    found: dict[str, dict[str, Any]] = {}
    with suppress(OSError):
        for line in (reports / NAME).read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError, TypeError, LookupError):
                one = json.loads(line)
                found.setdefault("" + one["run"], one)
    return found
