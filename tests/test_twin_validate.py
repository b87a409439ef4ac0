"""`fly config validate` of the stand-in: what the real one accepts, refuses, only warns about, and does not see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.twin import world
from fixtures.twin.cli import duration
from fixtures.twin.cli.deploy_config import guest
from fixtures.twin.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

ANSI = re.compile(r"\x1b\[\d+m")
HTTP = "[http_service]\ninternal_port = 8080\n"


@pytest.fixture
def validate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Validate a fly.toml: exit status, standard output, standard error."""
    monkeypatch.setenv("FLY_ACCESS_TOKEN", "any")
    monkeypatch.delenv("FLY_APP", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(text: str, *flags: str) -> tuple[int, str, str]:
        (tmp_path / "fly.toml").write_text(f'app = "paintbox"\n{text}')
        status = main("fly", ["config", "validate", *flags])
        told = capsys.readouterr()
        return status, ANSI.sub("", told.out), told.err

    return run


def test_a_good_file_is_valid_and_its_path_is_told(
    validate: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    assert validate(HTTP) == (0, f"Validating {tmp_path}/fly.toml\n✓ Configuration is valid\n\n", "")
    assert validate(HTTP, "-c", "fly.toml")[1].startswith("Validating fly.toml\n")


def test_the_reference_apps_own_file_is_valid_strictly(validate: Run) -> None:
    text = world.FLY_TOML.read_text(encoding="utf-8").replace('app = "paintbox"\n', "")
    assert validate(text, "--strict")[0] == 0


INVALID = {
    '[deploy]\nstrategy = "blue"': "unsupported deployment strategy 'blue'",
    '[deploy]\nstrategy = "canary"\n[mounts]\nsource = "d"\ndestination = "/d"': "canary deployment strategy is not",
    '[deploy]\nrelease_command = "echo \'"': "Can't shell split release command",
    "[checks.up]\nport = 8080": "Can't process top level check 'up': Missing or invalid check type",
    '[checks.up]\ntype = "tcp"\ninterval = "1s"': "Check 'up' interval is too short: 1s, minimum is 2 seconds",
    '[checks.up]\ntype = "tcp"\ntimeout = "2m"': "Check 'up' timeout is too long: 2m0s, maximum is 60 seconds",
    f'{HTTP}processes = ["web"]': "Service specifies 'web' as one of its processes",
    f'{HTTP}[processes]\nweb = "node ."': "Service has no processes set but app has 1 processes defined",
    '[mounts]\nsource = "d"\ndestination = "/d"\nsnapshot_retention = 90': "not between 1 and 60 days inclusive",
    '[mounts]\nsource = "d"\ndestination = "/d"\ninitial_size = "500mb"': "which is smaller than 1GB",
    '[[restart]]\npolicy = "sometimes"': "unknown restart policy",
}


@pytest.mark.parametrize("text", INVALID)
def test_what_is_invalid_is_told_and_fails(validate: Run, text: str) -> None:
    status, out, error = validate(text)
    assert (status, error) == (1, "Error: App configuration is not valid\n")
    assert INVALID[text] in out
    assert "✘invalid app configuration" in out


MISMATCHED = {
    '[http_service]\ninternal_port = "8080"': "string into Go struct field HTTPService.http_service.internal_port",
    "[http_service]\ninternal_port = 8080\n[http_service.checks]\npath = '/'": "cannot unmarshal object into Go struct",
    '[restart]\npolicy = "always"': "cannot unmarshal object into Go struct field Config.restart",
    f'{HTTP}auto_stop_machines = "sometimes"': 'invalid autostop value "sometimes"',
    f'{HTTP}[[http_service.checks]]\ninterval = "soon"': 'time: invalid duration "soon"',
}


@pytest.mark.parametrize("text", MISMATCHED)
def test_a_wrong_type_is_told_before_anything_else(validate: Run, text: str) -> None:
    status, out, error = validate(text)
    assert (status, out) == (1, "")
    assert MISMATCHED[text] in error


WARNED = {
    f"{HTTP}[[http_service.checks]]\ninterval = 15": "WARN Service HTTP check has an interval less than 1 second (15ns",
    f'{HTTP}[[http_service.checks]]\ntimeout = "2m"': "WARN Service HTTP check has a timeout greater than 1 minute (2m",
    "[[services]]\ninternal_port = 1\n[[services.ports]]\nport = 2\n[[services.tcp_checks]]\ninterval = 500": "(500ms",
    '[build]\nimage = "a"\ndockerfile = "b"': 'the "a" docker image, the "b" dockerfile',
}


@pytest.mark.parametrize("text", WARNED)
def test_what_is_only_warned_about_is_valid(validate: Run, text: str) -> None:
    status, out, _ = validate(text)
    assert status == 0
    assert WARNED[text] in out


UNRECOGNISED = {
    "[autoscaling]\nmin = 2": "autoscaling",
    f"{HTTP}max_machines_running = 6": "http_service.max_machines_running",
    f'{HTTP}[[http_service.checks]]\ntype = "tcp"': "http_service.checks[0].type",
    '[checks.up]\ntype = "tcp"\nkind = "readiness"': "checks.up.kind",
    f"{HTTP}[http_service.concurrency]\nlimit = 2": "http_service.concurrency.limit",
    "[experimental]\nkill_timeout = 5": "experimental.kill_timeout",
    "[HTTP_SERVICE]\ninternal_port = 1": "HTTP_SERVICE",
}


@pytest.mark.parametrize("text", UNRECOGNISED)
def test_strict_reports_what_nothing_reads(validate: Run, text: str) -> None:
    assert validate(text)[0] == 0, "without --strict an unknown key vanishes"
    status, out, error = validate(text, "--strict")
    assert (status, error) == (1, "Error: strict validation failed\n")
    assert f"unrecognised sections or keys:\n  - {UNRECOGNISED[text]}\n" in out


BLIND = [
    "[[vm]]\nnonsense = 1",
    '[mounts]\nsource = "d"\ndestination = "/d"\nnonsense = 1',
    "[metrics]\nnonsense = 1",
    "[[services]]\ninternal_port = 1\nnonsense = 1\n[[services.ports]]\nport = 2",
    '[[vm]]\nsize = "no-such-size"',
]


@pytest.mark.parametrize("text", BLIND)
def test_the_blind_spots_of_strict_are_kept(validate: Run, text: str) -> None:
    assert validate(text, "--strict")[0] == 0


def test_no_file_and_no_toml_are_told(validate: Run) -> None:
    assert validate("", "-c", "gone.toml")[2] == "Error: open gone.toml: no such file or directory\n"
    assert "toml: " in validate("[broken")[2]


DURATIONS = {
    "1m": "1m0s",
    "90s": "1m30s",
    "1h": "1h0m0s",
    "15ns": "15ns",
    "1500ms": "1.5s",
    "0": "0s",
    "250us": "250µs",
}


@pytest.mark.parametrize("text", DURATIONS)
def test_durations_come_back_as_go_writes_them(text: str) -> None:
    assert duration.normal(text) == DURATIONS[text]


SIZES = [
    ([], ("shared", 1, 256)),
    ([{"cpus": 2}], ("shared", 2, 256)),
    ([{"size": "shared-cpu-2x"}], ("shared", 2, 512)),
    ([{"size": "performance-2x"}], ("performance", 2, 4096)),
    ([{"cpus": 2, "memory": "2gb"}], ("shared", 2, 2048)),
    ([{"memory": "512mb", "memory_mb": 2048}], ("shared", 1, 2048)),
]


@pytest.mark.parametrize(("vm", "size"), SIZES)
def test_a_machine_is_sized_as_fly_toml_says(vm: list[dict[str, object]], size: tuple[str, int, int]) -> None:
    assert tuple(guest({"vm": vm}).values()) == size
