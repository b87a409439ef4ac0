"""A run that still goes on is let alone: nothing is finished for it, and nothing of it is pruned."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine import Bench
from runs import ROOT, environment

from reports import prune
from reports.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

BODY = """
import signal, subprocess, sys

@item("CFG-1", expects="nothing")
@pytest.mark.postdeploy
def test_of_what_others_may_do() -> None:
    '''Nobody finishes this run but itself.'''
    command = [sys.executable, "-m", "reports", "finish", os.environ["RUNS"] + "/latest"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=os.environ["ROOT"])
    Path(os.environ["RUNS"], "told").write_text(f"{done.returncode} {done.stderr}")

@item("CFG-2", expects="nothing")
@pytest.mark.postdeploy
def test_of_a_kill() -> None:
    '''It lives on.'''
    if "KILL" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nobody_finishes_a_run_that_goes_on(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    run = Bench(tmp_path).run(BODY, "-m", "postdeploy", RUNS=str(runs), ROOT=str(ROOT))
    assert run.folder is not None, run.text

    assert (runs / "told").read_text() == f"4 {run.folder.name} still goes on: wait until it ends, or stop it\n"
    assert run.status == 0, run.text
    assert {path.name for path in run.folder.iterdir()} == {
        *("record.jsonl", "summary.json", "junit.xml", "oscal.json", "report.html", "attestation.json")
    }


def test_a_run_that_was_killed_can_be_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Bench(tmp_path).run(BODY, "-m", "postdeploy", RUNS=str(tmp_path / "runs"), ROOT=str(ROOT), KILL="yes")

    assert run.status == -9
    assert main(["finish", str(run.folder)]) == 0, capsys.readouterr().err


def test_a_run_that_goes_on_is_not_pruned(tmp_path: Path) -> None:
    folders = [tmp_path / f"2026010{n}T000000Z-a-smoke" for n in (1, 2)]
    for folder in folders:
        folder.mkdir()
        (folder / "record.jsonl").touch()
    holder = "import sys; from pathlib import Path; from reports.going_on import hold; file = hold(Path(sys.argv[1]))"
    words = [sys.executable, "-c", f"{holder}; print(); input()", str(folders[0] / "record.jsonl")]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as living:
        assert living.stdout is not None
        living.stdout.readline()
        held = prune.doomed(tmp_path, datetime.now(UTC), keep=0)
        living.communicate("\n")

    assert held == [folders[1]]
    assert prune.doomed(tmp_path, datetime.now(UTC), keep=0) == folders
