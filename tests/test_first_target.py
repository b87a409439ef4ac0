"""`python -m fixtures.target init`: another app's first target loads, is judged by, and says what it could not know."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from runs import ROOT, environment, run_pytest

from fixtures.first_target import draft
from fixtures.target import load_target, main
from fixtures.twin.checkout import commit, git, make_checkout

if TYPE_CHECKING:
    from pathlib import Path

FLY = 'app = "bare"\n[http_service]\ninternal_port = 3000\n'
DOCKERFILE = 'FROM node:20-alpine\nCOPY . .\nCMD ["node", "server.js"]\n'
MANIFEST = '{"name": "bare", "scripts": {"build": "next build"}, "dependencies": {"next": "^15.5.0"}}\n'


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """As little as a Next.js app on Fly.io can have."""
    folder = tmp_path / "bare"
    folder.mkdir()
    for name, text in (("fly.toml", FLY), ("Dockerfile", DOCKERFILE), ("package.json", MANIFEST)):
        (folder / name).write_text(text, encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, datetime.now(UTC))
    return folder


def init(source: Path, into: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fixtures.target", "init", f"--source={source}", f"--into={into}"]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_first_target_of_the_reference_app_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path, datetime.now(UTC))
    told = init(checkout, tmp_path / "first.toml")
    run = run_pytest(
        "-m", "predeploy and offline", f"--target={tmp_path / 'first.toml'}", f"--source={checkout}", reports=tmp_path
    )

    assert told.returncode == 0, told.stderr
    assert run.status == 0, run.text
    assert run.summary["targets"][0]["name"] == "first"
    assert set(run.verdicts().values()) <= {"passed", "not-applicable"}


@pytest.mark.slow
def test_the_first_target_of_a_bare_app_loads_and_is_judged_by(bare: Path, tmp_path: Path) -> None:
    told = init(bare, tmp_path / "bare.toml")
    target = load_target(str(tmp_path / "bare.toml"))
    run = run_pytest(
        "-m", "predeploy and offline", f"--target={target.path}", f"--source={bare}", reports=tmp_path / "runs"
    )

    assert told.returncode == 0, told.stderr
    assert "how many machines may exist" in told.stdout
    assert (target.app, target.environment.port, target.next.minimum_version) == ("bare", 3000, "15.5.0")
    assert not target.has("volume.source")
    assert run.status == 1, run.text
    assert any(check.startswith("HCK-3/") for check in run.verdicts("not-applicable"))
    assert "PRE-6/test_the_files_of_a_release_are_there" in run.verdicts("failed")


@pytest.mark.slow
def test_what_a_first_target_leaves_out_blinds_nothing_after_a_deploy(bare: Path, tmp_path: Path) -> None:
    left_out = [key for key in draft(bare).unset if key != "window"]  # which the twin has left out already
    least = tmp_path / "least.toml"
    least.write_text(f'extends = "twin"\nunset = {json.dumps(left_out)}\n', encoding="utf-8")

    run = run_pytest("-m", "postdeploy", f"--target={least}", reports=tmp_path / "runs")

    assert run.status == 0, run.text
    assert "JWK-1/test_jwks_answers[edge]" in run.verdicts("not-applicable")
    assert "HLT-1/test_app_is_up[edge]" in run.verdicts("passed")


def test_what_cannot_be_made_is_told_in_a_sentence(
    bare: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "there.toml"
    file.write_text("", encoding="utf-8")
    nameless = shutil.copytree(bare, tmp_path / "nameless")
    (nameless / "fly.toml").write_text("[env]\nA = '1'\n", encoding="utf-8")
    misled = shutil.copytree(bare, tmp_path / "misled")
    (misled / "fly.toml").write_text(f"primary_region = 'no region'\n{FLY}", encoding="utf-8")
    broken = shutil.copytree(bare, tmp_path / "broken")
    (broken / "fly.toml").write_text("[env\n", encoding="utf-8")
    tried = [
        (bare, file, "is there already"),
        (bare, tmp_path / "no" / "such.toml", "cannot be written"),
        (tmp_path / "away", tmp_path / "a.toml", "there is no fly.toml"),
        (nameless, tmp_path / "b.toml", "does not name the app"),
        (broken, tmp_path / "c.toml", "not valid TOML"),
        (misled, tmp_path / "d.toml", "[fly] region cannot be 'no region'"),
    ]

    for source, into, words in tried:
        assert main(["init", f"--source={source}", f"--into={into}"]) == 4
        assert words in capsys.readouterr().err
        assert into == file or not into.exists()


def test_hostile_words_of_a_checkout_stay_comments_and_texts(bare: Path, tmp_path: Path) -> None:
    hostile = '[env]\nGENERATE_SOURCEMAP = "\\nurl = 3\\n\\"\\u0000"\n"POOL_é" = "1"\n'
    (bare / "fly.toml").write_text(FLY.replace("[http", f"{hostile}[http"), encoding="utf-8")
    told = init(bare, tmp_path / "hostile.toml")

    assert told.returncode == 0, told.stderr
    assert load_target(str(tmp_path / "hostile.toml")).url == "https://bare.fly.dev"
