"""Drift: each difference between fly.toml and a machine is told once, here or by the item that judges the value."""

from __future__ import annotations

import copy
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from runs import environment, run_pytest

from fixtures.fleet_drift import drift
from fixtures.fleet_machine_list import environments, machines
from fixtures.fleet_machines import Fleet
from fixtures.fly_answer import Answer
from fixtures.fly_toml import FlyToml
from fixtures.looks import Unreadable
from fixtures.target import load_target
from fixtures.twin import Twin, world
from fixtures.twin.checkout import head, make_checkout
from fixtures.twin.cli import machine_json
from fixtures.twin.twin import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TARGET = load_target("production")
TEXT = world.FLY_TOML.read_text(encoding="utf-8")


def told(change: Callable[[dict[str, Any]], object] = lambda _: None, text: str = TEXT) -> list[str]:
    """What is told of one machine that was deployed with the reference app's fly.toml, and changed since."""
    machine = copy.deepcopy(world.healthy(1).machines[0].wire())
    change(machine["config"])
    answer = Answer([machine_json.machine(machine)], "fly machine list")
    fleet = Fleet.some({"app": "paintbox", "machines": machines(answer)})
    toml = FlyToml.parse({"file": "fly.toml", "text": text})
    found = drift(toml, fleet, environments(answer), TARGET)
    lines = [one.told.removeprefix(f"machine {machine['id']} has ") for one in found]
    return [re.sub(r"fly\.toml:\d+", "fly.toml:N", line) for line in lines]


def service(**values: object) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["services"][0].update(values)


def check(index: int, **values: object) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["services"][0]["checks"][index].update(values)


def test_a_machine_as_it_was_deployed_has_not_drifted() -> None:
    assert told() == []


DRIFTED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda config: config["env"].pop("POOL_MIN"), "env.POOL_MIN not set, fly.toml:N asks for 2"),
    (lambda config: config["env"].update(PORT="80"), "env.PORT 80, fly.toml:N asks for 8080"),
    (service(internal_port=3000), "http_service.internal_port 3000, fly.toml:N asks for 8080"),
    (service(min_machines_running=3), "http_service.min_machines_running 3, fly.toml:N asks for 2"),
    (service(autostop="suspend"), "http_service.auto_stop_machines suspend, fly.toml:N asks for stop"),
    (lambda config: config["services"][0]["ports"].pop(), "http_service.ports 80, fly.toml:N asks for 80, 443"),
    (lambda config: config["services"].clear(), "http_service not set, fly.toml:N asks for it"),
    (check(1, grace_period="5m"), "check /api/health grace_seconds 300.0, fly.toml:N asks for 10.0"),
    (
        lambda config: config["services"][0]["concurrency"].update(type="connections"),
        "http_service.concurrency.type connections, fly.toml:N asks for requests",
    ),
    (
        lambda config: config["stop_config"].update(timeout="1s"),
        "kill_timeout_seconds 1.0, fly.toml:N asks for 30.0",
    ),
]


@pytest.mark.parametrize(("change", "expected"), DRIFTED, ids=[expected for _, expected in DRIFTED])
def test_a_difference_that_no_other_item_judges_is_told(
    change: Callable[[dict[str, Any]], object], expected: str
) -> None:
    assert told(change) == [expected]


JUDGED_ELSEWHERE: dict[str, Callable[[dict[str, Any]], object]] = {
    "size": lambda config: config["guest"].update(memory_mb=1024, cpus=8, cpu_kind="performance"),
    "limits": lambda config: config["services"][0]["concurrency"].update(soft_limit=1, hard_limit=2),
    "scaling": service(autostop=False, autostart=False, min_machines_running=0),
    "https": lambda config: config["services"][0]["ports"][0].pop("force_https"),
    "simple check": check(0, interval="1m", timeout="1s", method="POST"),
    "no deep check": lambda config: config["services"][0]["checks"].pop(),
    "no TCP check": lambda config: config["checks"].clear(),
    "TCP check": lambda config: config["checks"]["tcp"].update(port=81, interval="2s"),
    "volume": lambda config: config["mounts"].clear(),
    "variable by hand": lambda config: config["env"].update(NEW="by hand"),
}


@pytest.mark.parametrize("name", JUDGED_ELSEWHERE)
def test_what_another_item_judges_and_what_fly_toml_does_not_ask_for_is_no_drift(name: str) -> None:
    assert told(JUDGED_ELSEWHERE[name]) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('memory = "2048mb"', 'memory = "4096mb"', "vm.memory_mb 2048, fly.toml:N asks for 4096"),
        ("soft_limit = 150", "soft_limit = 20", "http_service.concurrency.soft_limit 150, fly.toml:N asks for 20"),
        ('interval = "45s"', 'interval = "9s"', "check /api/health interval_seconds 45.0, fly.toml:N asks for 9.0"),
        ('source = "paintbox_logs"', 'source = "x"', "mounts source at /data paintbox_logs, fly.toml:N asks for x"),
    ],
)
def test_a_machine_that_is_as_the_target_demands_has_drifted_from_a_fly_toml_that_is_not(
    old: str, new: str, expected: str
) -> None:
    assert TEXT.count(old) == 1
    assert told(text=TEXT.replace(old, new)) == [expected]


def test_what_is_for_other_machines_is_no_drift() -> None:
    other = (
        '\n[[vm]]\nprocesses = ["worker"]\nmemory = "1gb"\n[[services]]\nprocesses = ["worker"]\ninternal_port = 1\n'
    )
    text = TEXT.replace("[mounts]", f"{other}[mounts]")

    assert tomllib.loads(text)["services"]
    assert told(text=text) == []


def test_what_is_redacted_cannot_be_compared() -> None:
    with pytest.raises(Unreadable, match=r"fly.toml:\d+ sets env.POOL_MAX to what looks secret"):
        told(lambda config: config["env"].update(POOL_MAX="[redacted:POOL_MAX]"))


@pytest.mark.slow
def test_without_a_checkout_only_what_needs_one_is_blind(tmp_path: Path) -> None:
    checkout = make_checkout(tmp_path)
    selection = ("-m", "postdeploy", "-k", "ARC-5 or IMG-9 or CFG-2", "--target=production")
    with Twin(label=head(checkout)) as twin:
        env = environment(**twin.environment, FLYCTL_BIN=str(COMMANDS / "flyctl"))
        without = run_pytest(*selection, reports=tmp_path / "without", env=env)
        given = run_pytest(*selection, f"--source={checkout}", reports=tmp_path / "given", env=env)

    assert set(without.verdicts("error")) == {
        "ARC-5/test_machines_run_with_what_fly_toml_asks_for",
        "IMG-9/test_running_image_is_of_the_gated_commit",
    }
    assert set(without.verdicts().values()) == {"passed", "error"}
    assert "say with --source=DIR" in without.text
    assert given.status == 0, given.text


@pytest.mark.slow
def test_a_recording_of_the_fleet_is_judged_the_same_again(tmp_path: Path) -> None:
    fault = ("--twin-fault=drift-env", "--twin-fault=volume-missing", "--twin-fault=domain-expires-soon")
    run = run_pytest("-m", "postdeploy", "-k", "ARC-5 or REC-2 or NET-5", "--target=twin", *fault, reports=tmp_path)
    again = run_pytest(f"--replay={run.folder}", reports=tmp_path / "again")

    assert len(run.verdicts("failed")) == 3
    assert again.verdicts() == run.verdicts()


@pytest.mark.slow
def test_smoke_asks_the_cli_three_times_and_needs_no_checkout(tmp_path: Path) -> None:
    run = run_pytest("-m", "smoke", "--target=twin", reports=tmp_path)
    looks = {row["look"] for row in run.record.observations.values()}

    assert run.status == 0, run.text
    assert {look for look in looks if look.startswith("fly_")} == {"fly_machines", "fly_checks", "fly_releases"}
    assert run.summary["app_commit"] is None
