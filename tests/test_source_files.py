"""Files of the checkout: read within bounds, whatever lies there."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from worlds import LooseWorld

import fixtures.source  # noqa: F401 - declares the looks
from fixtures.checkout import Checkout, SourceTree
from fixtures.fly_toml import FlyToml
from fixtures.looks import Unreadable, Unseen
from fixtures.package import Lock, Package

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "apps" / "web"
    folder.mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    (folder / "fly.toml").write_text('app = "paintbox"\n', encoding="utf-8")
    return folder


def seen(app: Path, look: str) -> Any:  # noqa: ANN401 - what the look records
    with LooseWorld(app.parent, app) as world:
        observation = world.look(look)
    assert observation.error is None, observation.error
    return observation.value


def reason(app: Path, look: str) -> str:
    with LooseWorld(app.parent, app) as world:
        return world.look(look).error or "it was seen"


def test_a_file_is_kept_as_text(app: Path) -> None:
    assert seen(app, "fly_toml_file") == {"file": "fly.toml", "text": 'app = "paintbox"\n'}


def test_no_checkout_is_told(tmp_path: Path) -> None:
    with LooseWorld(tmp_path) as world:
        assert world.look("fly_toml_file").error == "no checkout was given: say with --source=DIR which one to judge"


def test_a_missing_file_is_told(app: Path) -> None:
    assert reason(app, "package_json_file") == f"there is no package.json in {app}: is that the app's folder?"


def test_a_pipe_is_refused_and_never_waited_for(app: Path) -> None:
    (app / "fly.toml").unlink()
    os.mkfifo(app / "fly.toml")
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(reason(app, "fly_toml_file")), daemon=True)
    thread.start()
    thread.join(timeout=5)

    assert found == [f"fly.toml in {app} is no regular file but named pipe: put a file there"]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/dev/zero", "leads out of the checkout"),
        ("/etc/hostname", "leads out of the checkout"),
        ("../../../secret", "leads out of the checkout"),
        ("fly.toml", "is no regular file but unreadable"),
        ("nowhere", "is no regular file but link to nothing"),
        (".", "is no regular file but folder"),
    ],
)
def test_links_that_lead_astray_are_refused(app: Path, target: str, told: str) -> None:
    (app.parent.parent.parent / "secret").write_text("hunter2", encoding="utf-8")
    (app / "fly.toml").unlink()
    (app / "fly.toml").symlink_to(target)

    assert told in reason(app, "fly_toml_file")


def test_a_link_within_the_repository_is_followed(app: Path) -> None:
    shared = app.parent.parent / "fly.shared.toml"
    (app / "fly.toml").rename(shared)
    (app / "fly.toml").symlink_to(shared)

    assert seen(app, "fly_toml_file")["text"] == 'app = "paintbox"\n'


def test_a_large_file_and_one_of_bytes_are_refused(app: Path) -> None:
    (app / "package.json").write_bytes(b"#" * 1_000_001)
    large = reason(app, "package_json_file")
    (app / "package.json").write_bytes(b'{\n"\xff"}\n')

    assert large.endswith("has more than 1 MB: that is no file for people")
    assert reason(app, "package_json_file") == "package.json:2 is not UTF-8 text: save the file as UTF-8"


def test_a_fly_toml_that_is_no_text_is_seen_as_the_problem_it_is(app: Path) -> None:
    (app / "fly.toml").write_bytes(b"a = 1\nb = '\xff'\n")
    value = seen(app, "fly_toml_file")

    assert FlyToml.misunderstood(value) == ("fly.toml:2 is not UTF-8 text: save the file as UTF-8",)
    with pytest.raises(Unreadable, match="is not UTF-8"):
        FlyToml.parse(value)


def test_a_name_cannot_leave_the_checkout(app: Path) -> None:
    (app.parent.parent.parent / "secret").write_text("hunter2", encoding="utf-8")

    with pytest.raises(Unseen, match="leads out of the checkout"):
        Checkout.of(app).read("../../../secret")


@pytest.mark.parametrize(
    ("toml", "file"),
    [
        ("app = 'x'", "Dockerfile"),
        ('[build]\ndockerfile = "Dockerfile.production"', "Dockerfile.production"),
        ('[build]\ndockerfile = "./deploy/../deploy/Dockerfile"', "deploy/Dockerfile"),
        ('[build]\ndockerfile = "../../Dockerfile"', "../../Dockerfile"),
    ],
)
def test_the_dockerfile_is_the_one_that_is_built(app: Path, toml: str, file: str) -> None:
    (app / "fly.toml").write_text(toml, encoding="utf-8")
    (app / file).parent.mkdir(exist_ok=True)
    (app / file).write_text("FROM scratch\n", encoding="utf-8")

    assert seen(app, "dockerfile_file") == {"file": file, "text": "FROM scratch\n", "args": {}, "target": None}


def test_without_a_dockerfile_to_build_that_is_told(app: Path) -> None:
    (app / "fly.toml").write_text('[build]\nimage = "x:1"', encoding="utf-8")
    image = reason(app, "dockerfile_file")
    (app / "fly.toml").write_text("[build", encoding="utf-8")

    assert image == "fly.toml:1 deploys the image x:1: no Dockerfile is built, name one in [build] dockerfile"
    assert reason(app, "dockerfile_file").startswith("fly.toml:1 is not valid TOML")


def test_the_tree_tells_what_is_there(app: Path) -> None:
    (app / "fly.staging.toml").write_text("", encoding="utf-8")
    (app / "package.json").write_text("{}", encoding="utf-8")
    (app / "next.config.js").mkdir()
    tree = SourceTree.parse(seen(app, "source_tree"))

    assert tree.lost == {
        "package-lock.json": "missing",
        "Dockerfile.production": "missing",
        "next.config.js": "folder",
    }
    assert (tree.deployed, tree.rivals) == ("fly.toml", ("fly.staging.toml",))


LOCK = """{"lockfileVersion": 3, "packages": {
  "": {"dependencies": {"next": "15.5.29"}},
  "apps/web": {"dependencies": {"next": "15.4.5", "react": "^19.0.0"}},
  "node_modules/next": {"version": "15.5.29"},
  "node_modules/react": {"version": "19.3.1"},
  "apps/web/node_modules/next": {"version": "15.4.5"}}}"""


def test_a_lock_file_in_a_parent_folder_is_found_and_read_for_the_app(app: Path) -> None:
    (app.parent.parent / "package-lock.json").write_text(LOCK, encoding="utf-8")
    lock = Lock.parse(seen(app, "lock_file"))

    assert (lock.file, lock.in_parent, lock.count) == ("../../package-lock.json", True, 4)
    assert lock.versions == {"next": "15.4.5", "react": "19.3.1"}


def test_the_nearest_lock_file_counts_and_its_rivals_are_told(app: Path) -> None:
    (app.parent.parent / "package-lock.json").write_text(LOCK, encoding="utf-8")
    (app / "yarn.lock").write_text("# yarn lockfile v1\n", encoding="utf-8")
    value = seen(app, "lock_file")

    assert (value["file"], value["others"]) == ("yarn.lock", ["../../package-lock.json"])
    with pytest.raises(Unreadable, match=r"there is only yarn\.lock: make package-lock\.json"):
        Lock.parse(value)


def test_no_lock_file_and_a_broken_one(app: Path) -> None:
    with pytest.raises(Unreadable, match="there is no lock file"):
        Lock.parse(seen(app, "lock_file"))

    (app / "package-lock.json").write_text("{", encoding="utf-8")
    assert reason(app, "lock_file").startswith("package-lock.json is not")


def test_a_lock_file_is_never_kept_whole(app: Path) -> None:
    packages = ",".join(f'"node_modules/p{number}": {{"version": "1.0.{number}"}}' for number in range(3000))
    (app / "package-lock.json").write_text(
        f'{{"lockfileVersion": 3, "packages": {{"": {{"dependencies": {{"p7": "1.0.7"}}}}, {packages}}}}}',
        encoding="utf-8",
    )
    value = seen(app, "lock_file")

    assert (value["versions"], value["count"]) == ({"p7": "1.0.7"}, 3000)
    assert len(str(value)) < 300


def manifest(text: str) -> Package:
    return Package.parse({"file": "package.json", "text": text})


def test_manifest_and_lock_file_are_compared() -> None:
    package = manifest('{\n "dependencies": {\n  "next": "15.4.5",\n  "react": "^19.0.0",\n  "new": "1.0.0"}}')
    lock = Lock("package-lock.json", 3, {"next": "15.4.5", "react": "^19.0.0", "old": "1"}, {"next": "15.4.6"}, 3, ())

    assert lock.disagreements(package) == (
        "package.json:5 asks for new 1.0.0, package-lock.json was written for none",
        "package.json:3 pins next 15.4.5, package-lock.json holds 15.4.6",
        "package-lock.json was written for old, which package.json no longer asks for",
    )


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        ("15.4.5", "15.4.5"),
        ("=v15.4.5", "15.4.5"),
        ("15.4.5-canary.1", "15.4.5-canary.1"),
        ("^15.4.5", None),
        ("15.4", None),
        ("15.x", None),
        ("latest", None),
        (">=15.4.5 <16", None),
        ("file:../next", None),
        ("", None),
    ],
)
def test_only_a_single_version_is_exact(asked: str, version: str | None) -> None:
    found = manifest(f'{{"devDependencies": {{"next": "{asked}"}}}}').asked("next")

    assert (found.version, found.group, found.where) == (version, "devDependencies", "package.json:1")


def test_entries_of_the_wrong_type_are_left_out() -> None:
    found = manifest(
        '{"name": 5, "scripts": [1], "dependencies": {"next": {"a": 1}}, "engines": "20", "version": null}'
    )

    assert (found.name, found.scripts, found.dependencies, found.node, found.version) == (None, {}, {}, None, None)
