"""A secret that enters a run through any door leaves it through none: no file, no terminal, in no encoding."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from engine import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

CANARY = "k4n+ry/Zx9-geheim~2026"  # has characters that base64 and URLs write differently
DOORS = """
import base64, logging, urllib.parse
SECRET = os.environ["MY_API_TOKEN"]
B64 = base64.b64encode(("user:" + SECRET).encode()).decode()
URL = "https://api.example/?token=" + urllib.parse.quote(SECRET, safe="")

@look("source", seconds=5)
def leaky(world: World) -> Seen:
    value = {"raw": SECRET, "basic": B64, "url": URL, "list": [SECRET], SECRET: 1}
    return Seen("curl -H 'Authorization: Bearer " + SECRET + "' " + URL, value, "saw " + SECRET)

@look("source", seconds=5)
def refused(world: World) -> Seen:
    raise Unseen(URL + " refused the connection", asked="curl " + URL)

@look("source", seconds=5)
def broken(world: World) -> Seen:
    raise ValueError("bad header: " + B64)

@item("CFG-1", expects="nothing")
@pytest.mark.predeploy
def test_assertion(leaky: Observation) -> None:
    '''It fails with words.'''
    assert not SECRET, f"found {SECRET} and {B64} at {URL}"

@item("CFG-2", expects="nothing")
@pytest.mark.predeploy
def test_diff(leaky: Observation) -> None:
    '''It fails with a comparison.'''
    local = {"token": SECRET}
    assert local == {"token": ""}

@item("CFG-3", expects="nothing")
@pytest.mark.predeploy
def test_exception(leaky: Observation) -> None:
    '''It breaks.'''
    raise RuntimeError(URL)

@item("CFG-4", expects="nothing")
@pytest.mark.predeploy
def test_blind(refused: Observation, broken: Observation) -> None:
    '''It cannot look.'''
    assert refused.read(str)

@item("CFG-5", expects="nothing")
@pytest.mark.predeploy
def test_broken_look(broken: Observation) -> None:
    '''It cannot look either.'''
    assert broken.read(str)

@item("CFG-6", expects="nothing")
@pytest.mark.predeploy
@pytest.mark.parametrize("word", [SECRET, URL])
def test_ids_and_output(leaky: Observation, word: str) -> None:
    '''It prints and logs.'''
    print(SECRET, B64, URL)
    logging.getLogger("x").error("logged %s", SECRET)
    assert False, "seen"
"""


def forms(secret: str) -> list[str]:
    """The secret as it may stand in a file: raw, in any alignment of base64, URL-encoded."""
    raw = secret.encode()
    aligned = [base64.b64encode(b"x" * n + raw).decode()[4:-4] for n in range(3)]
    return [secret, quote(secret, safe=""), *aligned]


def leaks(run: Finished, folder: Path) -> list[str]:
    """Where the secret can be read: files below the folder, and the terminal."""
    places = {"terminal": run.text}
    for path in sorted(folder.rglob("*")):
        places |= {f"the name {path.name}": path.name}
        if path.is_file():
            places[path.name] = path.read_text(errors="replace")
    return [f"{place} holds {form}" for place, text in places.items() for form in forms(CANARY) if form in text]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["serial", "n2"])
def test_a_secret_reaches_no_file_and_no_terminal(tmp_path: Path, workers: list[str]) -> None:
    bench = Bench(tmp_path)
    run = bench.run(DOORS, "-m", "predeploy", "-l", "-v", "--tb=long", *workers, MY_API_TOKEN=CANARY)

    assert run.status == 1, run.text
    assert len(run.summary["checks"]) == 7
    assert leaks(run, tmp_path / "runs") == []


def test_a_secret_that_gets_past_the_door_is_found_in_the_finished_files(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    blind = """
from reports.redaction import Redactor
Redactor.text = lambda self, text: text
Redactor.data = lambda self, data: data
"""
    run = bench.run(blind + DOORS, "-m", "predeploy", MY_API_TOKEN=CANARY)

    assert run.status == 3, run.text
    assert run.summary["exit_status"] == 3
    assert "MY_API_TOKEN" in run.text.rpartition("EVIDENCE BROKEN")[2]


def test_the_canary_is_not_set_here() -> None:
    assert CANARY not in os.environ.values()
