"""Everything a run leaves behind, made from its record and from nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports import attestation, html_report, junit, oscal, summary
from reports.record import read_record
from reports.signing import Envelope
from reports.summary import summarise, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from reports.record import RecordedRun
    from reports.redaction import Redactor
    from reports.signing import SigningKey


class LeakedError(Exception):
    """A secret was found in a finished file: the sentence names the file and the secret's name, never its value."""


def reports(folder: Path, redactor: Redactor, *, key: SigningKey | None, broken: bool = False) -> dict[str, Any]:
    """Derive all reports of a run into its folder, sign for them, scan every file, and give the summary.

    `broken` says that evidence was lost on the way. A leak makes it so, too: the summary then carries exit status 3.

    Raises:
        LeakedError: a secret is in one of the files.
        RecordError, OSError: the record cannot be read, or a report not written.
    """
    run = read_record(folder)
    try:
        _write(run, folder, key, broken=broken)
        scan(folder, redactor)
    except BaseException:
        _write(run, folder, key, broken=True)
        raise
    return summarise(run, broken=broken)


def render(run: RecordedRun, *, broken: bool) -> dict[str, str]:
    """The text of each report of a run by the name of its file: the same for the same record, wherever it is made."""
    found = summarise(run, broken=broken)
    return {
        html_report.NAME: html_report.render(run, found),
        "junit.xml": junit.render(found, run.plan),
        "oscal.json": oscal.render(run, found),
        "summary.json": summary.render(found),
    }


def _write(run: RecordedRun, folder: Path, key: SigningKey | None, *, broken: bool) -> None:
    for name, text in render(run, broken=broken).items():
        write_atomically(folder / name, text)
    statement = attestation.statement(run, summarise(run, broken=broken), attestation.digests(folder))
    write_atomically(folder / attestation.NAME, Envelope.seal(statement, key).text())


def scan(folder: Path, redactor: Redactor) -> None:
    """Look for secrets in every finished file.

    Raises:
        LeakedError: names the first file and what was found.
    """
    for path in sorted(folder.iterdir()):
        found = redactor.scan(path.read_bytes())
        if found:
            names = ", ".join(found)
            raise LeakedError(f"{path} holds a secret ({names}): delete it, rotate the secret, report the leak")
