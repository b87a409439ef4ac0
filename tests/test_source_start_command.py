"""What starts the app, with which flags and variables; and node's own word on them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixtures.dockerfile import Dockerfile
from fixtures.fly_toml import FlyToml
from fixtures.looks import Unseen
from fixtures.node import Node, NodeWord
from fixtures.package import Package
from fixtures.runtime import Runtime
from fixtures.shell import commands, option_flags, options_words, start_command

SCRIPTS = {
    "start": ("NODE_OPTIONS='--max-old-space-size=1536' node --optimize-for-size server.js", "package.json:9"),
    "prod": ("npm run start", "package.json:10"),
    "loop": ("npm run loop", "package.json:11"),
}


@pytest.mark.parametrize(
    ("argv", "flags", "where"),
    [
        (["node", "--optimize_for_size", "server.js", "--not-node-s"], ["--optimize-for-size"], "D:1"),
        (["npm", "start"], ["--optimize-for-size"], "package.json:9"),
        (["npm", "run", "prod"], ["--optimize-for-size"], "package.json:9"),
        (["yarn", "start"], ["--optimize-for-size"], "package.json:9"),
        (["sh", "-c", "migrate && exec node --max-old-space-size=9 s.js"], ["--max-old-space-size=9"], "D:1"),
        (["node", "-r", "./x.js", "--title=x", "s.js"], ["-r ./x.js", "--title x"], "D:1"),
        (["dumb-init", "--", "/usr/local/bin/node", "--import", "a.mjs", "s.js"], ["--import a.mjs"], "D:1"),
        (["npm", "run", "loop"], [], "package.json:11"),
        (["./run.sh"], [], "D:1"),
        (["sh", "-c", "node 'unended"], [], "D:1"),
        (["sh", "-c"], [], "D:1"),
    ],
)
def test_node_is_found_behind_what_people_wrap_it_in(argv: list[str], flags: list[str], where: str) -> None:
    found = start_command(argv, "D:1", SCRIPTS)

    assert ([one.text for one in found.flags], found.where) == (flags, where)


def test_variables_in_front_of_node_are_known() -> None:
    assert start_command(["npm", "start"], "D:1", SCRIPTS).env == {"NODE_OPTIONS": "--max-old-space-size=1536"}


def test_scripts_are_taken_apart_without_running_them() -> None:
    assert commands("set -e; (a 'b c' && d) | e > f\n# no\ng \\\n h") == [
        *(["set", "-e"], ["a", "b c"], ["d"], ["e"], ["f"], ["g", "h"]),
    ]


def test_node_options_are_split_as_node_does() -> None:
    assert options_words(r'--a  --b="c d" "--e=\"f"') == ["--a", "--b=c d", '--e="f']
    assert [one.text for one in option_flags("--max-old-space-size 1536 -r ./x --y", "f:1")] == [
        *("--max-old-space-size", "-r ./x", "--y")
    ]


def runtime(fly: str, docker: str, package: str = "{}") -> Runtime:
    return Runtime.of(
        FlyToml.parse({"file": "fly.toml", "text": fly}),
        Dockerfile.parse({"file": "Dockerfile", "text": docker}),
        Package.parse({"file": "package.json", "text": package}).scripts,
    )


def test_fly_toml_wins_over_the_image_and_the_difference_is_told() -> None:
    found = runtime('[env]\nPORT = "8080"\nA = "1"', 'FROM node:20\nENV PORT=3000 A=1 B=2\nCMD ["node", "s.js"]')

    assert {name: one.value for name, one in found.env.items()} == {"PORT": "8080", "A": "1", "B": "2"}
    assert found.disagreements == ("PORT is '3000' in Dockerfile:2 and '8080' in fly.toml:2, which wins",)


def test_the_command_line_s_heap_counts_before_that_of_node_options() -> None:
    fly = '[env]\nNODE_OPTIONS = "--max-old-space-size=1536"'

    assert runtime(fly, 'FROM node:20\nCMD ["node", "s.js"]').heap_mb == 1536
    assert runtime(fly, 'FROM node:20\nCMD ["node", "--max_old_space_size=4096", "s.js"]').heap_mb == 4096
    assert runtime("app = 'x'", 'FROM node:20\nCMD ["node", "--max-old-space-size=lots", "s.js"]').heap_mb is None


@pytest.mark.parametrize(
    ("fly", "docker", "words"),
    [
        ("[processes]\napp = 'node a.js'", 'CMD ["node", "b.js"]', ("node", "a.js")),
        ("[experimental]\ncmd = ['node', 'a.js']", 'ENTRYPOINT ["tini"]\nCMD ["x"]', ("tini", "node", "a.js")),
        ("[experimental]\nentrypoint = ['sh']", 'ENTRYPOINT ["tini"]\nCMD ["x"]', ("sh", "x")),
        ("[experimental]\nexec = ['a', 'b']", 'CMD ["x"]', ("a", "b")),
        ("app = 'x'", 'CMD ["--optimize-for-size", "server.js"]', ("node", "--optimize-for-size", "server.js")),
        ("app = 'x'", "CMD npm start", ("node", "s.js")),
        ("app = 'x'", "", None),
    ],
)
def test_the_start_command_is_the_one_that_counts(fly: str, docker: str, words: tuple[str, ...] | None) -> None:
    found = runtime(fly, f"FROM node:20-alpine\n{docker}", '{"scripts": {"start": "node s.js"}}').start

    assert (found and found.words) == words


NODE = Node(Path("/"), os.environ)


def test_node_names_every_flag_that_it_refuses() -> None:
    value = "--max-old-space-size=1536 --optimize-for-size --gc-interval=100 --require ./only-in-the-image.js"
    trial = NODE.trial("NODE_OPTIONS", option_flags(value, "fly.toml:3"))

    assert set(trial["refused"] or ()) == {"--optimize-for-size", "--gc-interval=100"}  # type: ignore[arg-type]
    assert trial["left_out"] == ["--require ./only-in-the-image.js"]


def test_node_takes_on_the_command_line_what_it_refuses_in_node_options() -> None:
    good = start_command(["node", "--optimize-for-size", "s.js"], "D:1", {}).flags
    bad = start_command(["node", "--no-such-flag", "--optimize-for-size", "s.js"], "D:1", {}).flags

    assert NODE.trial("start command", good)["refused"] == {}
    assert NODE.trial("start command", bad)["refused"] == {"--no-such-flag": "node: bad option: --no-such-flag"}


def test_another_release_than_the_image_s_is_told() -> None:
    word = NodeWord.parse({"version": "v20.20.2", "image_major": 22, "trials": []})

    assert (word.major, word.same_release) == (20, False)
    assert NODE.version().startswith("v")


def test_without_node_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unseen, match="node is not on PATH: install Node"):
        Node(tmp_path, {"PATH": str(tmp_path)}).version()
