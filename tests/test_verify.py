"""Whatever is changed in a run's evidence is found, and a script can tell from the status what it was."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runs import ROOT, environment, run_pytest
from signers import KeyPair

from reports import attestation, derive
from reports.__main__ import main
from reports.claims import Claim, Runbook, Status
from reports.provenance import commit_of
from reports.record import FIRST, read_record
from reports.redaction import Redactor
from reports.signing import SigningKey, trusted_key
from reports.verify import again, examine, worst

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow  # each test starts runs of its own

FILES = ("record.jsonl", "summary.json", "junit.xml", "oscal.json", "report.html", "attestation.json")
LIKE_A_MACHINE = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Evidence:
    """A signed run of the real runbook on the twin, its key, and a folder for copies of it."""

    folder: Path
    key: KeyPair
    scratch: Path

    def copy(self) -> Path:
        """A fresh copy of the run's folder, in which something can be changed."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        return shutil.copytree(self.folder, self.scratch / self.folder.name)

    def with_content(self, name: str, content: bytes) -> Path:
        """A copy in which one file has another content."""
        folder = self.copy()
        (folder / name).write_bytes(content)
        return folder


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("evidence")
    key = KeyPair.make(folder)
    run = run_pytest(
        "-m",
        "smoke",
        "--target=twin",
        reports=folder / "runs",
        env=environment(RUNBOOK_SIGNING_KEY_FILE=str(key.private)),
    )
    assert run.status == 0, run.text
    assert run.folder is not None
    return Evidence(run.folder, key, folder / "scratch")


def as_recorded(folder: Path) -> dict[tuple[str, str], str]:
    return {key: line["verdict"] for key, line in read_record(folder).verdicts.items()}


@cache
def runbook() -> Runbook:
    return Runbook(*commit_of(ROOT))


def claims(folder: Path, key: KeyPair | None) -> list[Claim]:
    trusted = trusted_key(key.public) if key else None
    return list(examine(folder, trusted, None, runbook=runbook(), secrets=[], again=as_recorded))


def status(evidence: Evidence, folder: Path) -> Status:
    return worst(claims(folder, evidence.key))


def test_a_run_that_nobody_touched_is_verified(evidence: Evidence) -> None:
    found = claims(evidence.copy(), evidence.key)

    assert worst(found) is Status.VERIFIED, found
    assert {claim.name for claim in found} == {
        *(
            "unbroken",
            "readable",
            "whole",
            "derived",
            "untouched",
            "attested",
            "signed",
            "chained",
            "no secrets",
            "replayed",
        )
    }


# Changes


@pytest.mark.slow
@LIKE_A_MACHINE
@given(data=st.data())
def test_every_flipped_bit_is_found(evidence: Evidence, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    content = bytearray((evidence.folder / name).read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= 1 << data.draw(st.integers(0, 7))

    assert status(evidence, evidence.with_content(name, bytes(content))) in {Status.ALTERED, Status.UNSIGNED}


@pytest.mark.slow
def test_a_flipped_byte_in_every_line_of_the_record_is_found(evidence: Evidence) -> None:
    content = (evidence.folder / "record.jsonl").read_bytes()
    ends = [match.start() for match in re.finditer(b"\n", content)]
    starts = [0, *(end + 1 for end in ends[:-1])]
    kinds = {json.loads(line)["kind"] for line in content.splitlines()}
    found = set()
    for start, end in zip(starts, ends, strict=True):
        for position in {start, start + 3, (start + end) // 2, end - 2, end - 1, end}:
            changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
            found.add(status(evidence, evidence.with_content("record.jsonl", changed)))

    assert kinds == {"plan", "observation", "verdict", "finish"}
    assert found == {Status.ALTERED}


@pytest.mark.slow
def test_a_flipped_byte_anywhere_in_the_signature_is_found(evidence: Evidence) -> None:
    content = (evidence.folder / attestation.NAME).read_bytes()
    for position in range(content.index(b'"signatures"'), len(content), 5):
        changed = content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        found = status(evidence, evidence.with_content(attestation.NAME, changed))
        assert found in {Status.ALTERED, Status.UNSIGNED}, content[position:]


def dropped(lines: list[bytes], at: int) -> list[bytes]:
    return lines[:at] + lines[at + 1 :]


def doubled(lines: list[bytes], at: int) -> list[bytes]:
    return lines[: at + 1] + lines[at:]


def swapped(lines: list[bytes], at: int) -> list[bytes]:
    other = (at + 1) % len(lines)
    changed = list(lines)
    changed[at], changed[other] = lines[other], lines[at]
    return changed


OPERATIONS = (dropped, doubled, swapped)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_dropped_doubled_or_swapped_line_of_the_record_is_found(
    evidence: Evidence, operation: Callable[[list[bytes], int], list[bytes]]
) -> None:
    lines = (evidence.folder / "record.jsonl").read_bytes().splitlines(keepends=True)
    found = {
        status(evidence, evidence.with_content("record.jsonl", b"".join(operation(lines, at))))
        for at in range(len(lines))
    }

    assert found == {Status.ALTERED}


@pytest.mark.slow
@LIKE_A_MACHINE
@given(data=st.data())
def test_every_dropped_doubled_or_swapped_line_of_a_report_is_found(evidence: Evidence, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES[1:]))
    lines = (evidence.folder / name).read_bytes().splitlines(keepends=True)
    changed = data.draw(st.sampled_from(OPERATIONS))(lines, data.draw(st.integers(0, len(lines) - 1)))
    same = changed == lines  # the swapped lines were alike

    assert same or status(evidence, evidence.with_content(name, b"".join(changed))) is Status.ALTERED


@pytest.mark.parametrize("name", FILES[1:])
def test_a_report_that_is_gone_is_missed(evidence: Evidence, name: str) -> None:
    folder = evidence.copy()
    (folder / name).unlink()

    assert status(evidence, folder) in {Status.ALTERED, Status.INCOMPLETE}


@pytest.mark.parametrize("make", [lambda path: path.write_text("x"), lambda path: path.mkdir()], ids=["file", "folder"])
def test_what_was_laid_beside_is_found(evidence: Evidence, make: Callable[[Path], object]) -> None:
    folder = evidence.copy()
    make(folder / "more.html")

    assert "more.html" in {claim.name: claim.told for claim in claims(folder, evidence.key)}["untouched"]
    assert status(evidence, folder) is Status.ALTERED


# Forgeries: everything made anew by somebody who knows how


def rechained(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change each line of a record, and make the chain anew."""
    previous, lines = FIRST, []
    for line in (folder / "record.jsonl").read_bytes().splitlines():
        entry = json.loads(line) | {"previous": previous}
        change(entry)
        lines.append(rfc8785.dumps(entry))
        previous = hashlib.sha256(lines[-1]).hexdigest()
    (folder / "record.jsonl").write_bytes(b"\n".join([*lines, b""]))


def forged(evidence: Evidence, change: Callable[[dict[str, Any]], None], key: KeyPair | None) -> Path:
    """A run in which each line was changed, the chain, the reports and the signature made anew."""
    folder = evidence.copy()
    rechained(folder, change)
    private = SigningKey.from_environment({"RUNBOOK_SIGNING_KEY_FILE": str(key.private)}) if key else None
    derive.reports(folder, Redactor([]), key=private)
    return folder


def green(entry: dict[str, Any]) -> None:
    if entry["kind"] == "verdict":
        entry["retries"] = 0
        entry["observed"] = "as it should be"


def test_a_forger_without_the_key_is_found(evidence: Evidence, tmp_path: Path) -> None:
    own = KeyPair.make(tmp_path)
    key = SigningKey.from_environment({"RUNBOOK_SIGNING_KEY_FILE": str(own.private)})
    assert key is not None

    def with_own_key(entry: dict[str, Any]) -> None:
        green(entry)
        if entry["kind"] == "plan":
            entry["signing_key"] = key.as_json()

    def without(entry: dict[str, Any]) -> None:
        green(entry)
        if entry["kind"] == "plan":
            entry["signing_key"] = None

    for change, signer in ((green, own), (green, None), (with_own_key, own), (without, None), (without, own)):
        found = claims(forged(evidence, change, signer), evidence.key)
        assert worst(found) is Status.UNSIGNED, found


def test_without_a_trusted_key_a_forger_is_not_called_verified(evidence: Evidence, tmp_path: Path) -> None:
    own = KeyPair.make(tmp_path)
    key = SigningKey.from_environment({"RUNBOOK_SIGNING_KEY_FILE": str(own.private)})
    assert key is not None

    def change(entry: dict[str, Any]) -> None:
        if entry["kind"] == "plan":
            entry["signing_key"] = key.as_json()

    assert worst(claims(forged(evidence, change, own), None)) is Status.UNCHECKED
    assert worst(claims(forged(evidence, green, own), None)) is Status.UNSIGNED


def of_another_target(entry: dict[str, Any]) -> None:
    if entry["kind"] == "observation":
        entry["target"] = "elsewhere"


def judged_twice(entry: dict[str, Any]) -> None:
    if entry["kind"] == "verdict":
        entry["check"] = "HLT-1/test_app_is_up[edge]"


@pytest.mark.parametrize("change", [of_another_target, judged_twice])
def test_a_record_that_contradicts_itself_is_told(
    evidence: Evidence, change: Callable[[dict[str, Any]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = evidence.copy()
    rechained(folder, change)

    assert status(evidence, folder) is Status.ALTERED
    (folder / attestation.NAME).unlink()
    assert main(["finish", str(folder)]) in {0, 3}
    assert "Traceback" not in capsys.readouterr().err


def planned_without_shape(entry: dict[str, Any]) -> None:
    if entry["kind"] == "plan":
        del entry["signing_key"]


def observed_without_shape(entry: dict[str, Any]) -> None:
    if entry["kind"] == "observation":
        entry["tries"] = "often"


@pytest.mark.parametrize("change", [planned_without_shape, observed_without_shape])
def test_a_line_of_another_shape_is_told(evidence: Evidence, change: Callable[[dict[str, Any]], None]) -> None:
    folder = evidence.copy()
    rechained(folder, change)

    assert "another shape" in claims(folder, evidence.key)[-1].told


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"null\n", b"[]\n", b"[" * 100_000 + b"\n", b"\xff\xfe\n", b'{"kind":"plan"']
)
@pytest.mark.parametrize("name", FILES)
def test_no_content_of_a_file_is_too_strange(evidence: Evidence, name: str, content: bytes) -> None:
    assert status(evidence, evidence.with_content(name, content)) in {Status.ALTERED, Status.INCOMPLETE}


def test_strange_envelopes_are_told(evidence: Evidence) -> None:
    payloads = [b"", b"1", b"{}", b'{"subject": [1]}', b'{"subject": {}}', b'{"subject": [{"name": {}, "digest": 1}]}']
    for payload in payloads:
        envelope = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [],
        }
        folder = evidence.with_content(attestation.NAME, (json.dumps(envelope, indent=2) + "\n").encode())
        assert status(evidence, folder) is Status.ALTERED


# What a script sees


def verify(folder: Path, *options: str) -> int:
    return main(["verify", str(folder), *options])


def test_statuses_tell_scripts_what_is_wrong(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trusted, other = f"--key={evidence.key.public}", KeyPair.make(tmp_path, "other")
    monkeypatch.setattr("reports.verify.again", as_recorded)
    killed = evidence.copy()
    lines = (killed / "record.jsonl").read_bytes().splitlines(keepends=True)
    killed = killed.rename(tmp_path / "killed")
    (killed / "record.jsonl").write_bytes(b"".join(lines[:-2]))
    for name in ("attestation.json", "junit.xml"):
        (killed / name).unlink()
    statuses = {
        "verified": verify(evidence.folder, trusted),
        "no key": verify(evidence.folder),
        "other key": verify(evidence.folder, f"--key={other.public}"),
        "killed": verify(killed, trusted),
        "altered": verify(evidence.with_content("junit.xml", b"<testsuites/>"), trusted),
    }
    monkeypatch.setattr("reports.verify.again", lambda folder: dict.fromkeys(as_recorded(folder), "failed"))
    statuses["differs"] = verify(evidence.folder, trusted)
    monkeypatch.setenv("PAINTBOX_API_TOKEN", read_record(evidence.folder).plan["checks"][0]["claim"])
    statuses["leaked"] = verify(evidence.folder, trusted)

    wanted = {"verified": 0, "differs": 1, "killed": 2, "altered": 3, "other key": 5, "no key": 6, "leaked": 7}
    assert statuses == wanted
    assert "was not checked against one that you trust" in capsys.readouterr().out


def test_misuse_is_one_sentence(evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [
        ["verify", str(tmp_path)],
        ["verify", str(tmp_path / "none")],
        ["verify", str(evidence.folder), f"--key={tmp_path / 'none'}"],
        ["verify", str(evidence.folder), f"--key={evidence.key.private}"],
        ["verify", str(evidence.folder), f"--previous={tmp_path}"],
        ["finish", str(tmp_path)],
    ]
    for words in calls:
        assert main(words) == 4
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1), err
    for wrong in ([], ["verify"], ["frobnicate"]):
        with pytest.raises(SystemExit) as left:
            main(wrong)
        assert left.value.code == 4


@pytest.mark.slow
def test_the_run_before_may_be_given(
    evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reports.verify.again", as_recorded)
    reports = tmp_path / "runs"
    first, second = (
        run_pytest("-m", "smoke", "--target=twin", "-k", "HLT-1", reports=reports).folder for _ in range(2)
    )
    assert first
    assert second
    alone = second.rename(tmp_path / second.name)

    def chained(*options: str) -> str:
        verify(alone, *options)
        return next(line for line in capsys.readouterr().out.splitlines() if "chained" in line)

    assert chained() == f"ok   chained     twin after {first.name} (not at hand: --previous=RUN checks it)"
    assert chained(f"--previous={first}") == f"ok   chained     twin after {first.name}"
    assert chained(f"--previous={evidence.folder}").startswith("NOT  chained     this run does not name")
    alone.rename(second)
    (first / "record.jsonl").write_bytes((evidence.folder / "record.jsonl").read_bytes())
    alone = second
    assert chained().startswith(f"NOT  chained     {first.name} does not end with the hash")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["verify", "finish", "export"])
def test_a_file_that_cannot_be_read_is_told_in_a_sentence(
    evidence: Evidence, command: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, read = evidence.copy(), Path.read_bytes
    (folder / ("attestation.json" if command == "finish" else ".draft")).unlink(missing_ok=True)

    def denied(path: Path) -> bytes:
        if path == folder / name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    status, told = main([command, str(folder)]), capsys.readouterr().err

    # What `finish` makes is read again when it is searched for secrets.
    assert status == (3 if command == "finish" and name != "record.jsonl" else 4)
    assert re.search(rf"{name} cannot be read (or written )?\(Permission denied\)", told), told
    assert len(told.splitlines()) == 1


def test_a_run_that_is_whole_is_not_finished_again(evidence: Evidence, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in evidence.folder.iterdir()}

    assert main(["finish", str(evidence.folder)]) == 0
    assert "nothing is done" in capsys.readouterr().out
    assert {path.name: path.stat().st_mtime_ns for path in evidence.folder.iterdir()} == before


@pytest.mark.slow
def test_judging_again_tells_github_nothing(
    evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "output"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(told))

    assert again(evidence.folder) == as_recorded(evidence.folder)
    assert not told.exists(), told.read_text(encoding="utf-8")


# Another machine


@pytest.mark.slow
def test_another_machine_needs_the_folder_the_public_key_and_the_commit(evidence: Evidence, tmp_path: Path) -> None:
    elsewhere, clone = tmp_path / "elsewhere", tmp_path / "clone"
    shutil.copytree(evidence.folder, elsewhere / "run")
    shutil.copy(evidence.key.public, elsewhere / "key.pub")
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)

    def there(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=clone,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    verified = there("reports", "verify", str(elsewhere / "run"), f"--key={elsewhere / 'key.pub'}")
    replayed = there("pytest", f"--replay={elsewhere / 'run'}", f"--reports={tmp_path / 'runs'}")

    assert verified.returncode == 0, verified.stdout
    assert verified.stdout.endswith("VERIFIED\n")
    assert replayed.returncode == 0, replayed.stdout
    assert as_recorded(tmp_path / "runs" / "latest") == as_recorded(evidence.folder)
