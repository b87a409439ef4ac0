"""Builds that fail, hang, talk too much or are interrupted: told, bounded, and nothing of them is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from runs import ROOT, environment, run_pytest

from fixtures.twin.checkout import commit, git

if TYPE_CHECKING:
    from runs import Finished

pytestmark = pytest.mark.slow

MARK = "the-child-of-a-hard-build"
WAITS = "setTimeout(() => {}, 300000)"
HANGS = f"node hang.js {MARK}"
SCRIPTS = {
    "hang.js": f"""
        require("child_process").spawn(process.execPath, ["-e", "{WAITS}", "{MARK}"]);
        {WAITS};
    """,
    "noise.js": """
        const line = "x".repeat(65535) + "\\n";
        for (let n = 0; n < 1600; n++) require("fs").writeSync(1, line);
        process.exit(1);
    """,
    "fail.js": 'console.log("compiling"); console.error("Error: paint is not defined"); process.exit(1);',
}


def checkout(folder: Path, build: str) -> Path:
    """An app with no dependencies, whose build is this command."""
    app = folder / "app"
    app.mkdir()
    manifest = {"name": "hard", "version": "1.0.0", "private": True, "scripts": {"build:deploy": build}}
    lock = {"name": "hard", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {"": manifest}}
    (app / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (app / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    for name, text in SCRIPTS.items():
        (app / name).write_text(text, encoding="utf-8")
    git(app, "init", "--quiet", "--initial-branch=main")
    commit(app)
    return app


def arguments(folder: Path, build: str, deadline_seconds: int = 60) -> list[str]:
    target = folder / "hard.toml"
    target.write_text(f'extends = "production"\n[build]\ndeadline_seconds = {deadline_seconds}\n', encoding="utf-8")
    return ["-m", "predeploy", "-k", "BLD", f"--target={target}", f"--source={checkout(folder, build)}"]


def judge(folder: Path, build: str, deadline_seconds: int = 60) -> Finished:
    return run_pytest(*arguments(folder, build, deadline_seconds), reports=folder / "runs")


def left_over() -> list[str]:
    """Processes that carry our mark."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue
        if MARK.encode() in words.split(b"\0"):
            found.append(f"{entry.parent.name}: {words!r}")
    return found


def test_a_build_that_fails_is_told_by_its_first_error_and_what_needs_it_in_one_line(tmp_path: Path) -> None:
    run = judge(tmp_path, "node fail.js")

    assert run.status == 1, run.text
    assert set(run.verdicts("failed")) == {"BLD-1/test_production_build_succeeds"}
    assert "Error: paint is not defined" in run.text
    assert run.text.count("could not look") == 1


def test_a_build_that_hangs_is_ended_at_its_deadline_with_its_children(tmp_path: Path) -> None:
    run = judge(tmp_path, HANGS, deadline_seconds=3)

    assert set(run.verdicts("failed")) == {"BLD-1/test_production_build_succeeds"}, run.text
    assert run.summary["seconds"] < 20
    assert left_over() == []


def test_ctrl_c_during_the_build_leaves_no_process_and_tells_what_was_not_judged(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pytest", f"--reports={tmp_path / 'runs'}", *arguments(tmp_path, HANGS)]
    run = subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    end = time.monotonic() + 60
    while not left_over() and time.monotonic() < end:
        time.sleep(0.1)
    assert left_over()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=30)
    summary = json.loads((tmp_path / "runs" / "latest" / "summary.json").read_bytes())

    assert run.returncode == 2
    assert left_over() == []
    assert summary["exit_status"] == 2
    assert summary["counts"]["not-run"] > 0


def test_a_build_that_prints_a_hundred_megabytes_leaves_the_runner_small(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pytest", f"--reports={tmp_path / 'runs'}", *arguments(tmp_path, "node noise.js")]
    run = subprocess.Popen(words, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak_kb = 0
    while run.poll() is None:
        try:
            status = Path(f"/proc/{run.pid}/status").read_text(encoding="utf-8")
        except OSError:
            break
        peak_kb = max([peak_kb, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))])
        time.sleep(0.05)

    assert run.wait() == 1
    assert 0 < peak_kb < 150 * 1024
    assert (tmp_path / "runs" / "latest" / "record.jsonl").stat().st_size < 1_000_000
