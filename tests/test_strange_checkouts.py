"""Checkouts in any state get one clear sentence each: never a traceback, never a hang, never green."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from runs import Finished, environment, run_pytest

from fixtures.twin.checkout import commit, git, make_checkout, push

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SELECTION = ("-m", "predeploy and offline")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.toml"
    path.write_text('extends = "production"\n', encoding="utf-8")
    return path


def judge(source: Path, target: Path, **changes: str | None) -> Finished:
    return run_pytest(
        *SELECTION,
        f"--target={target}",
        f"--source={source}",
        reports=target.parent / "runs",
        env=environment(**changes),
    )


def cut(file: str, text: str) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        (checkout / file).write_text(text, encoding="utf-8")

    return change


def gone(file: str) -> Callable[[Path], None]:
    return lambda checkout: (checkout / file).unlink()


def latin(checkout: Path) -> None:
    (checkout / "fly.toml").write_bytes(b"app = '\xff'\n")


def instead(file: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(checkout: Path) -> None:
        (checkout / file).unlink()
        make(checkout / file)

    return change


def huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.write(b"# fifty megabytes\n" * (50 * 1024 * 1024 // 18))


STRANGE: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "no fly.toml": (gone("fly.toml"), "PRE-6", "fly.toml"),
    "fly.toml is broken TOML": (cut("fly.toml", 'app = "x"\n[env\n'), "CFG-5", "fly.toml:2"),
    "fly.toml is empty": (cut("fly.toml", ""), "CFG-5", "fly.toml"),
    "fly.toml is not UTF-8": (latin, "CFG-5", "fly.toml"),
    "fly.toml is a FIFO": (instead("fly.toml", os.mkfifo), "PRE-6", "fly.toml"),
    "fly.toml is a folder": (instead("fly.toml", lambda p: p.mkdir()), "PRE-6", "fly.toml"),
    "fly.toml is 50 MB": (instead("fly.toml", huge), "CFG-5", "fly.toml"),
    "fly.toml is a dangling link": (instead("fly.toml", lambda p: p.symlink_to("nowhere")), "PRE-6", "fly.toml"),
    "no package.json": (gone("package.json"), "PRE-6", "package.json"),
    "package.json is broken JSON": (cut("package.json", "{"), "ARC-2", "package.json"),
    "no lock file": (gone("package-lock.json"), "PRE-6", "package-lock.json"),
    "next.config throws": (cut("next.config.js", 'throw new Error("no")\n'), "", "next.config.js"),
    "next.config hangs": (cut("next.config.js", "for (;;) {}\n"), "", "next.config.js"),
    "next.config exits": (cut("next.config.js", "process.exit(0)\n"), "", "next.config.js"),
    "next.config is a syntax error": (cut("next.config.js", "module.exports = {\n"), "", "next.config.js"),
    "next.config needs what is not installed": (cut("next.config.js", 'require("not-there")\n'), "", "not-there"),
    "no Dockerfile": (gone("Dockerfile.production"), "PRE-6", "Dockerfile.production"),
    "an empty Dockerfile": (cut("Dockerfile.production", ""), "", "Dockerfile.production"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_checkout_is_told_in_a_sentence(checkout: Path, target: Path, name: str) -> None:
    change, item, words = STRANGE[name]
    change(checkout)
    if "FIFO" not in name:  # git has no way to commit one
        commit(checkout)
        push(checkout)
    run = judge(checkout, target)

    assert run.status in {1, 6}, run.text
    assert words in run.text
    assert "Traceback" not in run.text
    assert "the check broke" not in run.text
    assert "the look " not in run.text
    assert item in {check.partition("/")[0] for check in run.verdicts("failed")} | {""}
    assert run.summary["seconds"] < 30


@pytest.mark.slow
def test_a_folder_of_a_monorepo_is_judged_with_the_lock_file_of_its_root(tmp_path: Path, target: Path) -> None:
    root = tmp_path / "monorepo"
    root.mkdir()
    app = make_checkout(root)
    shutil.rmtree(app / ".git")
    shutil.move(app / "package-lock.json", root / "package-lock.json")
    (root / "package.json").write_text(
        '{"name": "root", "private": true, "workspaces": ["paintbox"]}\n', encoding="utf-8"
    )
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    run = judge(app, target)

    assert run.status in {0, 1}, run.text
    assert "error" not in run.verdicts().values()
    assert "could not look" not in run.text


@pytest.mark.slow
def test_eight_fly_tomls_side_by_side_are_told(checkout: Path, target: Path) -> None:
    for number in range(7):
        shutil.copy(checkout / "fly.toml", checkout / f"fly.{number}.toml")
    run = judge(checkout, target)

    assert "Traceback" not in run.text
    assert run.status in {0, 1}, run.text


@pytest.mark.slow
def test_without_git_the_items_of_git_cannot_look_and_the_rest_is_judged(checkout: Path, target: Path) -> None:
    shutil.rmtree(checkout / ".git")
    run = judge(checkout, target)

    assert run.status in {1, 6}, run.text
    assert "Traceback" not in run.text
    assert run.summary["gate"] is False
    assert len(run.verdicts("passed")) > 30


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["node", "git"])
def test_a_missing_program_is_named(checkout: Path, target: Path, tmp_path: Path, missing: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in {"node", "git", "sh", "env"} - {missing}:
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    run = judge(checkout, target, PATH=str(tools))

    assert run.status in {1, 6}, run.text
    assert missing in run.text
    assert "Traceback" not in run.text


@pytest.mark.slow
def test_an_empty_folder_is_not_green(tmp_path: Path, target: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = judge(tmp_path / "empty", target)

    assert run.status == 1, run.text
    assert "PRE-6" in run.text
    assert "Traceback" not in run.text
    assert subprocess.run(["git", "--version"], check=False, capture_output=True).returncode == 0
