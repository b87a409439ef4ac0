"""The attestation says what other people's tools accept, never more than the run found, and is signed or says not."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from engine import Bench
from signers import KeyPair

from reports import attestation
from reports.summary import summarise

if TYPE_CHECKING:
    from runs import Finished

BOOK = """
@look("source", seconds=5)
def greeting(world: World) -> Seen:
    return Seen("echo hello", {"environment": sorted(world.environment), "file": KEY_TEXT}, "one greeting")

@item("CFG-1", expects="{machines.cpus} CPUs")
@pytest.mark.predeploy
def test_polite(greeting: Observation) -> None:
    '''The greeting is polite.'''
    assert greeting.value

@item("CFG-2", expects="{machines.memory_mb} MB")
@pytest.mark.predeploy
def test_read(greeting: Observation) -> None:
    '''The greeting can be read.'''
    assert greeting.value
"""

# Uses nothing of this project, and no folder of it is on its path (-I).
INDEPENDENT = """
import json, sys
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

envelope = Envelope.from_dict(json.load(open(sys.argv[1])))
key = SSlibKey.from_crypto(load_pem_public_key(open(sys.argv[2], "rb").read()))
envelope.verify([key], 1)
assert envelope.payload_type == "application/vnd.in-toto+json"
print(json.loads(envelope.payload)["predicate"]["result"])
"""


@dataclass(frozen=True)
class Signed:
    """A signed run, and its key."""

    run: Finished
    key: KeyPair

    @property
    def folder(self) -> Path:
        """Where its evidence lies."""
        assert self.run.folder is not None
        return self.run.folder


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    folder = tmp_path_factory.mktemp("signed")
    key = KeyPair.make(folder)
    body = f"KEY_TEXT = Path({str(key.private)!r}).read_text()\n{BOOK}"
    run = Bench(folder).run(body, "-m", "predeploy", RUNBOOK_SIGNING_KEY=key.private.read_text())
    assert run.status == 0, run.text
    return Signed(run, key)


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return Bench(tmp_path_factory.mktemp("unsigned")).run(f"KEY_TEXT = ''\n{BOOK}", "-m", "predeploy")


def payload(folder: Path | None) -> dict[str, Any]:
    assert folder is not None
    envelope = json.loads((folder / "attestation.json").read_bytes())
    statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return statement


def independently(envelope: Path, public: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", INDEPENDENT, str(envelope), str(public)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_tool_of_other_people_accepts_it(signed: Signed) -> None:
    done = independently(signed.folder / "attestation.json", signed.key.public)

    assert (done.returncode, done.stdout) == (0, "PASSED\n"), done.stderr


def test_a_tool_of_other_people_refuses_another_payload(signed: Signed, tmp_path: Path) -> None:
    envelope = json.loads((signed.folder / "attestation.json").read_bytes())
    statement = base64.b64decode(envelope["payload"]).replace(b'"PASSED"', b'"WARNED"')
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(envelope | {"payload": base64.b64encode(statement).decode()}))

    assert "VerificationError" in independently(changed, signed.key.public).stderr


def test_a_tool_of_other_people_refuses_another_key(signed: Signed, tmp_path: Path) -> None:
    other = KeyPair.make(tmp_path)

    assert "VerificationError" in independently(signed.folder / "attestation.json", other.public).stderr


def test_a_tool_of_other_people_refuses_what_nobody_signed(signed: Signed, unsigned: Finished) -> None:
    assert unsigned.folder is not None

    assert "VerificationError" in independently(unsigned.folder / "attestation.json", signed.key.public).stderr


def test_it_is_a_statement_about_every_file_of_the_run(signed: Signed) -> None:
    statement = payload(signed.folder)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in signed.folder.iterdir()}
    del files["attestation.json"]

    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert {one["name"]: one["digest"]["sha256"] for one in statement["subject"]} == files
    assert {"record.jsonl", "summary.json", "junit.xml"} <= files.keys()


def test_it_names_the_test_and_the_files_that_decided_it(signed: Signed) -> None:
    first, *others = payload(signed.folder)["predicate"]["configuration"]
    root = Path(__file__).resolve().parent.parent
    catalogue = hashlib.sha256((root / "runbook" / "catalogue.toml").read_bytes()).hexdigest()

    assert first["name"] == "predeploy of little"
    assert first["annotations"]["file"].endswith("little.toml")
    assert [one["name"] for one in others] == [
        "targets/production.toml",
        "runbook/catalogue.toml",
        "requirements.lock",
        "pytest.ini",
    ]
    assert others[1]["digest"] == {"sha256": catalogue}


def test_it_tells_what_this_project_knows_besides(signed: Signed) -> None:
    details = payload(signed.folder)["predicate"]["paintbox-runbook"]
    last = (signed.folder / "record.jsonl").read_bytes().splitlines()[-1]

    assert details["closing_hash"] == hashlib.sha256(last).hexdigest()
    assert details["signing_key"]["id"] == signed.run.summary["signing_key"]
    assert (details["verdict"], details["gate"], details["exit_status"]) == ("passed", False, 0)


def test_no_file_but_the_evidence_stays(signed: Signed) -> None:
    assert {path.name for path in signed.folder.iterdir() if path.name.startswith(".")} == set()


def test_the_private_key_reaches_no_artefact_and_no_look(signed: Signed) -> None:
    body = signed.key.private.read_text().splitlines()[1]
    texts = {path.name: path.read_text() for path in signed.folder.iterdir()} | {"terminal": signed.run.text}
    seen = next(iter(signed.run.record.observations.values()))

    assert [name for name, text in texts.items() if body in text] == []
    assert "RUNBOOK_SIGNING_KEY" not in seen["value"]["environment"]
    assert "redacted" in seen["value"]["file"]


def test_the_key_may_lie_in_a_file(tmp_path: Path) -> None:
    key = KeyPair.make(tmp_path)
    run = Bench(tmp_path).run(f"KEY_TEXT = ''\n{BOOK}", "-m", "predeploy", RUNBOOK_SIGNING_KEY_FILE=str(key.private))

    assert run.folder is not None
    assert independently(run.folder / "attestation.json", key.public).returncode == 0
    assert f"signed     by key {run.summary['signing_key']}" in run.text


def test_a_run_that_nobody_signs_says_so_everywhere(unsigned: Finished) -> None:
    assert unsigned.folder is not None
    junit = (unsigned.folder / "junit.xml").read_text()

    assert "unsigned   proves nothing against its owner" in unsigned.text.rpartition("PASSED")[2]
    assert unsigned.summary["signing_key"] is None
    assert '<property name="signing_key" value="None"' in junit
    assert json.loads((unsigned.folder / "attestation.json").read_bytes())["signatures"] == []
    assert payload(unsigned.folder)["predicate"]["paintbox-runbook"]["signing_key"] is None


def pem(key: rsa.RSAPrivateKey | Ed25519PrivateKey, password: bytes = b"") -> str:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def public_pem() -> str:
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"RUNBOOK_SIGNING_KEY_FILE": "/nowhere/key.pem"}, "cannot be read (No such file or directory)"),
        ({"RUNBOOK_SIGNING_KEY_FILE": "/"}, "cannot be read (Is a directory)"),
        ({"RUNBOOK_SIGNING_KEY": "sesame"}, "holds no private key in PEM"),
        ({"RUNBOOK_SIGNING_KEY": public_pem()}, "holds no private key in PEM"),
        ({"RUNBOOK_SIGNING_KEY": pem(rsa.generate_private_key(65537, 2048))}, "another kind than ed25519"),
        ({"RUNBOOK_SIGNING_KEY": pem(Ed25519PrivateKey.generate(), b"word")}, "is encrypted"),
        ({"RUNBOOK_SIGNING_KEY": "sesame", "RUNBOOK_SIGNING_KEY_FILE": "key.pem"}, "are both set"),
    ],
    ids=["missing", "folder", "no-pem", "public", "rsa", "encrypted", "both"],
)
def test_a_key_that_cannot_sign_is_refused_before_anything_is_looked_at(
    tmp_path: Path, given: dict[str, str], sentence: str
) -> None:
    run = Bench(tmp_path).run(f"KEY_TEXT = ''\n{BOOK}", "-m", "predeploy", **given)

    assert run.status == 4, run.text
    assert run.folder is None
    assert sentence in run.text
    assert "Traceback" not in run.text
    assert given.get("RUNBOOK_SIGNING_KEY", "no such text").splitlines()[-1] not in run.text


def result_of(signed: Signed, *, plan: dict[str, Any] | None = None, **verdict: Any) -> str:  # noqa: ANN401 - any field of a verdict
    """The result where the plan, or the verdict of one check, says these other things."""
    run = signed.run.record
    verdicts = copy.deepcopy(run.verdicts)
    next(iter(verdicts.values())).update(verdict)
    return attestation.result(summarise(replace(run, plan=run.plan | (plan or {}), verdicts=verdicts)))


@pytest.mark.parametrize(
    ("verdict", "result"),
    [
        ({}, "PASSED"),
        ({"verdict": "signed-off"}, "PASSED"),
        ({"verdict": "not-applicable"}, "PASSED"),
        ({"retries": 1}, "WARNED"),
        ({"verdict": "waived"}, "WARNED"),
        ({"verdict": "failed"}, "FAILED"),
        ({"verdict": "error"}, "FAILED"),
        ({"verdict": "not-run"}, "FAILED"),
        ({"plan": {"complete": False}}, "FAILED"),
    ],
    ids=str,
)
def test_what_was_not_wholly_judged_is_failed(signed: Signed, verdict: dict[str, Any], result: str) -> None:
    assert result_of(signed, **verdict) == result


@pytest.mark.parametrize("ended", [2, 3, 4, 5])
def test_a_run_that_was_stopped_is_failed(signed: Signed, ended: int) -> None:
    run = signed.run.record
    stopped = replace(run, finish={**(run.finish or {}), "ended": ended})

    assert attestation.result(summarise(stopped)) == "FAILED"
    assert attestation.result(summarise(replace(run, finish=None))) == "FAILED"
    assert attestation.result(summarise(run, broken=True)) == "FAILED"


def statement_of(signed: Signed, **summary: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a summary
    run = signed.run.record
    found: dict[str, Any] = json.loads(attestation.statement(run, summarise(run) | summary, {"record.jsonl": "0" * 64}))
    return found


def test_checks_stand_where_their_verdicts_belong(signed: Signed) -> None:
    wanted = {"passedTests": 2, "warnedTests": 2, "failedTests": 3}
    row = summarise(signed.run.record)["checks"][0]
    kinds = ("passed", "signed-off", "waived", "failed", "error", "not-run", "not-applicable")
    rows = [row | {"verdict": kind, "check": f"CFG-1/{kind}"} for kind in kinds]
    found = statement_of(signed, checks=[*rows, row | {"check": "CFG-1/late", "retries": 2}])["predicate"]

    assert {name: len(found[name]) for name in wanted} == wanted
    assert found["warnedTests"] == ["CFG-1/waived", "CFG-1/late"]


DIGEST = "sha256:" + "ab" * 32
COMMIT = "c" * 40


@pytest.mark.parametrize(
    ("summary", "subjects"),
    [
        ({"dirty": False}, ["image", "app"]),
        ({"dirty": True}, []),
        ({"dirty": None}, []),
        ({"dirty": False, "replay_of": "another"}, []),
        ({"dirty": False, "image_digest": None}, ["app"]),
        ({"dirty": False, "image_digest": "deployment-1"}, ["app"]),
        ({"dirty": False, "app_commit": None}, ["image"]),
    ],
    ids=str,
)
def test_commit_and_image_are_subjects_only_where_they_were_judged(
    signed: Signed, summary: dict[str, Any], subjects: list[str]
) -> None:
    known = {"app_commit": COMMIT, "image_digest": f"registry.fly.io/paintbox@{DIGEST}", "replay_of": None}
    found = {one["name"]: one["digest"] for one in statement_of(signed, **(known | summary))["subject"]}
    digests = {"image": {"sha256": "ab" * 32}, "app": {"gitCommit": COMMIT}, "record.jsonl": {"sha256": "0" * 64}}

    assert found == {name: digests[name] for name in [*subjects, "record.jsonl"]}
