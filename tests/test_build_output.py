"""Output folders as `next build` leaves them, made up: whole, and with one thing wrong in each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from worlds import LooseWorld

import fixtures.build_output
from fixtures.build_output import BuildOutput

if TYPE_CHECKING:
    from fixtures.looks import Observation

assert fixtures.build_output.build_output  # the look is declared

STEP: dict[str, Any] = {"command": "npm run build:deploy", "exit_status": 0, "seconds": 20.0, "trouble": "", "log": []}
BUILD: dict[str, Any] = {
    **STEP,
    "next": "15.5.29",
    "bundler": "webpack",
    "unknown_keys": [],
    "warnings": [],
    "heap_limits": [],
    "left_out": [],
}


class Output:
    """What a build has left of an app at `inside` in its repository."""

    def __init__(self, folder: Path, inside: str = "") -> None:
        self.folder = folder
        self.app = folder / "repository" / inside
        self.server = self.app / ".next" / "standalone" / inside
        config = {"output": "standalone", "distDir": ".next", "env": {"SOME_TOKEN": "secret"}}
        self.write(".next/required-server-files.json", json.dumps({"config": config, "relativeAppDir": inside}))
        for base in (self.app, self.server):
            self.write(base / ".next/static/chunks/main-1.js", "self.a=1")
            self.write(base / "public/icon.svg", "<svg/>")
        self.write(self.server / "server.js", "")
        root = self.app / ".next" / "standalone"
        self.write(root / "node_modules/next/package.json", "{}")
        self.write(root / "node_modules/next/dist/x.js.map", "{}")  # a package's own, of which nobody is served one
        deep = "../" * (2 + len(Path(inside).parts))
        trace = {"files": [f"{deep}node_modules/next/package.json", "page.js"]}
        self.write(self.server / ".next/server/page.js", "")
        self.write(self.server / ".next/server/page.js.nft.json", json.dumps(trace))

    def write(self, path: Path | str, text: str) -> None:
        """Write a file of the app."""
        target = self.app / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def seen(self, **build: object) -> Observation:
        """Look at it, after a build that ended like this."""
        with LooseWorld(self.folder) as world:
            world.give("dependencies", {"build": str(self.app), "tests": str(self.app)})
            world.give("build", BUILD | build)
            return world.look("build_output")

    def read(self) -> BuildOutput:
        """What is seen of it."""
        return self.seen().read(BuildOutput.parse)


@pytest.fixture
def output(tmp_path: Path) -> Output:
    """The output of an app that is its own repository."""
    return Output(tmp_path)


def test_a_complete_output_has_no_offender(output: Output) -> None:
    found = output.read()

    assert (found.server, found.root, found.inside) == (output.server, output.server, ".")
    assert [*found.untraced, *found.links_out, *found.static_missing, *found.public_missing, *found.maps] == []
    assert (found.static, found.public) == (1, 1)


def test_the_server_of_a_monorepo_is_found_where_it_lies(tmp_path: Path) -> None:
    output = Output(tmp_path, "apps/web")
    found = output.read()

    assert (found.server, found.inside) == (output.server, "apps/web")
    assert found.root == output.app / ".next" / "standalone"
    assert [*found.untraced, *found.static_missing, *found.public_missing] == []


def test_of_the_configuration_only_known_settings_are_kept(output: Output) -> None:
    assert "secret" not in json.dumps(output.seen().value)


def test_assets_that_were_not_copied_are_named(output: Output) -> None:
    (output.server / ".next/static/chunks/main-1.js").unlink()
    (output.server / "public/icon.svg").unlink()
    found = output.read()

    assert (found.static_missing, found.public_missing) == (("chunks/main-1.js",), ("icon.svg",))


def test_a_module_that_was_traced_and_is_not_there_is_named(output: Output) -> None:
    (output.server / "node_modules/next/package.json").unlink()

    assert output.read().untraced == ("node_modules/next", "node_modules/next/package.json")


def test_links_that_lead_out_are_named(output: Output) -> None:
    (output.server / "node_modules" / "react").symlink_to(output.folder)
    (output.server / "node_modules" / "within").symlink_to("next")

    assert output.read().links_out == ("node_modules/react",)


def test_source_maps_are_named_wherever_they_are_deployed(output: Output) -> None:
    output.write(".next/static/chunks/main-1.js.map", "{}")
    output.write(output.server / ".next/server/middleware.js.map", "{}")
    output.write(".next/static/chunks/main-1.js", "a\n//# sourceMappingURL=main-1.js.map")
    found = output.read()

    assert found.maps == (".next/server/middleware.js.map", "static/chunks/main-1.js.map")
    assert found.mapped == ("chunks/main-1.js",)


def test_many_offenders_are_cut_and_counted(output: Output) -> None:
    for number in range(30):
        output.write(f"public/{number:02}.svg", "")
    missing = output.read().public_missing

    assert (len(missing), missing[-1]) == (21, "and 10 more")


def test_an_output_without_a_server_says_so(output: Output) -> None:
    (output.server / "server.js").unlink()
    found = output.read()

    assert (found.server, found.root, found.static_missing) == (None, None, ("chunks/main-1.js",))


def test_a_build_that_failed_leaves_nothing_to_look_at(output: Output) -> None:
    seen = output.seen(exit_status=1, trouble="Failed to compile.", left_out=["a leads out of the checkout, to /a"])

    assert seen.error == (
        "there is no build to look at: `npm run build:deploy` exited 1 after 20 s: Failed to compile.; "
        "the copy lacks a leads out of the checkout, to /a"
    )


def test_a_build_that_leaves_something_else_says_so(output: Output) -> None:
    (output.app / ".next" / "required-server-files.json").unlink()

    assert "this runbook reads what `next build` leaves" in (output.seen().error or "")
