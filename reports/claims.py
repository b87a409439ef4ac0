"""What `python -m reports verify` claims about a run, claim by claim: it holds, it does not, or nobody can tell."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from reports import attestation, chain, derive, ledger
from reports.record import FIRST
from reports.signing import UNSIGNED, Envelope, NoEnvelope, UnusableKey, key_id, public_key
from reports.summary import NOTHING, summarise

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from reports.record import RecordedRun
    from reports.redaction import Redactor

SCHEMA = Path(__file__).parent / "schemas" / "record.json"
SHOWN = 3  # how many names a line tells before it only counts


class Status(IntEnum):
    """Exit statuses of `verify`."""

    VERIFIED = 0
    DIFFERS = 1
    INCOMPLETE = 2
    ALTERED = 3
    MISUSE = 4
    UNSIGNED = 5
    UNCHECKED = 6
    LEAKED = 7


@dataclass(frozen=True)
class Claim:
    """One claim. Its status is VERIFIED when it holds; `told` says what was found, or why it does not hold."""

    name: str
    told: str
    status: Status = Status.VERIFIED


def names(found: list[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


@dataclass(frozen=True)
class Runbook:
    """The runbook at hand: its commit, and whether it differs from that."""

    commit: str | None
    dirty: bool | None

    def made(self, plan: dict[str, Any]) -> bool:
        """Whether this very runbook made a run, so that it makes the same reports of it."""
        return self.commit == plan["runbook_commit"] and not self.dirty and not plan["dirty"]

    def told(self, plan: dict[str, Any]) -> str:
        """Nothing if it did; else what to do, to stand at the end of a sentence."""
        if self.made(plan):
            return ""
        here = f"{str(self.commit)[:10]}{' with changes' if self.dirty else ''}" if self.commit else "in no git"
        then = f"{str(plan['runbook_commit'])[:10]}{' with changes' if plan['dirty'] else ''}"
        return f"; the runbook at hand is {here}, the run was made by {then}"


def unbroken(content: bytes) -> Claim:
    """Every line is one that a run writes, and names the hash of the line before."""
    lines, previous = content.split(b"\n")[:-1], FIRST
    for number, line in enumerate(lines, start=1):
        reason = _odd(line, previous)
        if reason:
            return Claim("unbroken", f"record.jsonl:{number} {reason}", Status.ALTERED)
        previous = hashlib.sha256(line).hexdigest()
    return Claim("unbroken", f"{len(lines)} lines, each names the hash of the one before")


def _odd(line: bytes, previous: str) -> str | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return "is no JSON: it was changed or damaged"
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in _validators():
        return "is no line of a record: it was changed or damaged"
    if entry.get("previous") != previous:
        return "does not name the hash of the line before: a line was changed, dropped, doubled or moved"
    return None


def readable(content: bytes, runbook: Runbook) -> Claim:
    """Every line has the published shape. For lines of an unbroken chain."""
    lines = content.split(b"\n")[:-1]
    for number, line in enumerate(lines, start=1):
        entry = json.loads(line)
        error = next(_validators()[entry["kind"]].iter_errors(entry), None)
        if error:
            first = {"runbook_commit": None, "dirty": None} | json.loads(lines[0])
            status = Status.ALTERED if runbook.made(first) else Status.UNCHECKED
            told = f"record.jsonl:{number} has another shape than runs write, at {error.json_path}"
            return Claim("readable", f"{told}{runbook.told(first)}", status)
    return Claim("readable", f"{len(lines)} lines of the published shape")


@cache
def _validators() -> dict[str, Draft202012Validator]:
    definitions = json.loads(SCHEMA.read_bytes())["$defs"]
    kinds = [name for name, found in definitions.items() if "kind" in found.get("properties", {})]
    return {kind: Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": definitions}) for kind in kinds}


def whole(content: bytes, run: RecordedRun) -> Claim:
    """The run has ended by itself, and every planned check has exactly one verdict."""
    *lines, rest = content.split(b"\n")
    entries = [json.loads(line) for line in lines]
    planned = Counter((check["check"], check["target"]) for check in run.plan["checks"])
    judged = Counter((entry["check"], entry["target"]) for entry in entries if entry["kind"] == "verdict")
    kinds = [entry["kind"] for entry in entries]
    if kinds.count("plan") != 1 or kinds[0] != "plan" or "finish" in kinds[:-1] or judged - planned:
        return Claim("whole", "plan, verdicts and finish do not fit together: it was changed", Status.ALTERED)
    missing = [check for check, _ in (planned - judged)]
    if kinds[-1] != "finish" or rest:
        torn = ", in the middle of a line" if rest else ""
        unjudged = f"; {len(missing)} of {len(planned)} checks were not judged" if missing else ""
        return Claim("whole", f"the record ends without a finish{torn}{unjudged}", Status.INCOMPLETE)
    if missing:
        return Claim("whole", f"never judged: {names(missing)}", Status.INCOMPLETE)
    if run.finish and run.finish["ended"]:
        ended = "nothing was selected" if run.finish["ended"] == NOTHING else "the run was stopped before its end"
        return Claim("whole", f"{ended} (status {run.finish['ended']})", Status.INCOMPLETE)
    return Claim("whole", f"{len(planned)} checks planned, each judged once; the run came to its end")


def derived(folder: Path, run: RecordedRun, runbook: Runbook) -> Claim:
    """The reports are byte for byte what the record gives."""
    wanted = derive.render(run, broken=False)
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        told = f"{names(missing)} not there: python -m reports finish {folder}"
        return Claim("derived", told, Status.INCOMPLETE)
    if _says_broken(folder, run):
        return Claim("derived", "the run itself says that its evidence is broken (status 3)", Status.INCOMPLETE)
    other = [name for name, text in wanted.items() if (folder / name).read_bytes() != text.encode()]
    if other:
        status = Status.ALTERED if runbook.made(run.plan) else Status.UNCHECKED
        told = f"the record does not give {names(other)} as found here{runbook.told(run.plan)}"
        return Claim("derived", told, status)
    return Claim("derived", f"{', '.join(wanted)}: byte for byte what the record gives")


def _says_broken(folder: Path, run: RecordedRun) -> bool:
    found = folder / "summary.json"
    return found.is_file() and found.read_bytes() == derive.render(run, broken=True)["summary.json"].encode()


def untouched(folder: Path) -> Claim:
    """Every file has the hash that the attestation names for it, and none is there or missing besides."""
    try:
        found = json.loads(_envelope(folder).payload)
        attested = {one["name"]: one["digest"].get("sha256") for one in found["subject"]}
    except FileNotFoundError:
        told = f"no {attestation.NAME}: python -m reports finish {folder}"
        return Claim("untouched", told, Status.INCOMPLETE)
    except (NoEnvelope, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return Claim("untouched", f"{attestation.NAME} was changed or damaged", Status.ALTERED)
    files = attestation.digests(folder)
    other = [name for name, digest in files.items() if attested.get(name) != digest]
    missing = [name for name in attested.keys() - files.keys() if "." in name]
    strange = [path.name for path in sorted(folder.iterdir()) if not path.is_file()]
    if other or missing or strange:
        told = f"not as attested: {names(sorted({*other, *missing, *strange}))}"
        return Claim("untouched", told, Status.ALTERED)
    return Claim("untouched", f"{len(files)} files have the hashes that {attestation.NAME} names")


def attested(folder: Path, run: RecordedRun, runbook: Runbook) -> Claim:
    """The attestation says of the run what the record says. For files that are untouched."""
    summary = summarise(run, broken=_says_broken(folder, run))
    if _envelope(folder).payload != attestation.statement(run, summary, attestation.digests(folder)):
        status = Status.ALTERED if runbook.made(run.plan) else Status.UNCHECKED
        told = f"{attestation.NAME} says other things than the record{runbook.told(run.plan)}"
        return Claim("attested", told, status)
    return Claim("attested", f"{attestation.result(summary)}, as the record has it")


def _envelope(folder: Path) -> Envelope:
    return Envelope.parse((folder / attestation.NAME).read_bytes())


def signed(folder: Path, run: RecordedRun, trusted: Ed25519PublicKey | None) -> Claim:
    """The attestation is signed with the key that the plan names, and that is the trusted one."""
    told = run.plan["signing_key"]
    try:
        envelope = _envelope(folder)
    except (OSError, NoEnvelope):
        return Claim("signed", f"no signature: there is no {attestation.NAME} to read", Status.UNSIGNED)
    reason = _unsigned(envelope, told, trusted)
    if reason:
        return Claim("signed", reason, Status.UNSIGNED)
    if trusted is None:
        unknown = f"by key {told['id']}, which was not checked against one that you trust: --key=PUB"
        return Claim("signed", unknown, Status.UNCHECKED)
    return Claim("signed", f"by the trusted key {key_id(trusted)}")


def _unsigned(envelope: Envelope, told: dict[str, str] | None, trusted: Ed25519PublicKey | None) -> str | None:
    """Why an envelope does not count as signed, if it does not. `told` is the plan's word about the key."""
    if not envelope.signatures:
        return f"unsigned, though the plan names key {told['id']}" if told else f"unsigned: {UNSIGNED}"
    if told is None or [name for name, _ in envelope.signatures] != [told["id"]]:
        return "the plan names another key than the signature"
    if trusted and not envelope.signed_with(trusted):
        return f"not by the trusted key {key_id(trusted)}"
    try:
        return None if envelope.signed_with(public_key(told)) else "not by the key that the plan names"
    except UnusableKey as error:
        return str(error)


def chained(folder: Path, run: RecordedRun, given: Path | None) -> Claim:
    """The run before, where it is at hand, ends with the hash that this run names. Forks are told."""
    links: dict[str, dict[str, str]] = run.plan["previous_runs"]
    closes = chain.closing_hash(given) if given else None
    if given and closes not in {link["closing_hash"] for link in links.values()}:
        return Claim("chained", f"this run does not name the closing hash of {given}", Status.ALTERED)
    if not links:
        first = "a replay stands outside the chain" if run.plan["replay_of"] else "its target has no run before it"
        return Claim("chained", first)
    told, pruned = [], ledger.pruned(folder.parent)
    for target, link in links.items():
        closing = link["closing_hash"]
        here = given if closes == closing else _beside(folder, link["run"])
        if here and chain.closing_hash(here) != closing:
            changed = f"{link['run']} does not end with the hash that this run names: one of them was changed"
            return Claim("chained", changed, Status.ALTERED)
        gone = None if here else pruned.get(link["run"])
        if gone and gone["closing_hash"] != closing:
            changed = f"{ledger.NAME} gives {link['run']} another closing hash than this run names"
            return Claim("chained", changed, Status.ALTERED)
        missing = (
            f"pruned on {gone['pruned'][:10]} by {gone['by']}" if gone else "not at hand: --previous=RUN checks it"
        )
        at_hand = "" if here else f" ({missing})"
        others = [name for name in chain.successors(folder.parent, target, closing) if name != run.plan["run"]]
        fork = f"; FORK: {names(others)} named it, too" if others else ""
        told.append(f"{target} after {link['run']}{at_hand}{fork}")
    return Claim("chained", "; ".join(told))


def _beside(folder: Path, name: str) -> Path | None:
    """The folder of a run that lies beside another one; the name comes from a record, and so from anybody."""
    path = folder.parent / Path(name).name
    return path if chain.RUN.fullmatch(name) and (path / "record.jsonl").is_file() else None


def free_of_secrets(folder: Path, redactor: Redactor) -> Claim:
    """No file holds a secret of this environment, or what has the shape of one."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    for path in files:
        found = redactor.scan(path.read_bytes())
        if found:
            told = f"{path.name} holds a secret ({', '.join(found)}): delete it, rotate the secret"
            return Claim("no secrets", told, Status.LEAKED)
    return Claim("no secrets", f"none of this environment's, none by its shape, in {len(files)} files")


def replayed(run: RecordedRun, again: Callable[[], dict[tuple[str, str], str]], runbook: Runbook) -> Claim:
    """Judged again from its record, every check has the verdict that it had."""
    other = runbook.told(run.plan)
    try:
        found = again()
    except RuntimeError as error:
        return Claim("replayed", f"{error}{other}", Status.UNCHECKED)
    recorded: dict[tuple[str, str], Any] = {key: line["verdict"] for key, line in run.verdicts.items()}
    differ = [f"{key[0]} was {v}, is {found.get(key, 'gone')}" for key, v in recorded.items() if found.get(key) != v]
    if differ:
        return Claim("replayed", f"{names(differ)}{other}", Status.DIFFERS)
    return Claim("replayed", f"{len(recorded)} checks judged again, each with the same verdict{other}")
