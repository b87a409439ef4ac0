"""The stand-in for flyctl: what it prints, refuses and returns, beside the facts about the real one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import subprocess
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from fixtures.twin import Twin
from fixtures.twin.cli.main import main
from fixtures.twin.faults import inject
from fixtures.twin.twin import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = str(COMMANDS / "fly")


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(machines=3) as running:
        yield running


@pytest.fixture
def fresh() -> Iterator[Twin]:
    with Twin(machines=3) as running:
        yield running


class Local:
    """The stand-in in this process, for what it does without asking anybody."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch = monkeypatch
        self.capsys = capsys
        for name in [name for name in os.environ if name.startswith("FLY_")]:
            monkeypatch.delenv(name)

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit status, standard output, standard error."""
        status = main("fly", list(words))
        told = self.capsys.readouterr()
        return status, told.out, told.err


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Local:
    return Local(monkeypatch, capsys)


def fly(twin: Twin, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The stand-in in this process: a process each would take most of the time of these tests."""
    out, error = io.StringIO(), io.StringIO()
    environment = mock.patch.dict(os.environ, {**twin.environment, **more}, clear=True)
    with environment, contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = main("fly", list(words))
    return subprocess.CompletedProcess(words, status, out.getvalue(), error.getvalue())


def told(twin: Twin, *words: str) -> Any:  # noqa: ANN401 - any JSON
    done = fly(twin, *words, "--json", "-a", "paintbox")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_it_starts_fast_and_says_the_same_as_a_process_of_its_own(twin: Twin) -> None:
    before = processor_seconds()
    line = [PROGRAM, "machine", "list", "--json", "-a", "paintbox"]
    done = subprocess.run(line, env=twin.environment, capture_output=True, text=True, check=True)
    assert processor_seconds() - before < 0.2
    assert done.stdout == fly(twin, *line[1:]).stdout


def test_version_json_is_one_line(local: Local) -> None:
    _, out, _ = local("version", "--json")
    assert out.count("\n") == 1
    assert json.loads(out)["Version"] == "0.4.87"
    assert r"\u003cnone\u003e" in out


REFUSED = {
    "logs --since=1h": "unknown flag: --since",
    "releases --limit 10": "unknown flag: --limit",
    "releases rollback": 'unknown command "rollback" for "fly releases"',
    "machine stop --all": "unknown flag: --all",
    "machine start --all": "unknown flag: --all",
    "machine status --json": "unknown flag: --json",
    "redis list -a paintbox": "unknown shorthand flag: 'a' in -a",
    "status extra": 'unknown command "extra" for "fly status"',
    "deploy one two": "accepts at most 1 arg(s), received 2",
    "machine exec": "accepts between 1 and 2 arg(s), received 0",
    "scale count": "requires at least 1 arg(s), only received 0",
    "scale memory": "accepts 1 arg(s), received 0",
    "status --config": "flag needs an argument: --config",
    "status -c": "flag needs an argument: 'c' in -c",
    "status --rate x": 'invalid argument "x" for "--rate" flag: strconv.ParseInt: parsing "x": invalid syntax',
    "logs --help --since=1h": "unknown flag: --since",
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_flyctl_refuses_is_refused_before_any_request(local: Local, line: str) -> None:
    status, out, error = local(*line.split())
    assert (status, error) == (1, f"Error: {REFUSED[line]}\n")
    assert out.startswith("Usage:\n")


def test_an_unknown_command_is_refused_with_a_suggestion(local: Local) -> None:
    status, out, error = local("statu")
    assert status == 1
    assert error.startswith('Error: unknown command "statu" for "fly"\n\nDid you mean this?\n\tstatus\n')
    assert out == "Run 'fly --help' for usage.\n\n"


PARENTS = ["machine", "scale", "secrets", "volumes", "certs", "config", "checks", "ips", "auth"]


@pytest.mark.parametrize("parent", PARENTS)
def test_a_bad_subcommand_of_a_parent_shows_help_and_succeeds(local: Local, parent: str) -> None:
    status, out, error = local(parent, "bogus")
    assert (status, error) == (0, "")
    assert "\nAvailable Commands:\n" in out


def test_help_has_the_shape_of_cobra(local: Local) -> None:
    status, out, _ = local("machine", "restart", "--help")
    lines = out.splitlines()
    assert status == 0
    assert lines[2:4] == ["Usage:", "  fly machine restart [<id>...] [flags]"]
    assert [line[:28].strip() for line in lines[6:13]] == [
        "-a, --app string",
        "-c, --config string",
        "--force",
        "-h, --help",
        "-s, --signal string",
        "--skip-health-checks",
        "--time int",
    ]
    assert lines[14] == "Global Flags:"


@pytest.mark.parametrize("line", ["status", "machine list", "config validate"])
def test_without_a_token_nothing_is_done(local: Local, line: str) -> None:
    status, _, error = local(*line.split())
    assert (status, error) == (1, "Error: no access token available. Please login with 'flyctl auth login'\n")


def test_an_empty_access_token_hides_a_good_one(twin: Twin) -> None:
    done = fly(twin, "auth", "whoami", FLY_ACCESS_TOKEN="", FLY_API_TOKEN="twin-token")
    assert done.returncode == 1


def test_whoami_tells_the_mail_address(twin: Twin) -> None:
    assert fly(twin, "auth", "whoami", "--json").stdout == '{\n    "email": "deployer@paintbox.example"\n}\n'


def test_status_lists_machines_by_id_descending(twin: Twin) -> None:
    status = told(twin, "status")
    ids = [each["id"] for each in status["Machines"]]
    assert ids == sorted((machine.id for machine in twin.state.machines), reverse=True)
    assert list(status) == sorted(status)
    assert list(status["Organization"]) == ["ID", "InternalNumericID", "Name", "Slug", "RawSlug", "PaidPlan"]
    assert (status["Version"], status["Deployed"]) == (43, True)


def test_machine_list_is_written_as_go_writes_it(twin: Twin) -> None:
    machine = told(twin, "machine", "list")[0]
    assert list(machine) == [
        "id",
        "name",
        "state",
        "region",
        "image_ref",
        "instance_id",
        "private_ip",
        "created_at",
        "updated_at",
        "config",
        "events",
        "checks",
        "host_status",
        "cordoned",
    ]
    clean = next(event for event in machine["events"] if event["type"] == "exit")["request"]["exit_event"]
    assert set(clean) == {"requested_stop", "guest_signal", "signal", "exited_at"}, (
        "zero values and unknown fields vanish"
    )
    assert machine["config"]["services"][0]["force_instance_key"] is None


def test_a_duration_comes_back_as_go_writes_it(fresh: Twin) -> None:
    fresh.state.machines[0].config["services"][0]["checks"][0]["interval"] = "1m"
    assert told(fresh, "machine", "list")[0]["config"]["services"][0]["checks"][0]["interval"] == "1m0s"


def test_checks_are_listed_by_machine(twin: Twin) -> None:
    checks = told(twin, "checks", "list")
    assert set(checks) == {machine.id for machine in twin.state.machines}
    assert {check["status"] for each in checks.values() for check in each} == {"passing"}


def test_releases_are_newest_first_with_their_image(twin: Twin) -> None:
    releases = told(twin, "releases")
    assert [each["Version"] for each in releases] == [43, 42, 41]
    assert releases[0]["ImageRef"] == twin.state.releases[0].image.reference


def test_scale_show_counts_what_exists(twin: Twin) -> None:
    scale = told(twin, "scale", "show")
    assert scale == [
        {"Process": "app", "Count": 3, "CPUKind": "shared", "CPUs": 2, "Memory": 2048, "Regions": {"sjc": 3}}
    ]


@pytest.mark.parametrize(
    ("fault", "statuses"), [(None, ["Deployed", "Deployed"]), ("secret-staged", ["Staged", "Deployed"])]
)
def test_secrets_tell_what_is_staged(fresh: Twin, fault: str | None, statuses: list[str]) -> None:
    if fault:
        inject(fresh.state, fault)
    assert [each["status"] for each in told(fresh, "secrets", "list")] == statuses


def test_lists_of_what_else_there_is(twin: Twin) -> None:
    assert [each["name"] for each in told(twin, "volumes", "list")] == ["paintbox_logs"] * 3
    assert [each["Type"] for each in told(twin, "ips", "list")] == ["v6", "shared_v4"]
    assert [each["status"] for each in told(twin, "certs", "list")] == ["active"]
    assert told(twin, "certs", "check", "paintbox.example")["configured"] is True
    volume = twin.state.volumes[0].id
    assert len(told(twin, "volumes", "snapshots", "list", volume)) == 5


def test_config_show_is_the_released_fly_toml(twin: Twin) -> None:
    done = fly(twin, "config", "show", "-a", "paintbox")
    assert json.loads(done.stdout)["http_service"]["internal_port"] == 8080


def test_exec_succeeds_even_when_the_command_does_not(twin: Twin) -> None:
    machine = twin.state.machines[0].id
    assert told(twin, "machine", "exec", machine, "id -u nextjs") == {"stdout": "1001\n"}
    assert told(twin, "machine", "exec", machine, "true") == {}
    assert told(twin, "machine", "exec", machine, "false") == {"exit_code": 1}


def test_exec_needs_a_running_machine(fresh: Twin) -> None:
    inject(fresh.state, "machine-stopped")
    done = fly(fresh, "machine", "exec", fresh.state.machines[-1].id, "true", "-a", "paintbox")
    assert done.returncode == 1
    assert "is not running" in done.stderr


def test_logs_are_objects_one_after_another(twin: Twin) -> None:
    text, decoder, lines = fly(twin, "logs", "--no-tail", "--json", "-a", "paintbox").stdout, json.JSONDecoder(), []
    while text.strip():
        line, end = decoder.raw_decode(text)
        lines.append(line)
        text = text[end:].lstrip()
    assert len(lines) == 30
    assert list(lines[0]) == ["level", "instance", "message", "region", "timestamp", "meta"]


def test_logs_never_end_while_there_are_none(fresh: Twin) -> None:
    inject(fresh.state, "logs-empty")
    line = [PROGRAM, "logs", "--no-tail", "-a", "paintbox"]
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(line, env=fresh.environment, capture_output=True, timeout=2, check=False)
    assert len([asked for asked in fresh.state.asked if "logs" in asked.target]) > 1


def test_a_wrong_token_is_told(twin: Twin) -> None:
    done = fly(twin, "machine", "list", "-a", "paintbox", FLY_ACCESS_TOKEN="wrong")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: failed to list VMs: unauthorized (Request ID: ")


def test_an_app_that_cannot_be_seen_is_told_with_the_query(fresh: Twin) -> None:
    inject(fresh.state, "app-not-visible")
    done = fly(fresh, "status", "-a", "paintbox")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: failed to run query (")
    assert done.stderr.endswith("Could not find App\n")


def test_a_platform_that_is_away_is_told(twin: Twin) -> None:
    done = fly(twin, "machine", "list", "-a", "paintbox", FLY_FLAPS_BASE_URL="http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.endswith("connect: connection refused\n")


def test_the_apps_name_comes_from_fly_toml(twin: Twin, tmp_path: Path) -> None:
    (tmp_path / "fly.toml").write_text('app = "paintbox"\n')
    assert fly(twin, "machine", "list", "-q", "-c", str(tmp_path / "fly.toml")).stdout.split() == [
        m.id for m in twin.state.machines
    ]
    assert "missing an app name" in fly(twin, "machine", "list", "-c", os.devnull).stderr


def test_what_the_stand_in_does_not_play_is_said(twin: Twin) -> None:
    done = fly(twin, "postgres", "list")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: this stand-in for flyctl does not play 'fly postgres'; run the real one\n",
    )
