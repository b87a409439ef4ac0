"""What GitHub shows of a run: annotations at the right lines, a summary in which nothing is markup, true outputs."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from runs import ROOT, Finished, environment, run_pytest

from reports import github

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "fly.toml:3 says\r\n::set-output name=gate::true\n<script>alert(1)</script> [x](javascript:y) `a` | b"


def summary(*rows: dict[str, Any]) -> dict[str, Any]:
    whole = {
        "verdict": "failed",
        "gate": False,
        "replay_of": None,
        "complete": True,
        "dirty": False,
        "counts": {"passed": 3, "failed": len(rows)},
        "targets": [{"name": "production", "app": "paintbox", "url": "https://paintbox.fly.dev"}],
        "app_commit": "a" * 40,
        "runbook_commit": "b" * 40,
        "run": "20260101T000000Z-production-predeploy",
        "started": "2026-01-01T00:00:00Z",
        "signing_key": None,
    }
    return whole | {"checks": list(rows)}


def row(**facts: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a row of the summary may hold
    usual = {
        "check": "CFG-2/test_memory",
        "item": "CFG-2",
        "severity": "high",
        "claim": "There is enough memory",
        "verdict": "failed",
        "observed": "fly.toml:64 asks for 1024 MB",
        "expected": "2048 MB",
        "remedy": "fly scale memory 2048",
        "reason": "fly.toml:64 asks for 1024 MB",
    }
    return usual | facts


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "app"
    folder.mkdir(parents=True)
    (folder / "fly.toml").write_text("", encoding="utf-8")
    return folder


def test_a_failure_is_shown_at_its_line_of_the_checkout(checkout: Path) -> None:
    (told,) = github.commands(summary(row()), str(checkout), str(checkout.parent))

    assert told.startswith("::error file=app/fly.toml,line=64,title=CFG-2 · There is enough memory::observed")
    assert told.endswith("observed: fly.toml:64 asks for 1024 MB%0Aexpected: 2048 MB%0Ado: fly scale memory 2048")


@pytest.mark.parametrize(
    "observed", [None, "nothing", "../../etc/passwd:1", "lost.toml:3", "at 14:02:07", "https://h.example:80"]
)
def test_what_names_no_file_of_the_checkout_gets_no_place(checkout: Path, observed: str | None) -> None:
    assert github.place(observed, str(checkout), str(checkout.parent)) == {}


def test_hostile_words_start_no_command(checkout: Path) -> None:
    told = github.commands(summary(row(observed=HOSTILE, claim="a,b:c\n::x::")), str(checkout), None)

    assert [line for whole in told for line in whole.splitlines()] == told
    assert "title=CFG-2 · a%2Cb%3Ac%0A%3A%3Ax%3A%3A::" in told[0]


def test_more_than_github_shows_are_counted(checkout: Path) -> None:
    told = github.commands(summary(*[row() for _ in range(14)]), str(checkout), None)

    assert len(told) == 10
    assert "14 checks failed" in told[-1]


def test_the_severest_comes_first_and_a_cause_is_told_once(checkout: Path) -> None:
    rows = [row(severity="low"), row(severity="critical", item="HLT-1")]
    rows += [row(verdict="error", reason="the host is away", check=str(n)) for n in range(3)]
    told = github.commands(summary(*rows), str(checkout), None)

    assert [re.split("[ ,:]", line)[2] for line in told] == ["error", "error", "warning"]
    assert "HLT-1" in told[0]
    assert told[2] == "::warning title=3 checks could not look::the host is away"


def test_nothing_in_the_job_summary_is_markup() -> None:
    told = github.job_summary(summary(row(observed=HOSTILE)))

    assert "<script>" not in told
    assert "[x](" not in told
    assert "\\| b" in told
    assert all(line.count(" | ") == 5 for line in told.split("### Failed")[1].splitlines() if line)


@pytest.mark.slow
def test_a_run_tells_github_and_nobody_else(tmp_path: Path) -> None:
    def run(**changes: str | None) -> Finished:
        fault = ("--target=twin", "--twin-fault=vm-memory-too-small")
        return run_pytest(
            "-m", "predeploy", "-k", "CFG-2", *fault, reports=tmp_path / "runs", env=environment(**changes)
        )

    files = {"GITHUB_STEP_SUMMARY": tmp_path / "summary.md", "GITHUB_OUTPUT": tmp_path / "output"}
    names = {name: str(path) for name, path in files.items()}
    told = run(GITHUB_ACTIONS="true", **names)
    silent = run(**names)
    lost = run(GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(tmp_path / "no" / "such"))

    assert told.folder is not None
    assert re.search(r"^::error file=.*fly\.toml,line=\d+,title=CFG-2", told.text, re.MULTILINE)
    assert f"run={told.folder.name}\n" in files["GITHUB_OUTPUT"].read_text(encoding="utf-8")
    assert files["GITHUB_OUTPUT"].read_text(encoding="utf-8").count("gate=false\n") == 1
    assert "## Runbook: failed" in files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
    assert "::error" not in silent.text
    assert (lost.status, "cannot be written" in lost.text) == (1, True)


def test_the_workflows_are_what_their_readers_accept() -> None:
    github_files = [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / "docs" / "ci" / "github-actions.yml"]
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    gitlab = ["vendor.gitlab-ci", "--data-transform", "gitlab-ci", str(ROOT / "docs" / "ci" / "gitlab-ci.yml")]
    for arguments in (["vendor.github-workflows", *map(str, github_files)], gitlab):
        done = subprocess.run([*check, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
