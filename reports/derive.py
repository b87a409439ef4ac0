"""Everything a run leaves behind, made from its record and from nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports import junit, oscal
from reports.record import read_record
from reports.summary import summarise, write_atomically, write_summary

if TYPE_CHECKING:
    from pathlib import Path

    from reports.record import RecordedRun
    from reports.redaction import Redactor


class LeakedError(Exception):
    """A secret was found in a finished file: the sentence names the file and the secret's name, never its value."""


def reports(folder: Path, redactor: Redactor, *, broken: bool = False) -> dict[str, Any]:
    """Derive all reports of a run into its folder, scan every file, and give the summary.

    `broken` says that evidence was lost on the way. A leak makes it so, too: the summary then carries exit status 3.

    Raises:
        LeakedError: a secret is in one of the files.
        RecordError, OSError: the record cannot be read, or a report not written.
    """
    run = read_record(folder)
    try:
        _write(run, folder, broken=broken)
        scan(folder, redactor)
    except BaseException:
        _write(run, folder, broken=True)
        raise
    return summarise(run, broken=broken)


def _write(run: RecordedRun, folder: Path, *, broken: bool) -> None:
    summary = summarise(run, broken=broken)
    write_atomically(folder / "junit.xml", junit.render(summary, run.plan))
    write_atomically(folder / "oscal.json", oscal.render(run, summary))
    write_summary(run, folder, broken=broken)


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
