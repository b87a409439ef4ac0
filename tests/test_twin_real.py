"""The stand-in beside the real flyctl, byte for byte, on the twin.

The real one is what FLYCTL_BIN names, or the first `flyctl` or `fly` on PATH that is not the stand-in. Where there is
none these tests have nothing to compare: they pass and warn, and the summary of the test run shows it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worlds import LooseWorld

import fixtures.cli
import fixtures.fleet
import fixtures.source  # noqa: F401 - the three declare the looks that are compared
from fixtures.twin import Twin, world
from fixtures.twin.cli.tree import Tree
from fixtures.twin.twin import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

NONE = "no real flyctl is here: the stand-in was compared with nothing; set FLYCTL_BIN, or put flyctl on PATH"
APP = ("-a", "paintbox")
FRAMED = 'sh -c \'(uname -s) 2>/dev/null; echo "mark $?"; (nothing) 2>/dev/null; echo "mark $?"\''
READS = [
    ("auth", "whoami", "--json"),
    ("status", "--json", *APP),
    ("machine", "list", "--json", *APP),
    ("machine", "list", "-q", "--json", *APP),
    ("checks", "list", "--json", *APP),
    ("releases", "--json", *APP),
    ("scale", "show", "--json", *APP),
    ("secrets", "list", "--json", *APP),
    ("volumes", "list", "--json", *APP),
    ("volumes", "snapshots", "list", "{volume}", "--json", *APP),
    ("ips", "list", "--json", *APP),
    ("certs", "list", "--json", *APP),
    ("certs", "check", world.CUSTOM_DOMAIN, "--json", *APP),
    ("config", "show", *APP),
    ("machine", "status", "{machine}", "--display-config", *APP),
    ("machine", "exec", "{machine}", "id -u nextjs", "--json", *APP),
    ("machine", "exec", "{machine}", "false", "--json", *APP),
    ("machine", "exec", "{machine}", "true", "--json", *APP),
    ("machine", "exec", "{machine}", FRAMED, "--json", *APP),
    ("machine", "exec", "{machine}", "cat /proc/651/environ", "--json", *APP),
    ("logs", "--no-tail", "--json", *APP),
    ("config", "validate", "--strict", "-c", str(world.FLY_TOML)),
]
LOOKS = (
    *("fly_whoami", "fly_status", "fly_secrets", "fly_machines", "machine_environment", "fly_releases"),
    *("fly_checks", "fly_volumes", "fly_snapshots", "fly_addresses", "fly_domains", "domain_certificates"),
)
REFUSALS = [
    ("logs", "--since=1h"),
    ("releases", "--limit", "10"),
    ("releases", "rollback"),
    ("machine", "stop", "--all"),
    ("machine", "status", "--json"),
    ("redis", "list", "-a", "paintbox"),
    ("status", "extra"),
    ("statu",),
    ("scale", "count"),
    ("status", "-c"),
]


def real() -> str | None:
    """The real flyctl, if there is one."""
    asked = [os.environ.get("FLYCTL_BIN"), *(shutil.which(name) for name in ("flyctl", "fly"))]
    found = [path for path in asked if path and Path(path).resolve().parent != COMMANDS.resolve()]
    return found[0] if found else None


REAL = real()


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(machines=3) as running:
        yield running


def said(program: str, twin: Twin, *words: str) -> tuple[int, str]:
    """Exit status and standard output, with the program's name and colours taken out."""
    names = {"{machine}": twin.state.machines[0].id, "{volume}": twin.state.volumes[0].id}
    line = [program, *(names.get(word, word) for word in words)]
    done = subprocess.run(line, env=twin.environment, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, re.sub(r"\x1b\[\d+m", "", done.stdout)


def first_error(program: str, twin: Twin, *words: str) -> tuple[int, str]:
    """Exit status and the first line of the error; the program tells its own name in it."""
    done = subprocess.run(
        [program, *words], env=twin.environment, capture_output=True, text=True, timeout=60, check=False
    )
    line = (done.stderr.splitlines() or [""])[0]
    return done.returncode, line.replace('"flyctl', '"fly')


def flags(text: str) -> set[str]:
    """The flags that a help text lists."""
    return set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", text, re.MULTILINE))


@pytest.mark.filterwarnings("default")
def test_there_is_a_real_flyctl_to_compare_with(twin: Twin) -> None:
    if REAL is None:
        warnings.warn(NONE, stacklevel=1)
        return
    version = json.loads(said(REAL, twin, "version", "--json")[1])["Version"]
    if version != "0.4.87":
        warnings.warn(f"{REAL} is version {version}; the stand-in plays 0.4.87", stacklevel=1)


def test_reads_print_the_same_bytes(twin: Twin) -> None:
    differing: dict[str, object] = {}
    for words in READS if REAL else ():
        ours, theirs = said(str(COMMANDS / "fly"), twin, *words), said(str(REAL), twin, *words)
        differing |= {" ".join(words): (ours, theirs)} if ours != theirs else {}

    assert not differing


def test_the_runbook_reads_the_same_facts_from_both(twin: Twin, tmp_path: Path) -> None:
    def facts(program: Path | str, name: str) -> dict[str, tuple[object, str | None]]:
        folder = tmp_path / name
        folder.mkdir()
        with LooseWorld(
            folder, world.FLY_TOML.parent, environment=twin.environment | {"FLYCTL_BIN": str(program)}
        ) as here:
            seen = {look: here.look(look) for look in LOOKS}
        return {look: (one.value, one.error) for look, one in seen.items()}

    ours = facts(COMMANDS / "flyctl", "ours")
    theirs = facts(REAL, "theirs") if REAL else ours

    assert {look: error for look, (_, error) in ours.items() if error} == {}
    assert {look: (ours[look], theirs[look]) for look in LOOKS if ours[look] != theirs[look]} == {}


def test_refusals_have_the_same_words(twin: Twin) -> None:
    differing: dict[str, object] = {}
    for words in REFUSALS if REAL else ():
        ours, theirs = first_error(str(COMMANDS / "fly"), twin, *words), first_error(str(REAL), twin, *words)
        differing |= {" ".join(words): (ours, theirs)} if ours != theirs else {}

    assert not differing


def test_a_token_that_may_only_look_is_refused_in_the_same_words(twin: Twin) -> None:
    twin.state.readers = {"reader"}
    words = ("machine", "exec", twin.state.machines[0].id, "true", "--json", "-t", "reader", *APP)
    programs = [str(COMMANDS / "fly"), *([REAL] if REAL else [])]
    told = [re.sub(r"Request ID: \S+\)", "", str(first_error(program, twin, *words))) for program in programs]

    assert "unauthorized" in told[0]
    assert set(told) == {told[0]}


def test_the_logs_of_an_app_that_logs_nothing_never_end() -> None:
    with Twin(machines=1, faults=["logs-empty"]) as silent:
        for program in [str(COMMANDS / "fly"), *([REAL] if REAL else [])]:
            with pytest.raises(subprocess.TimeoutExpired) as late:
                subprocess.run(
                    [program, "logs", "--no-tail", "--json", *APP],
                    env=silent.environment,
                    capture_output=True,
                    timeout=1.5,
                    check=False,
                )
            assert not late.value.stdout


def test_commands_have_the_same_flags(twin: Twin) -> None:
    tree = Tree("fly")
    differing: dict[str, object] = {}
    known = [command for command in tree.commands.values() if command.path and not command.partial]
    for command in known if REAL else ():
        ours = flags(said(str(COMMANDS / "fly"), twin, *command.path.split(), "--help")[1])
        theirs = flags(said(str(REAL), twin, *command.path.split(), "--help")[1])
        differing |= {command.path: sorted(ours ^ theirs)} if ours != theirs else {}

    assert not differing
