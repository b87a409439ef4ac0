"""A run that was killed, at whatever moment, has told the truth: no more than it knew, and never that all is well."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from runs import ROOT, environment, run_pytest

from reports.__main__ import main
from reports.record import RecordError, read_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

MOMENTS = 50
SMOKE = ("-m", "smoke", "--target=twin")
FEWER = ("-k", "HLT or CFG-2 or JWK")  # enough of every kind of line, and sooner over
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.001


@dataclass(frozen=True)
class Aftermath:
    """What a run that did not come to its end has left, and what can be said about it."""

    folder: Path
    finished: int  # exit status of `finish`
    told: str  # what `finish` said
    verified: int  # exit status of `verify`

    @classmethod
    def of(cls, folder: Path, capsys: pytest.CaptureFixture[str]) -> Aftermath:
        """Finish and verify a run."""
        capsys.readouterr()
        finished = main(["finish", str(folder)])
        said = capsys.readouterr()
        verified = main(["verify", str(folder)])
        capsys.readouterr()
        return cls(folder, finished, said.out + said.err, verified)

    def wrong(self) -> list[str]:
        """What contradicts the promise, in words."""
        try:
            run = read_record(self.folder)
        except RecordError as error:  # it died before it had a plan
            return [] if (self.finished, self.verified) == (4, 2) and "no plan" in str(error) else [f"{self}: {error}"]
        summary = json.loads((self.folder / "summary.json").read_bytes())
        missing = [row["check"] for row in summary["checks"] if row["verdict"] == "not-run"]
        page = (self.folder / "junit.xml").read_text()
        wrong = [
            (self.finished != 0, "the reports could not be made"),
            (self.verified != 2, f"verify says {self.verified}"),
            (summary["verdict"] == "passed" or summary["exit_status"] == 0, "it is called passed"),
            (len(missing) + len(run.verdicts) != len(run.plan["checks"]), "checks got lost"),
            (page.count('type="not-run"') != len(missing), "junit.xml does not tell what was not run"),
            (any(check not in self.told for check in missing), "finish does not tell what was not run"),
            (run.finish is not None, "somebody wrote a finish"),
            (any(path.name.startswith(".") for path in self.folder.iterdir()), "drafts were left"),
        ]
        return [f"{self}: {words}" for holds, words in wrong if holds]


def started(reports: Path, scratch: Path, *arguments: str) -> subprocess.Popen[str]:
    scratch.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", f"--reports={reports}", *SMOKE, *arguments],
        cwd=ROOT,
        env=environment(TMPDIR=str(scratch)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(running: subprocess.Popen[str], there: Callable[[], bool]) -> None:
    """Wait until something is there, or the run is over."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not there() and running.poll() is None:
        assert time.monotonic() < end, "the run did not get that far"
        time.sleep(POLL_SECONDS)


def written(reports: Path) -> int:
    """How many bytes the record of the newest run has."""
    try:
        return (reports / "latest" / "record.jsonl").stat().st_size
    except FileNotFoundError:
        return -1


def next_run(reports: Path) -> None:
    """The next run is not hindered, and names none that has no finish."""
    run = run_pytest(*SMOKE, reports=reports)
    assert run.status == 0, run.text
    named = run.record.plan["previous_runs"].get("twin")
    assert named is None or read_record(reports / named["run"]).finish is not None


def test_a_run_may_be_killed_at_any_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = run_pytest(*SMOKE, *FEWER, reports=tmp_path / "whole")
    assert whole.folder is not None
    size = (whole.folder / "record.jsonl").stat().st_size
    aftermaths, over = [], 0
    for moment in range(MOMENTS):
        reports = tmp_path / f"runs-{moment}"
        wanted = moment * size // MOMENTS
        running = started(reports, tmp_path / "scratch", *FEWER)
        wait_for(running, lambda: written(reports) >= wanted)  # noqa: B023 - it is called before the next round
        time.sleep(moment % 5 * 0.002)  # between the lines, too
        running.kill()
        running.communicate()
        latest = reports / "latest"
        if latest.exists() and b'"kind":"finish"' not in (latest / "record.jsonl").read_bytes():
            aftermaths.append(Aftermath.of(latest.resolve(), capsys))
        else:
            over += 1  # the run was quicker than its killer

    assert [wrong for aftermath in aftermaths for wrong in aftermath.wrong()] == []
    assert len(aftermaths) > MOMENTS // 2, f"{over} of {MOMENTS} runs were over before they could be killed"
    next_run(tmp_path / f"runs-{MOMENTS - 1}")


def test_a_run_may_be_killed_while_it_writes_its_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("report.html", "junit.xml", "oscal.json"):
        reports = tmp_path / name
        running = started(reports, tmp_path / "scratch")
        wait_for(running, (reports / "latest" / name).exists)
        running.kill()
        running.communicate()
        folder = (reports / "latest").resolve()
        whole = (folder / "attestation.json").exists()  # the run was quicker than its killer

        assert main(["finish", str(folder)]) == 0
        assert whole or "are made" in capsys.readouterr().out
        assert main(["verify", str(folder)]) == 5, capsys.readouterr().out
        next_run(reports)


def children(pid: int) -> list[int]:
    done = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def test_workers_may_be_killed(tmp_path: Path) -> None:
    reports = tmp_path / "runs"
    running = started(reports, tmp_path / "scratch", "-n", "2")
    wait_for(running, lambda: written(reports) > 0)
    for worker in children(running.pid):
        os.kill(worker, signal.SIGKILL)
    text, _ = running.communicate(timeout=PATIENCE_SECONDS)
    summary = json.loads((reports / "latest" / "summary.json").read_bytes())
    run = read_record(reports / "latest")

    assert run.finish is not None, text
    assert running.returncode == summary["exit_status"], text
    assert summary["exit_status"] in {0, 6}, text  # 0: what they were judging was done by those who took their place
    assert summary["exit_status"] == 6 or len(run.verdicts) == len(run.plan["checks"])
    next_run(reports)


def test_the_controller_may_be_killed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = tmp_path / "runs"
    running = started(reports, tmp_path / "scratch", "-n", "2")
    wait_for(running, lambda: written(reports) > 0)
    workers = children(running.pid)
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)  # returns when the workers, too, have let go of the terminal

    assert len(workers) >= 2
    assert Aftermath.of((reports / "latest").resolve(), capsys).wrong() == []
    next_run(reports)


def with_room_for(kilobytes: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """A run that can write files up to this size: what a full disk looks like, without filling one."""
    words = [sys.executable, "-m", "pytest", f"--reports={folder / 'runs'}", *SMOKE]
    return subprocess.run(
        ["sh", "-c", f'ulimit -f {2 * kilobytes}; exec "$@"', "sh", *words],  # in blocks of 512 bytes
        cwd=ROOT,
        env=environment(TMPDIR=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("kilobytes", [8, 16, 24, 32, 40, 48])
def test_the_disk_may_be_full(tmp_path: Path, kilobytes: int, capsys: pytest.CaptureFixture[str]) -> None:
    done = with_room_for(kilobytes, tmp_path)

    assert done.returncode == 3, done.stdout
    assert re.search(r"cannot be written( any more)? \(File too large\)", done.stdout)
    assert "Traceback" not in done.stdout
    assert Aftermath.of((tmp_path / "runs" / "latest").resolve(), capsys).wrong() == []
    next_run(tmp_path / "runs")


def test_there_may_be_no_room_for_the_twin(tmp_path: Path) -> None:
    done = with_room_for(1, tmp_path)

    assert done.returncode == 3, done.stdout
    assert "the twin cannot be brought up (File too large): make room" in done.stdout
    assert "Traceback" not in done.stdout
