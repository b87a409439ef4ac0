"""`python -m reports prune`: delete runs that nobody needs any more, and leave on record what they were.

A run goes when it is older than the days given, and not among the newest of its kind (the same targets and phase) that
are kept. Of each one that goes, `pruned.jsonl` keeps the name, the verdict and the closing hash, so that the run after
it is still chained to something, and nobody can say that a run was lost by chance.
"""

from __future__ import annotations

import argparse
import getpass
import json
import shutil
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reports import chain, history, ledger
from reports.going_on import goes_on
from reports.provenance import ROOT
from reports.record import utc
from reports.summary import BROKEN, MISUSE, PASSED
from reports.terminal import printable

STAMP = "%Y%m%dT%H%M%SZ"


def add_to(parser: argparse.ArgumentParser) -> None:
    """Describe the command, and add its options."""
    parser.description, parser.epilog = (
        __doc__,
        "exit statuses: 0 done, or told what would be done; 3 not all could be deleted; 4 misuse",
    )
    parser.add_argument("--older-than", type=whole, required=True, metavar="DAYS", help="only runs older than that")
    parser.add_argument("--keep", type=whole, required=True, metavar="N", help="the newest N of each kind stay")
    parser.add_argument("--runs", type=Path, default=ROOT / "reports" / "runs", metavar="DIR", help="where they lie")
    parser.add_argument("--yes", action="store_true", help="delete; without it, only say what would be deleted")
    parser.set_defaults(command=command)


def whole(text: str) -> int:
    """A number that is not below zero."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def command(options: argparse.Namespace) -> int:
    """Say which runs go, and let them go if that was asked; give the exit status."""
    try:
        going = doomed(options.runs, datetime.now(UTC) - timedelta(days=options.older_than), options.keep)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "so many days ago there was no calendar"
        return _refused(f"{options.runs}: {reason}", MISUSE)
    if not going:
        sys.stdout.write("no run is old enough to go\n")
        return PASSED
    for folder in going:
        sys.stdout.write(f"{'pruned' if options.yes else 'would go'}  {printable(folder.name)}\n")
        if options.yes:
            try:
                prune(folder)
            except OSError as error:
                return _refused(f"{error.filename or folder} cannot be changed ({error.strerror})", BROKEN)
    if not options.yes:
        sys.stdout.write(f"{len(going)} runs would go; say --yes to delete them\n")
        return PASSED
    try:
        history.rebuild([options.runs])  # the page would go on to lead to what is gone
    except OSError as error:
        return _refused(f"{error.filename or history.PAGE} cannot be written ({error.strerror})", BROKEN)
    return PASSED


def _refused(reason: str, status: int) -> int:
    sys.stderr.write(f"{printable(reason)}\n")
    return status


def doomed(reports: Path, before: datetime, keep: int) -> list[Path]:
    """The runs that go, oldest first; none that still goes on.

    Raises:
        OSError: the folder cannot be listed.
    """
    seen: dict[str, int] = {}
    going = []
    for folder in chain.runs(reports):
        name = chain.RUN.fullmatch(folder.name)
        assert name is not None  # noqa: S101 - chain.runs gives no others
        kind = name["what"]
        seen[kind] = seen.get(kind, 0) + 1
        old = datetime.strptime(name["time"], STAMP).replace(tzinfo=UTC) < before
        if old and seen[kind] > keep and not goes_on(folder):
            going.append(folder)
    return going[::-1]


def prune(folder: Path) -> None:
    """Put a run on the ledger, then delete it. What it was is on record before anything of it is gone.

    Raises:
        OSError: the ledger cannot be written, or a file not deleted.
    """
    ledger.put_down(folder.parent, entry(folder))
    shutil.rmtree(folder)
    latest = folder.parent / "latest"
    if latest.is_symlink() and not latest.exists():
        latest.unlink()


def entry(folder: Path) -> dict[str, Any]:
    """What is kept of a run: null where its files do not tell."""
    plan: dict[str, Any] = {}
    closing, summary = None, dict[str, Any]()
    with suppress(OSError):
        plan, closing = chain.plan_of(folder), chain.closing_hash(folder)
    with suppress(OSError, ValueError, TypeError):
        summary = dict(json.loads((folder / "summary.json").read_bytes()))
    return {
        "run": folder.name,
        "closing_hash": closing,
        "previous_runs": plan.get("previous_runs"),
        **{name: summary.get(name) for name in ledger.KEPT},
        "app_commit": plan.get("app_commit"),
        "pruned": utc(),
        "by": _who(),
    }


def _who() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return None
