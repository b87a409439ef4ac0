"""The candidate is started as declared, and what keeps it from serving is told. A few lines of Python play node."""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest
from worlds import LooseWorld

import fixtures.candidate
import fixtures.source
from fixtures.candidate import Boot
from fixtures.target import Target, load_target

if TYPE_CHECKING:
    from pathlib import Path

assert fixtures.candidate.candidate
assert fixtures.source.fly_toml_file  # the looks are declared

# Serves its own command line and environment under every path.
NODE = """
import http.server, json, os, sys
def say(text):
    print(text, flush=True)
mode = os.environ.get("MODE", "")
if "--optimize-for-size" in os.environ.get("NODE_OPTIONS", ""):
    say("node: --optimize-for-size is not allowed in NODE_OPTIONS")
    sys.exit(9)
if mode == "dies":
    say("Error: Cannot find module 'next'")
    sys.exit(1)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
        self.send_response(503 if mode == "ill" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
say("starting")
port = int(os.environ["PORT"]) if mode != "deaf" else 0
http.server.HTTPServer((os.environ["HOSTNAME"], port), Handler).serve_forever()
"""
FLY_TOML = 'app = "paintbox"\n[env]\nPORT = "8080"\nLEVEL = "info"\nMODE = "{mode}"\n{more}'
DOCKERFILE = """FROM node:20-alpine AS build
FROM node:20-alpine
WORKDIR /app
ENV NODE_ENV=production HOSTNAME=0.0.0.0 LEVEL=debug PATH=/app/bin:$PATH
{start}
"""


START = 'CMD ["node", "server.js"]'


class Stage:
    """A built app, and the files that say how it is started."""

    def __init__(self, folder: Path, inside: str = "") -> None:
        self.folder = folder
        self.app = folder / "copy" / inside
        self.root = self.app / ".next" / "standalone"
        self.server = self.root / inside
        self.server.mkdir(parents=True)
        (self.server / "server.js").touch()
        programs = folder / "bin"
        programs.mkdir()
        (programs / "node.py").write_text(NODE, encoding="utf-8")
        (programs / "node").write_text(
            f'#!/bin/sh\nexec {sys.executable} -I {programs}/node.py "$@"\n', encoding="utf-8"
        )
        (programs / "node").chmod(0o755)
        self.inside = inside or "."

    def world(
        self,
        *,
        start: str = START,
        mode: str = "",
        more: str = "",
        target: Target | None = None,
        environment: dict[str, str] | None = None,
    ) -> LooseWorld:
        """A world in which all this has been seen."""
        given = {"PATH": f"{self.folder / 'bin'}:/usr/bin:/bin", "FLY_API_TOKEN": "canary", **(environment or {})}
        world = LooseWorld(self.folder, target=target, environment=given)
        world.give("dependencies", {"build": str(self.app), "tests": str(self.app)})
        world.give(
            "build_output",
            {"settings": {}, "server": str(self.server), "inside": self.inside, "static": 1, "public": 0, "chunks": []}
            | {name: [] for name in ("untraced", "links_out", "static_missing", "public_missing", "maps", "mapped")},
        )
        world.give("fly_toml_file", {"file": "fly.toml", "text": FLY_TOML.format(mode=mode, more=more)})
        world.give("dockerfile_file", {"file": "Dockerfile.production", "text": DOCKERFILE.format(start=start)})
        scripts = {"start": "NODE_ENV=test node --trace-warnings server.js"}
        world.give("package_json_file", {"file": "package.json", "text": json.dumps({"scripts": scripts})})
        return world


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A built app that is its own repository."""
    return Stage(tmp_path)


def impatient() -> Target:
    return load_target("production").with_values({"build.boot_deadline_seconds": 1.5}, "this test")


def answered(world: LooseWorld) -> tuple[list[str], dict[str, str], str]:
    boot = world.look("candidate").read(Boot.parse)
    assert boot.base is not None, boot
    with urllib.request.urlopen(f"{boot.base}/api/simple-health") as response:  # noqa: S310 - our own, by http
        argv, env, folder = json.load(response)
    return argv, env, folder


def trouble(world: LooseWorld) -> str:
    with world:
        boot = world.look("candidate").read(Boot.parse)
    assert boot.base is None
    return boot.trouble


def test_it_gets_the_declared_environment_and_nothing_else(stage: Stage) -> None:
    with stage.world() as world:
        _, env, folder = answered(world)
        asked = world.look("candidate").asked

    assert folder == str(stage.server)
    declared = {name: env[name] for name in ("NODE_ENV", "LEVEL", "HOSTNAME")}
    assert declared == {"NODE_ENV": "production", "LEVEL": "info", "HOSTNAME": "127.0.0.1"}
    assert env["PATH"].startswith(str(stage.folder / "bin"))
    assert "FLY_API_TOKEN" not in env
    assert asked.startswith(f"cd {stage.server} && env -i PATH=")
    assert asked.endswith("# PORT is a free one, HOSTNAME is this computer")


@pytest.mark.parametrize(
    ("start", "more", "expected"),
    [
        ('CMD ["node", "--optimize-for-size", "server.js"]', "", ["--optimize-for-size", "server.js"]),
        ("CMD exec node server.js", "", ["server.js"]),
        ('CMD ["node", "/app/server.js"]', "", ["server.js"]),
        ('ENTRYPOINT ["/sbin/tini", "--"]\nCMD ["node", "server.js"]', "", ["server.js"]),
        ('CMD ["npm", "start"]', "", ["--trace-warnings", "server.js"]),
        ('CMD ["server.js"]', "", ["server.js"]),
        ('CMD ["other.js"]', '[processes]\napp = "node server.js"\n', ["server.js"]),
        ('CMD ["node", ".next/standalone/server.js"]', "", [".next/standalone/server.js"]),
    ],
)
def test_it_is_started_as_declared(stage: Stage, start: str, more: str, expected: list[str]) -> None:
    with stage.world(start=start, more=more) as world:
        assert answered(world)[0] == expected


def test_variables_in_front_of_the_command_count(stage: Stage) -> None:
    with stage.world(start='CMD ["npm", "start"]') as world:
        assert answered(world)[1]["NODE_ENV"] == "test"


@pytest.mark.parametrize(
    ("start", "folder"), [('CMD ["node", "apps/web/server.js"]', "root"), ('CMD ["node", "server.js"]', "server")]
)
def test_an_app_in_a_monorepo_is_started_where_its_script_is(tmp_path: Path, start: str, folder: str) -> None:
    stage = Stage(tmp_path, "apps/web")
    with stage.world(start=start) as world:
        assert answered(world)[2] == str(getattr(stage, folder))


def test_only_the_twins_candidate_may_read_secrets(stage: Stage) -> None:
    for name, expected in (("production", set()), ("twin", {"AWS_ACCESS_KEY_ID"})):
        with stage.world(target=load_target(name), environment={"AWS_ACCESS_KEY_ID": "x"}) as world:
            assert {name for name in answered(world)[1] if name.startswith("AWS_")} == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"more": 'NODE_OPTIONS = "--optimize-for-size"\n'},
            (
                "node exits 9 before it starts: node: --optimize-for-size is not allowed in NODE_OPTIONS, "
                "and NODE_OPTIONS is --optimize-for-size"
            ),
        ),
        ({"mode": "dies"}, "it exits 1 before it is healthy; its last words: Error: Cannot find module 'next'"),
        ({"start": ""}, "neither fly.toml nor the Dockerfile says how the server is started"),
        (
            {"start": 'CMD ["bun", "run.ts"]'},
            "Dockerfile.production:5 starts bun run.ts, in which no node is to be seen",
        ),
        (
            {"start": 'CMD ["node", "main.js"]'},
            "Dockerfile.production:5 starts main.js, and the build left no such file",
        ),
    ],
)
def test_what_keeps_it_from_serving_is_told(stage: Stage, given: dict[str, str], expected: str) -> None:
    assert (
        trouble(stage.world(start=given.get("start", START), mode=given.get("mode", ""), more=given.get("more", "")))
        == expected
    )


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("ill", "it is not healthy within 1.5 s: /api/simple-health answers 503; its last words: starting"),
        ("deaf", "it is not healthy within 1.5 s: nothing listens; its last words: starting"),
    ],
)
def test_one_that_never_gets_healthy_is_given_up(stage: Stage, mode: str, expected: str) -> None:
    assert trouble(stage.world(mode=mode, target=impatient())) == expected


def test_without_a_server_there_is_nothing_to_boot(stage: Stage) -> None:
    with stage.world() as world:
        world.give("build_output", {**world.look("build_output").value, "server": None})  # type: ignore[dict-item]

        assert "the build left no server.js" in (world.look("candidate").error or "")


def test_a_broken_fly_toml_blinds_it_in_its_own_words(stage: Stage) -> None:
    with stage.world() as world:
        world.give("fly_toml_file", {"file": "fly.toml", "text": "app = "})

        assert (world.look("candidate").error or "").startswith("fly.toml:1")
