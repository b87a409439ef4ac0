"""A secret that enters a run through any door leaves it through none: no file, no terminal, in no encoding."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from engine import Bench
from runs import ROOT
from signers import KeyPair

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

COMMON = """
import base64, http.server, logging, sys, threading, urllib.parse, warnings
from fixtures import commands
from fixtures.exchange import Client

def secret(door: str) -> str:
    return os.environ[f"DOOR_{door.upper()}_TOKEN"]

def b64(door: str) -> str:
    return base64.b64encode(("user:" + secret(door)).encode()).decode()

def url(door: str) -> str:
    return "https://api.example/?token=" + urllib.parse.quote(secret(door), safe="")

def spelled(door: str) -> str:
    return " ".join([secret(door), b64(door), url(door)])

class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = ('{"debug": {"%s": ["%s"]}}' % (spelled("json_body"), b64("json_body"))).encode()
        self.send_response(200)
        self.send_header("X-Debug", spelled("header"))
        self.send_header("Set-Cookie", "session=" + secret("cookie") + "; Path=/" + b64("cookie"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass

@look("source", seconds=10)
def answer(world: World) -> Seen:
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server, Client(trust_env=False) as client:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = f"http://127.0.0.1:{server.server_port}/?key=" + urllib.parse.quote(secret("url"), safe="")
        seen = client.exchange("GET", asked, seconds=5, headers={"X-Probe": spelled("request_header")})
        server.shutdown()
    return Seen(f"{seen.asked} {asked}", seen.as_json(), seen.header("X-Debug"))

@look("source", seconds=10)
def command(world: World) -> Seen:
    line = "import sys; print(sys.argv[1]); print(sys.argv[1], file=sys.stderr)"
    done = commands.run([sys.executable, "-c", line, spelled("command")], cwd=world.folder, env={}, seconds=5)
    return Seen(done.command_line, {"out": done.stdout, "err": done.stderr}, done.stdout)

@look("source", seconds=5)
def variables(world: World) -> Seen:
    name = "DOOR_ENVIRONMENT_TOKEN"
    return Seen("env", {name: world.environment[name], "copy": world.environment[name]}, world.environment[name])

@look("source", seconds=5)
def refused(world: World) -> Seen:
    raise Unseen(spelled("unseen") + " refused the connection", asked="curl " + url("unseen"))

@look("source", seconds=5)
def broken(world: World) -> Seen:
    raise ValueError("bad header: " + spelled("look_exception"))
"""

# Each door is a check; most let it in by an assertion's message, which people read as "observed".
DOORS = {
    "answer": "assert not answer.value, str(answer.value)",
    "command": "assert not command.value, str(command.value)",
    "variables": "assert not variables.value, str(variables.value)",
    "fly_toml_file": "assert not fly_toml_file.value, str(fly_toml_file.value)",
    "dockerfile_file": "assert not dockerfile_file.value, str(dockerfile_file.value)",
    "refused": "refused.read(str)",
    "broken": "broken.read(str)",
    "assertion": 'assert False, "found " + spelled("assertion")',
    "diff": 'found = {"x": spelled("diff")}; assert found == {"x": ""}',
    "cut": 'assert False, "x" * 3_990 + spelled("cut")',
    "cut_diff": 'found = {"x": "x" * 90 + spelled("cut_diff") + "x" * 90}; assert found == {"x": ""}',
    "cut_locals": 'held = ["x" * 90 + spelled("cut_locals") + "x" * 90]; assert not held, "see the locals"',
    "locals": 'held = [spelled("locals")]; assert not held',
    "exception": 'raise RuntimeError(spelled("exception"))',
    "output": 'print(spelled("output")); sys.stderr.write(spelled("output")); assert False, "see the output"',
    "logged": 'logging.getLogger("x").error("logged %s", spelled("logged")); assert False, "see the log"',
    "warned": 'warnings.warn(spelled("warned")); assert False, "see the warning"',
    "skipped": 'pytest.skip(spelled("skipped"))',
}
LOOKS = ("answer", "command", "variables", "fly_toml_file", "dockerfile_file", "refused", "broken")
ELSEWHERE = """
@item("CFG-2", expects="nothing")
@pytest.mark.predeploy
@pytest.mark.parametrize("word", [secret("test_id"), url("test_id")])
def test_ids(word: str) -> None:
    '''Its parameters are in its name.'''
    assert False, "see the name"

@pytest.fixture
def torn() -> None:
    yield
    raise RuntimeError(spelled("teardown"))

@item("CFG-3", expects="nothing")
@pytest.mark.predeploy
def test_teardown(torn: None) -> None:
    '''It goes well until its end.'''
"""
CRASH = """
@item("CFG-4", expects="nothing")
@pytest.mark.predeploy
@pytest.mark.parametrize("word", [secret("crash")])
def test_crash(word: str) -> None:
    '''It takes its process down.'''
    sys.stderr.write(word)
    os._exit(1)
"""
WITHIN = (
    *("json_body", "header", "cookie", "url", "request_header", "command", "environment", "fly_toml", "dockerfile"),
    *(
        "unseen",
        "look_exception",
        "assertion",
        "diff",
        "locals",
        "cut",
        "cut_diff",
        "cut_locals",
        "exception",
        "output",
        "logged",
        "warned",
    ),
    *("skipped", "test_id", "teardown", "crash"),
)
HALF = 10
AROUND = ("ci_actor", "ci_url", "place", "sign_off")
NAMES = (*WITHIN, *AROUND)


def canary(door: str) -> str:
    """A value for each door, with characters that base64 and URLs write differently."""
    unlike = hashlib.sha256(door.encode()).hexdigest()
    return f"{unlike[:HALF]}+/{door}~{unlike[-HALF:]}"


def forms(secret: str) -> list[str]:
    """The secret as it may stand in a file: raw, in any alignment of base64, URL-encoded, and either half of it."""
    raw = secret.encode()
    aligned = [base64.b64encode(b"x" * n + raw).decode()[4:-4] for n in range(3)]
    return [secret, secret[:HALF], secret[-HALF:], quote(secret, safe=""), *aligned]


def places(run: Finished, folder: Path) -> dict[str, str]:
    """All that a run leaves: the terminal, each file below the folder with its name, and what is in envelopes."""
    found = {"terminal": run.text}
    for path in sorted(folder.rglob("*")):
        found[f"the name {path}"] = path.name
        if path.is_file():
            found[str(path)] = text = path.read_text(errors="replace")
            if path.name == "attestation.json":
                found[f"the statement in {path}"] = base64.b64decode(json.loads(text)["payload"]).decode()
    return found


def leaks(run: Finished, folder: Path, doors: tuple[str, ...] = NAMES) -> dict[str, list[str]]:
    """By door, the places where its secret can be read."""
    texts = places(run, folder)
    found = {
        door: [place for place, text in texts.items() if any(form in text for form in forms(canary(door)))]
        for door in doors
    }
    return {door: where for door, where in found.items() if where}


def check(name: str, body: str) -> str:
    parameters = f"{name}: Observation" if name in LOOKS else "request: pytest.FixtureRequest"
    return f"""
@item("CFG-1", expects="nothing")
@pytest.mark.predeploy
def test_{name}({parameters}) -> None:
    '''Nothing is let in through {name}.'''
    {body}
"""


class Doors:
    """A run with a secret at every door."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder)
        self.evidence = folder / "runs"
        self.key = KeyPair.make(folder)
        source = folder / "source"
        source.mkdir()
        (source / "fly.toml").write_text(f'app = "paintbox"\n[env]\nPASSWORD = "{canary("fly_toml")}"\n')
        (source / "Dockerfile").write_text(f'FROM node:20\nENV NOTE="{canary("dockerfile")}"\n')
        (folder / "signoffs.toml").write_text(
            '[[signoff]]\nitem = "MNT-7"\nwho = "Ada Example"\nwhen = 2026-01-01\nvalid_for_days = 31\n'
            f'evidence = "commit 0123456"\nwhat = "read {canary("sign_off")}"\n'
        )
        (folder / "little.toml").write_text('extends = "production"\nsignoffs = "signoffs.toml"\n')

    def run(self, *arguments: str, crash: bool = False) -> Finished:
        """A run through all doors; that of the crash needs a process of its own."""
        book = COMMON + "".join(check(name, body) for name, body in DOORS.items()) + ELSEWHERE
        self.evidence.mkdir(exist_ok=True)
        return self.bench.run(
            book + (CRASH if crash else ""),
            *("-m", "predeploy", "-l", "-v", "-rA", "--tb=long", f"--html={self.evidence / 'table.html'}"),
            f"--place={canary('place')}",
            *arguments,
            RUNBOOK_SIGNING_KEY=self.key.private.read_text(),
            GITHUB_ACTIONS="true",
            GITHUB_ACTOR=canary("ci_actor"),
            GITHUB_STEP_SUMMARY=str(self.evidence / "step-summary.md"),
            GITHUB_OUTPUT=str(self.evidence / "outputs.txt"),
            BUILD_URL=f"https://ci.example/{quote(canary('ci_url'), safe='')}/",
            PYTHONPATH=f"{ROOT}{os.pathsep}{self.bench.folder}",
            GITHUB_SERVER_URL=None,
            GITHUB_RUN_ID=None,
            **{f"DOOR_{door.upper()}_TOKEN": canary(door) for door in NAMES},
        )


@pytest.mark.slow
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["serial", "n2"])
def test_a_secret_reaches_no_file_and_no_terminal(tmp_path: Path, workers: list[str]) -> None:
    doors = Doors(tmp_path)
    run = doors.run(*workers, crash=bool(workers))
    private = doors.key.private.read_text().splitlines()[1]
    artefacts = {path.name for path in doors.evidence.rglob("*") if path.is_file()}

    assert run.status == 1, run.text
    assert len(run.summary["checks"]) == len(DOORS) + 3 + bool(workers)
    assert {"record.jsonl", "summary.json", "junit.xml", "oscal.json", "attestation.json", "table.html"} <= artefacts
    assert {"step-summary.md", "outputs.txt", "report.html"} <= artefacts
    assert leaks(run, doors.evidence) == {}
    assert [place for place, text in places(run, doors.evidence).items() if private in text] == []


BLIND = """
'''A plugin that switches redaction off.'''
from reports.redaction import Redactor
Redactor.text = lambda self, text: text
Redactor.data = lambda self, data: data
"""


def test_a_chapter_that_cannot_be_read_tells_no_secret(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    body = f"raise ValueError({canary('chapter')!r})"
    run = bench.run(body, "-m", "predeploy", "--tb=long", "-rA", DOOR_CHAPTER_TOKEN=canary("chapter"))

    assert run.status != 0
    assert "[redacted:DOOR_CHAPTER_TOKEN]" in run.text
    assert leaks(run, tmp_path / "runs", ("chapter",)) == {}


@pytest.mark.slow
def test_every_door_is_one_and_what_gets_past_it_is_found_in_the_finished_files(tmp_path: Path) -> None:
    doors = Doors(tmp_path)
    (tmp_path / "blind.py").write_text(BLIND)
    run = doors.run("-n", "1", "-p", "blind", crash=True)
    through = leaks(run, doors.evidence)

    assert len(NAMES) >= 15
    assert set(NAMES) - through.keys() == set(), "these doors let nothing in, so they prove nothing"
    assert run.status == 3, run.text
    assert run.summary["exit_status"] == 3
    assert re.search(r"holds? a secret \(DOOR_\w+_TOKEN", run.text.rpartition("EVIDENCE BROKEN")[2])


def test_no_canary_is_set_here() -> None:
    assert not {canary(door) for door in NAMES} & set(os.environ.values())
