"""`python -m reports finish RUN`: the reports of a run that was killed before it could make them.

Nothing is added to the record: only the run itself can say how it ended. So the reports say what is missing, their
verdict is never green, and `verify` goes on to call the run incomplete.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.target import published
from reports import attestation, claims, derive
from reports.claims import Runbook
from reports.going_on import goes_on
from reports.provenance import ROOT, commit_of
from reports.record import RecordError, read_record, unusable
from reports.redaction import Redactor
from reports.signing import SigningKey, UnusableKey
from reports.summary import BROKEN, MISUSE, PASSED, check_rows
from reports.terminal import printable

if TYPE_CHECKING:
    import argparse

    from reports.record import RecordedRun

DRAFT = re.compile(r"\.[\w.-]+\.\d+")  # what a process that was killed was just writing


def add_to(parser: argparse.ArgumentParser) -> None:
    """Describe the command, and add its options."""
    parser.description, parser.epilog = (
        __doc__,
        "exit statuses: 0 the reports are there; 3 they could not be made, or hold a secret; 4 misuse",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Make the reports, and say what is missing; give the exit status."""
    folder: Path = options.run.resolve()
    if goes_on(folder):
        return _refused(f"{folder.name} still goes on: wait until it ends, or stop it", MISUSE)
    try:
        run = read_record(folder / "record.jsonl")
        key = SigningKey.from_environment(os.environ)
    except (RecordError, UnusableKey) as error:
        return _refused(str(error), MISUSE)
    content = run.path.read_bytes()
    for claim in (claims.unbroken(content), claims.readable(content, Runbook(*commit_of(ROOT)))):
        if claim.status:
            return _refused(f"{claim.told}: no report is made of it", BROKEN)
    if (folder / attestation.NAME).exists():
        _say(run, f"{folder.name} has all its reports: nothing is done")
        return PASSED
    return _finish(folder, run, key)


def _finish(folder: Path, run: RecordedRun, key: SigningKey | None) -> int:
    for path in folder.iterdir():
        if DRAFT.fullmatch(path.name):
            path.unlink()
    its_own = key and run.plan["signing_key"] == key.as_json()
    try:
        summary = derive.reports(folder, _redactor(run, key), key=key if its_own else None)
    except (OSError, RecordError, derive.LeakedError) as error:
        return _refused(unusable(error) if isinstance(error, OSError) else str(error), BROKEN)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return _refused(f"the record contradicts itself ({type(error).__name__}: {error}): it was changed", BROKEN)
    _say(run, f"{summary['verdict'].upper()} · the reports of {folder.name} are made")
    return PASSED


def _say(run: RecordedRun, head: str) -> None:
    sys.stdout.write("".join(f"{printable(line)}\n" for line in (head, *missing(run))))


def _refused(reason: str, status: int) -> int:
    sys.stderr.write(f"{printable(reason)}\n")
    return status


def _redactor(run: RecordedRun, key: SigningKey | None) -> Redactor:
    secrets = key.secrets() if key else []
    return Redactor.from_environment(os.environ, more=secrets, public=published(run.plan["targets"]))


def missing(run: RecordedRun) -> list[str]:
    """What the record of a run does not hold, a line each."""
    rows = check_rows(run)
    unjudged = [row["check"] for row in rows if row["verdict"] == "not-run"]
    looks = {name for check in run.plan["checks"] if not check["missing_key"] for name in check["observations"]}
    unseen = sorted(looks - run.observations.keys())
    lines = [
        (run.torn, "the last line of the record was cut short and does not count"),
        (run.finish is None, "the record has no finish: the run was killed, or could not write any more"),
        (unjudged, f"{len(unjudged)} of {len(rows)} checks never judged: {', '.join(unjudged)}"),
        (unseen, f"{len(unseen)} looks never came back: {', '.join(unseen)}"),
    ]
    return [f"  {line}" for holds, line in lines if holds]
