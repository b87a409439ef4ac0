"""What git knows of a checkout, in the states that checkouts are in."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.checkout import Checkout
from fixtures.git import Git, Repository
from fixtures.looks import Unseen

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("fly.toml", "next.config.js", "lost.txt")
BRANCHES = ("origin/main", "origin/HEAD", "origin/master")
NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=os.environ | NOBODY, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for name in ("fly.toml", "next.config.js", "package-lock.json"):
        (folder / name).write_text(f"{name}\n", encoding="utf-8")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=First", "--date=2026-01-02T03:04:05Z")
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")
    return folder


def facts(folder: Path, **environment: str) -> Git:
    found: Any = Repository(Checkout.of(folder), os.environ | NOBODY | environment).facts(
        FILES, "package-lock.json", BRANCHES
    )
    return Git.parse(found)


def test_a_clean_checkout(repository: Path) -> None:
    found = facts(repository)

    assert (found.commit, found.branch, found.prefix) == (git(repository, "rev-parse", "HEAD"), "main", "")
    assert (found.clean, found.shallow, found.remote_branch) == (True, False, "origin/main")
    assert [(one.path, one.exists, one.committed, one.modified, one.same_in_remote) for one in found.files] == [
        ("fly.toml", True, True, False, True),
        ("next.config.js", True, True, False, True),
        ("lost.txt", False, False, False, False),
    ]
    assert found.lock_committed is not None


def test_what_is_not_committed_is_told(repository: Path) -> None:
    (repository / "fly.toml").write_text("changed\n", encoding="utf-8")
    (repository / "ü new.txt").write_text("", encoding="utf-8")
    git(repository, "rm", "--quiet", "next.config.js")
    found = facts(repository)

    assert sorted(found.uncommitted) == ["fly.toml", "next.config.js", "ü new.txt"]
    assert [(one.modified, one.same_in_remote) for one in found.files[:2]] == [(True, False), (True, False)]


def test_a_change_that_git_was_told_to_overlook_is_seen(repository: Path) -> None:
    git(repository, "update-index", "--skip-worktree", "fly.toml")
    (repository / "fly.toml").write_text("changed\n", encoding="utf-8")
    found = facts(repository)

    assert found.clean
    assert found.files[0].modified


def test_a_commit_that_the_remote_has_not_is_told(repository: Path) -> None:
    (repository / "fly.toml").write_text("changed\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message=Second")

    assert [(one.modified, one.same_in_remote) for one in facts(repository).files[:2]] == [
        (False, False),
        (False, True),
    ]


def test_the_remote_s_branch_is_the_first_that_is_there(repository: Path) -> None:
    git(repository, "update-ref", "refs/remotes/origin/master", "HEAD")
    git(repository, "update-ref", "-d", "refs/remotes/origin/main")
    master = facts(repository)
    git(repository, "update-ref", "-d", "refs/remotes/origin/master")
    none = facts(repository)

    assert master.remote_branch == "origin/master"
    assert (none.remote_branch, none.files[0].same_in_remote) == (None, None)


def test_an_app_in_a_folder_of_a_larger_repository(repository: Path) -> None:
    app = repository / "apps" / "web"
    app.mkdir(parents=True)
    (app / "fly.toml").write_text("x\n", encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=App")
    (app / "fly.toml").write_text("y\n", encoding="utf-8")
    found = facts(app)

    assert (found.prefix, found.uncommitted) == ("apps/web/", ("apps/web/fly.toml",))
    assert (found.files[0].committed, found.files[0].modified, found.files[1].exists) == (True, True, False)


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "fly.toml").write_text("x\n", encoding="utf-8")
    found = facts(tmp_path)

    assert (found.commit, found.committed, found.lock_committed, found.clean) == (None, None, None, False)
    assert (found.files[0].exists, found.files[0].committed) == (True, False)


def test_a_shallow_clone_does_not_know_when_the_lock_file_was_committed(repository: Path, tmp_path: Path) -> None:
    (repository / "fly.toml").write_text("changed\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message=Second")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    found = facts(tmp_path / "shallow")

    assert (found.shallow, found.lock_committed, found.clean) == (True, None, True)
    assert facts(repository).lock_committed is not None


def test_a_committed_link_is_compared_as_a_link(repository: Path) -> None:
    (repository / "fly.toml").rename(repository / "fly.shared.toml")
    (repository / "fly.toml").symlink_to("fly.shared.toml")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message=Link")
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    found = facts(repository).files[0]

    assert (found.committed, found.modified, found.same_in_remote) == (True, False, True)


def test_a_git_hook_s_environment_does_not_mislead(repository: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    git(elsewhere, "init", "--quiet")

    assert facts(repository, GIT_DIR=str(elsewhere / ".git"), GIT_WORK_TREE=str(elsewhere)).clean


def test_the_checkout_s_own_settings_run_no_program(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "core.fsmonitor", f"touch {tmp_path / 'ran'}; false")
    facts(repository)

    assert not (tmp_path / "ran").exists()


def test_a_pipe_among_the_files_is_not_waited_for(repository: Path) -> None:
    (repository / "fly.toml").unlink()
    os.mkfifo(repository / "fly.toml")

    assert facts(repository).files[0].exists is False


def reason(folder: Path, **environment: str) -> str:
    with pytest.raises(Unseen) as unseen:
        facts(folder, **environment)
    return str(unseen.value)


def test_no_repository_and_no_git(tmp_path: Path) -> None:
    assert reason(tmp_path) == f"{tmp_path} is not in a git work tree: judge a clone, or `git init` and commit it"
    assert reason(tmp_path, PATH=str(tmp_path)).startswith("git is not on PATH: install it")


def test_git_s_own_folder_is_no_checkout(repository: Path) -> None:
    assert "judge a clone that has its files checked out" in reason(repository / ".git")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_checkout_that_somebody_else_owns_is_told_with_the_way_out(repository: Path) -> None:
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)

    assert f"git config --global --add safe.directory {repository}" in reason(repository)
