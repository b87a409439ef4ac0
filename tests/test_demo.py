"""`make demo` as a person runs it, with Node.js and without."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from runs import ROOT, environment

from reports.record import read_record

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
SECONDS = 300


def demonstrate(reports: Path, path: str) -> subprocess.CompletedProcess[str]:
    env = environment(RUNBOOK_REPORTS=str(reports), PATH=path, TMPDIR=str(reports.parent))
    command = [sys.executable, "-m", "fixtures.twin.demo"]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)


def left_behind(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(("demo-", "runbook-", "twin-"))]


def test_the_build_that_passed_is_what_postdeploy_and_smoke_judge(tmp_path: Path) -> None:
    done = demonstrate(tmp_path / "runs", os.environ["PATH"])
    runs = [read_record(folder) for folder in sorted((tmp_path / "runs").glob("2*"))]

    assert done.returncode == 0, done.stdout
    assert re.findall(r"^(\w+) +(passed|to the twin)", done.stdout, re.MULTILINE) == [
        ("predeploy", "passed"),
        ("deploy", "to the twin"),
        ("postdeploy", "passed"),
        ("smoke", "passed"),
    ]
    assert len({run.plan["app_commit"] for run in runs}) == 1
    assert len(runs) == 3
    assert left_behind(tmp_path) == []


def test_without_node_the_rest_is_judged_all_the_same(tmp_path: Path) -> None:
    for program in ("git", "sh", "env"):
        found = shutil.which(program)
        assert found
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / program).symlink_to(found)
    done = demonstrate(tmp_path / "runs", str(tmp_path / "bin"))

    assert done.returncode == 0, done.stdout
    assert "Node.js is not here" in done.stdout
    assert re.findall(r"^(postdeploy|smoke) +passed", done.stdout, re.MULTILINE) == ["postdeploy", "smoke"]
