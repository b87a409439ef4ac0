"""`python -m reports export RUN`: a run as one archive with checksums, for the auditor's own system.

The archive holds the run's folder and a SHA256SUMS that `sha256sum --check` reads. The same run gives the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.target import published
from reports import attestation
from reports.record import RecordError, read_record
from reports.redaction import Redactor
from reports.summary import BROKEN, MISUSE, PASSED
from reports.terminal import printable

if TYPE_CHECKING:
    import argparse

SUMS = "SHA256SUMS"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a ZIP can carry: the record has the true ones


def add_to(parser: argparse.ArgumentParser) -> None:
    """Describe the command, and add its options."""
    parser.description, parser.epilog = (
        __doc__,
        "exit statuses: 0 the archive is there; 3 it cannot be written, or a secret is in the run; 4 misuse",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--into", type=Path, metavar="FILE", help="the archive to write (default: RUN.zip, here)")
    parser.set_defaults(command=command)


class Refused(Exception):
    """The run cannot be exported: one sentence, and the exit status that says which way."""

    def __init__(self, reason: str, status: int) -> None:
        super().__init__(reason)
        self.status = status


def command(options: argparse.Namespace) -> int:
    """Write the archive, and print its own checksum; give the exit status."""
    folder = options.run.resolve()
    into: Path = options.into or Path(f"{folder.name}.zip")
    try:
        content = archive(folder.name, _files(folder))
        _write(into, content)
    except Refused as refused:
        sys.stderr.write(f"{printable(str(refused))}\n")
        return refused.status
    sys.stdout.write(f"{hashlib.sha256(content).hexdigest()}  {into}\n")
    return PASSED


def _files(folder: Path) -> dict[str, bytes]:
    """The files of a run that has all its reports, and no secret in them."""
    try:
        run = read_record(folder / "record.jsonl")
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
    except RecordError as error:
        raise Refused(str(error), MISUSE) from error
    except OSError as error:
        raise Refused(f"{error.filename} cannot be read ({error.strerror})", MISUSE) from error
    if attestation.NAME not in files:
        raise Refused(f"{folder.name} has no {attestation.NAME}: python -m reports finish {folder}", MISUSE)
    redactor = Redactor.from_environment(os.environ, public=published(run.plan["targets"]))
    for name, content in files.items():
        if found := redactor.scan(content):
            raise Refused(f"{name} holds a secret ({', '.join(found)}): it goes to nobody; rotate it", BROKEN)
    return files


def _write(into: Path, content: bytes) -> None:
    try:
        file = into.open("xb")
    except FileExistsError as error:
        raise Refused(f"{into} is there already: name another with --into=FILE, or move it away", MISUSE) from error
    except OSError as error:
        raise Refused(f"{into} cannot be written ({error.strerror}): name another with --into=FILE", BROKEN) from error
    try:
        with file:
            file.write(content)
    except OSError as error:
        into.unlink(missing_ok=True)
        raise Refused(f"{into} cannot be written ({error.strerror}): make room", BROKEN) from error


def archive(run: str, files: dict[str, bytes]) -> bytes:
    """The archive of a run's files, with their checksums beside them."""
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        for name, content in {**files, SUMS: sums.encode()}.items():
            one = zipfile.ZipInfo(f"{run}/{name}", EPOCH)
            one.compress_type, one.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            into.writestr(one, content)
    return made.getvalue()
