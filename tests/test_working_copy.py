"""What is copied to be built is what would be deployed: nothing more, nothing less, and nothing from elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from worlds import LooseWorld

import fixtures.working_copy
from fixtures.twin.checkout import commit, git
from fixtures.working_copy import Clone, WorkingCopy

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.looks import Observation

assert fixtures.working_copy.build_copy  # the looks are declared


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A small app in git."""
    folder = tmp_path / "app"
    (folder / "lib").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "lib/a.mjs"):
        (folder / name).write_text("{}", encoding="utf-8")
    (folder / ".gitignore").write_text("node_modules/\n.env*\n", encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


def copied(tmp_path: Path, source: Path) -> tuple[WorkingCopy, set[str]]:
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    with LooseWorld(folder, source) as world:
        copy = world.look("build_copy").read(WorkingCopy.parse)
    return copy, {str(path.relative_to(copy.folder)) for path in copy.folder.rglob("*") if not path.is_dir()}


def cloned(tmp_path: Path, source: Path) -> Observation:
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    with LooseWorld(folder, source) as world:
        return world.look("clean_clone")


def test_new_files_are_built_and_ignored_ones_are_not(app: Path, tmp_path: Path) -> None:
    (app / "new.mjs").touch()
    (app / ".env.local").write_text("TOKEN=x", encoding="utf-8")
    (app / "node_modules").mkdir()
    (app / "node_modules" / "x.js").touch()
    (app / "lib" / "a.mjs").unlink()

    _, files = copied(tmp_path, app)

    assert files == {".gitignore", "new.mjs", "package.json", "package-lock.json"}


def test_without_git_all_but_the_tools_files_are_copied(tmp_path: Path) -> None:
    app = tmp_path / "app"
    for folder in ("node_modules/x", ".next", "lib/node_modules"):
        (app / folder).mkdir(parents=True)
        (app / folder / "made.js").touch()
    (app / "lib" / "a.mjs").touch()

    copy, files = copied(tmp_path, app)

    assert (files, copy.app) == ({"lib/a.mjs"}, ".")


def test_an_app_in_a_monorepo_is_copied_with_its_lock_file(app: Path, tmp_path: Path) -> None:
    inner = app / "apps" / "web"
    inner.mkdir(parents=True)
    (inner / "package.json").touch()

    copy, files = copied(tmp_path, inner)

    assert copy.app == "apps/web"
    assert {"package-lock.json", "apps/web/package.json", "lib/a.mjs"} <= files


def test_an_app_with_a_lock_file_of_its_own_is_copied_alone(app: Path, tmp_path: Path) -> None:
    inner = app / "apps" / "web"
    inner.mkdir(parents=True)
    (inner / "package-lock.json").touch()

    assert copied(tmp_path, inner)[1] == {"package-lock.json"}


def test_links_that_lead_out_are_left_out_and_told(app: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s", encoding="utf-8")
    (app / "out").symlink_to("../secret")
    (app / "absolute").symlink_to(app / "package.json")
    (app / "inside").symlink_to("lib/a.mjs")

    copy, files = copied(tmp_path, app)

    assert "inside" in files
    assert (copy.folder / "inside").is_symlink()
    assert not {"out", "absolute"} & files
    assert copy.left_out == (
        f"absolute leads out of the checkout, to {app}/package.json",
        "out leads out of the checkout, to ../secret",
    )


def test_a_named_pipe_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    os.mkfifo(tmp_path / "app" / "pipe")

    assert copied(tmp_path, tmp_path / "app")[0].left_out == ("pipe is no regular file but a named pipe",)


def test_a_copy_can_be_written_to_and_run(app: Path, tmp_path: Path) -> None:
    (app / "run.sh").touch(mode=0o555)

    assert (copied(tmp_path, app)[0].folder / "run.sh").stat().st_mode & 0o777 == 0o755


def test_a_clean_checkout_is_all_in_its_clone(app: Path, tmp_path: Path) -> None:
    clone = cloned(tmp_path, app).read(Clone.parse)

    assert (clone.differences, clone.files) == ((), 4)


def test_what_a_clone_lacks_is_named(app: Path, tmp_path: Path) -> None:
    (app / "new.mjs").touch()
    (app / "package.json").write_text("[]", encoding="utf-8")
    (app / "lib" / "a.mjs").unlink()

    assert cloned(tmp_path, app).read(Clone.parse).differences == (
        "new.mjs is not committed",
        "package.json is not as committed",
        "lib/a.mjs is committed, and gone",
    )


def test_many_differences_are_counted(app: Path, tmp_path: Path) -> None:
    for number in range(30):
        (app / f"{number}.txt").touch()
    clone = cloned(tmp_path, app).read(Clone.parse)

    assert (len(clone.differences), clone.difference_count) == (20, 30)


@pytest.mark.parametrize(("initialised", "words"), [(True, "has no commit yet"), (False, "is not in git")])
def test_a_checkout_that_cannot_be_cloned_says_why(tmp_path: Path, words: str, *, initialised: bool) -> None:
    (tmp_path / "app").mkdir()
    if initialised:
        git(tmp_path / "app", "init", "--quiet")

    assert words in (cloned(tmp_path, tmp_path / "app").error or "")
