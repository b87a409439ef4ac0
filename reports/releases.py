"""`python -m reports releases`: every release of a target beside its gate, its postdeploy run and its waivers.

The list is an auditor's: those with gaps come first. It is made from what the platform tells now and from the runs of
a folder, and written as CSV, HTML and JSON. The platform lists the newest 25 releases; older ones are told as far as
earlier runs have seen them, and what nobody has seen is a gap of the list.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.fleet_releases import Release, releases
from fixtures.fly_cli import Cli, told
from fixtures.looks import Unseen
from fixtures.target import Target, TargetError, load_target, published
from reports import release_list
from reports.known_runs import known_runs
from reports.older_releases import older, unknown
from reports.provenance import ROOT
from reports.record import utc
from reports.redaction import Redactor
from reports.summary import BLIND, BROKEN, FAILED, MISUSE, PASSED, write_atomically
from reports.terminal import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from fixtures.fly_answer import Answer

SCHEMA = 1
SECONDS = 30.0
EPILOG = """exit statuses:
  0  no release has a gap
  1  some have, or the list itself has
  3  the files cannot be written
  4  misuse: no such target, date or folder
  6  the platform could not be asked: nothing is written"""


class Refused(Exception):
    """The list cannot be made: one sentence, and the exit status that says which way."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def add_to(parser: argparse.ArgumentParser) -> None:
    """Describe the command, and add its options."""
    parser.description, parser.epilog = __doc__, EPILOG
    parser.add_argument("--target", required=True, metavar="NAME", help="a target, or the path of a target file")
    parser.add_argument("--since", required=True, metavar="DATE", help="the first day of the list (UTC): 2026-01-01")
    parser.add_argument("--runs", type=Path, default=ROOT / "reports" / "runs", metavar="DIR", help="where runs lie")
    parser.add_argument("--into", type=Path, metavar="DIR", help="where the files go (default: the folder of runs)")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Make the list, write it, and print its gaps; give the exit status."""
    into: Path = options.into or options.runs
    try:
        since, target, reports = _day(options.since), load_target(options.target), _folder(options.runs)
        document = listing(target, since, reports, _asked(target.app))
        _write(document, reports, into)
    except TargetError as error:
        return _refused(str(error), MISUSE)
    except Refused as refused:
        return _refused(str(refused), refused.status)
    for line in _lines(document):
        sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.write(f"{into / _stem(document)}.html\n")
    return FAILED if document["counts"]["with_gaps"] or document["gaps"] else PASSED


def _refused(reason: str, status: int) -> int:
    sys.stderr.write(f"{printable(reason)}\n")
    return status


def _day(text: str) -> datetime:
    try:
        day = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise Refused(f"--since={text} is no day: write it as 2026-01-01", MISUSE) from error
    if day > datetime.now(UTC):
        raise Refused(f"--since={text} has not come yet: give a day in the past", MISUSE)
    return day


def _folder(reports: Path) -> Path:
    if not reports.is_dir():
        raise Refused(f"{reports} is no folder of runs: name one with --runs=DIR", MISUSE)
    return reports


def _asked(app: str) -> Answer:
    """What the platform says of the app's releases.

    Raises:
        Refused: it could not be asked.
    """
    try:
        return told(Cli(os.environ, ROOT), app, "releases", seconds=SECONDS)
    except Unseen as unseen:
        raise Refused(f"{unseen}: nothing is written, since no list would be complete", BLIND) from unseen


def listing(target: Target, since: datetime, reports: Path, answer: Answer) -> dict[str, Any]:
    """The list as plain data, as `reports/schemas/releases.json` says; secrets are taken out.

    Raises:
        Refused: the platform's answer cannot be read, or the folder of runs.
    """
    try:
        listed = [Release.of(one) for one in releases(answer)]
        runs = known_runs(reports, target)
    except Unseen as unseen:
        raise Refused(f"{unseen}: nothing is written, since no list would be complete", BLIND) from unseen
    except OSError as error:
        raise Refused(f"{reports} cannot be listed ({error.strerror})", MISUSE) from error
    known = [release_list.Known(one, None, one.created) for one in listed] + older(listed, runs, target.name)
    all_entries = release_list.entries(known, runs, target)
    entries = [one for one in all_entries if one.known.at is None or one.known.at >= since]
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "target": target.name,
        "app": target.app,
        "since": since.date().isoformat(),
        "made": utc(),
        "asked": answer.asked,
        "platform_since": _oldest(listed),
        "gaps": unknown(listed, known, since),
        "counts": _counts(entries),
        "releases": [one.as_json() for one in sorted(entries, key=lambda one: not one.gaps)],
    }
    redacted = Redactor.from_environment(os.environ, public=published([target.as_json()])).data(document)
    assert isinstance(redacted, dict)  # noqa: S101 - what goes in as a dict comes out as one
    return redacted


def _oldest(listed: Sequence[Release]) -> str | None:
    moments = [one.created for one in listed if one.created]
    return utc(min(moments)) if moments else None


def _counts(entries: Sequence[release_list.Entry]) -> dict[str, int]:
    states = [one.gate.state for one in entries]
    return {
        "releases": len(entries),
        "with_gaps": sum(bool(one.gaps) for one in entries),
        **{state: states.count(state) for state in ("gated", "red", "none")},
        "postdeploy_passed": sum(one.postdeploy is not None and one.postdeploy.verdict == "passed" for one in entries),
        "rolled_back": sum(one.rolled_back_by is not None for one in entries),
        "known_from_runs": sum(one.known.told_by is not None for one in entries),
    }


def _stem(document: dict[str, Any]) -> str:
    return f"releases-{document['target']}"


def _lines(document: dict[str, Any]) -> list[str]:
    """The list in words for the terminal: counts, how far the platform goes back, and each gap."""
    counts = document["counts"]
    head = (
        f"{document['target']} since {document['since']}: {counts['releases']} releases, {counts['gated']} gated, "
        f"{counts['postdeploy_passed']} passed postdeploy, {counts['rolled_back']} rolled back, "
        f"{counts['with_gaps']} with gaps"
    )
    return [
        head,
        _reach(document),
        *(f"list  {gap}" for gap in document["gaps"]),
        *(f"{one['version']}  {gap}" for one in document["releases"] for gap in one["gaps"]),
    ]


def _reach(document: dict[str, Any]) -> str:
    if document["platform_since"] is None:
        return "the platform lists no release"
    runs = document["counts"]["known_from_runs"]
    more = f"; {runs} older ones are known from runs" if runs else ""
    oldest = document["platform_since"][:19].replace("T", " ")
    return f"the platform's list reaches back to {oldest} UTC{more}"


def _write(document: dict[str, Any], reports: Path, into: Path) -> None:
    """Write the three files; the page last, since people open it.

    Raises:
        Refused: one cannot be written.
    """
    from reports import release_page  # noqa: PLC0415 - only where there is something to show

    texts = {
        "json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "csv": release_page.table(document),
        "html": release_page.page(document, _reach(document), reports, into),
    }
    try:
        into.mkdir(parents=True, exist_ok=True)
        for ending, text in texts.items():
            write_atomically(into / f"{_stem(document)}.{ending}", text)
    except OSError as error:
        reason = f"{error.filename or into} cannot be written ({error.strerror}): give another folder with --into=DIR"
        raise Refused(reason, BROKEN) from error
