"""`python -m reports verify RUN`: is this evidence whole, untouched, signed, and does it still lead to its verdicts?"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures.target import published
from reports import claims
from reports.claims import Claim, Runbook, Status
from reports.provenance import ROOT, commit_of
from reports.record import RecordError, read_record
from reports.redaction import Redactor
from reports.signing import SigningKey, UnusableKey, trusted_key
from reports.summary import check_rows
from reports.terminal import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from reports.record import RecordedRun

REPLAY_SECONDS = 600.0
WORDS = {
    Status.VERIFIED: "VERIFIED",
    Status.ALTERED: "NOT VERIFIED: the evidence was changed",
    Status.LEAKED: "NOT VERIFIED: a secret is in the evidence",
    Status.INCOMPLETE: "NOT VERIFIED: the run is not complete",
    Status.UNSIGNED: "NOT VERIFIED: no valid signature of the right key",
    Status.DIFFERS: "NOT VERIFIED: judged again, the verdicts differ",
    Status.UNCHECKED: "NOT WHOLLY VERIFIED: nothing is wrong, but not all could be checked",
}
WORST_FIRST = [status for status in WORDS if status is not Status.VERIFIED]
EPILOG = """exit statuses:
  0  verified: every claim holds
  1  judged again, verdicts differ
  2  incomplete: the run was stopped or killed, its reports are missing, or it says that evidence was lost
  3  altered: record, reports, attestation or the run before
  4  misuse: no such run or key, or a file that cannot be read
  5  unsigned, or the signature is not valid, or not by the key given
  6  nothing is wrong, but not all could be checked: no --key was given, or the replay could not be made
  7  a secret is in the evidence
Of several, the first in the order 3 7 2 5 1 6."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Describe the command, and add its options."""
    parser.description, parser.epilog = __doc__, EPILOG
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a run")
    parser.add_argument("--key", type=Path, metavar="PUB", help="the public key (PEM) of those who should have signed")
    parser.add_argument("--previous", type=Path, metavar="RUN", help="the run before, where it does not lie beside")
    parser.set_defaults(command=command)


def command(options: argparse.Namespace) -> int:
    """Print a line for each claim and the verdict; give the exit status."""
    try:
        trusted = trusted_key(options.key) if options.key else None
        for folder in filter(None, (options.run, options.previous)):
            _examine(folder)
        secrets = key.secrets() if (key := SigningKey.from_environment(os.environ)) else []
    except (UnusableKey, RecordError) as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return Status.MISUSE
    found = []
    run, runbook = options.run.resolve(), Runbook(*commit_of(ROOT))
    for claim in examine(run, trusted, options.previous, runbook=runbook, secrets=secrets, again=again):
        found.append(claim)
        mark = {Status.VERIFIED: "ok ", Status.UNCHECKED: "?  "}.get(claim.status, "NOT")
        sys.stdout.write(f"{mark}  {claim.name:<11} {printable(claim.told)}\n")
        sys.stdout.flush()
    status = worst(found)
    sys.stdout.write(f"\n{WORDS[status]}\n")
    return status


def _examine(folder: Path) -> None:
    if not (folder / "record.jsonl").is_file():
        raise RecordError(f"{folder} holds no record.jsonl: name a run's folder, such as reports/runs/latest")


def worst(found: list[Claim]) -> Status:
    """The status that all claims together have."""
    statuses = {claim.status for claim in found}
    return next((status for status in WORST_FIRST if status in statuses), Status.VERIFIED)


def examine(
    folder: Path,
    trusted: Ed25519PublicKey | None,
    previous: Path | None,
    *,
    runbook: Runbook,
    secrets: list[tuple[str, str]],
    again: Callable[[Path], dict[tuple[str, str], str]],
) -> Iterator[Claim]:
    """Every claim about a run. What rests on a record that cannot be trusted is not claimed at all."""
    content = (folder / "record.jsonl").read_bytes()
    unbroken, untouched = claims.unbroken(content), claims.untouched(folder)
    yield from (unbroken, untouched)
    if unbroken.status:
        return
    readable = claims.readable(content, runbook)
    yield readable
    if readable.status:
        return
    try:
        run = read_record(folder)
        found = [claims.whole(content, run), claims.derived(folder, run, runbook)]
        if not untouched.status:
            found.append(claims.attested(folder, run, runbook))
    except RecordError as error:
        yield Claim("whole", str(error), Status.INCOMPLETE)
        return
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # Lines of the right shape that contradict each other: only somebody who makes chains anew can write that.
        told = f"the record contradicts itself ({type(error).__name__}: {error}): it was changed"
        yield Claim("whole", told, Status.ALTERED)
        return
    yield from found
    yield claims.signed(folder, run, trusted)
    yield claims.chained(folder, run, previous)
    yield claims.free_of_secrets(folder, _redactor(run, secrets))
    if not {claim.status for claim in (untouched, *found)} & {Status.ALTERED, Status.INCOMPLETE}:
        yield claims.replayed(run, lambda: again(folder), runbook)


def _redactor(run: RecordedRun, secrets: list[tuple[str, str]]) -> Redactor:
    return Redactor.from_environment(os.environ, more=secrets, public=published(run.plan["targets"]))


def again(folder: Path) -> dict[tuple[str, str], str]:
    """Judge a run again, by the runbook at hand and in a process of its own: verdict by check and target.

    Raises:
        RuntimeError: that could not be done; one sentence.
    """
    # GITHUB_ACTIONS would have the replay tell its closed gate in the place of the run's own.
    foreign = ("RUNBOOK_", "PYTEST_", "GITHUB_ACTIONS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    with tempfile.TemporaryDirectory(prefix="runbook-verify-") as scratch:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", f"--replay={folder}", f"--reports={scratch}"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=REPLAY_SECONDS,
                check=False,
            )
            run = read_record(Path(scratch) / "latest")
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the replay did not end within {REPLAY_SECONDS:g} s") from None
        except RecordError:
            last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
            raise RuntimeError(f"the replay could not be made: {last}") from None
        return {(row["check"], row["target"]): row["verdict"] for row in check_rows(run)}
