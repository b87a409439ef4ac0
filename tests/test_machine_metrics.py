"""Metrics, memory and history of each machine: every one is asked for itself, and none is taken for well unseen."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from answered import exchange
from runs import run_pytest
from worlds import LooseWorld

import fixtures.fleet
import fixtures.machine_metrics
from fixtures.answers import Answers
from fixtures.fleet_machines import Fleet
from fixtures.looks import Unreadable
from fixtures.machine_history import History
from fixtures.machine_metrics import Scraped, server_ages_of
from fixtures.memory import by_platform, by_server
from fixtures.own_traffic import OwnTraffic
from fixtures.target import load_target
from fixtures.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.looks import Observation

assert fixtures.machine_metrics.machine_metrics  # the looks are declared
assert fixtures.fleet.fly_machines

TEXT = "text/plain; charset=utf-8"
UPTIME = "paintbox_uptime_seconds"


class TwinWorld(LooseWorld):
    """The world of a twin."""

    def __init__(self, twin: Twin, folder: Path) -> None:
        target = load_target("twin").with_values({"url": twin.url}, "the running twin")
        super().__init__(folder, target=target, environment=twin.environment | {"SSL_CERT_FILE": str(twin.ca_file)})
        self.twin = twin


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TwinWorld]:
    """Six healthy machines."""
    with Twin(machines=6) as twin, TwinWorld(twin, tmp_path) as ready:
        yield ready


def test_every_machine_is_asked_once_and_for_itself(world: TwinWorld) -> None:
    world.twin.state.machines[2].rss_mb = 512.0
    seen = world.look("machine_metrics", "edge")
    fleet = world.look("fly_machines").read(Fleet.some)
    uses = {use.machine: use for use in seen.read(lambda value: by_server(value, fleet, world.target))}

    assert sorted(uses) == sorted(machine.id for machine in world.twin.state.machines)
    assert uses[world.twin.state.machines[2].id].told.endswith(
        "uses 25.0 %: 512 of 2048 MB resident; 95 % by the app's own figure"
    )
    assert sum(one.surface == "edge" for one in world.twin.state.asked) == 7  # and the simple health check
    assert seen.summary == "6 machines: resident 512 MB at most, heap 95 % by the app's figure"


def test_a_machine_that_does_not_serve_is_left_alone(world: TwinWorld) -> None:
    state = world.twin.state
    state.machines[0].state, state.machines[0].booted = "stopped", None
    state.machines[1].cordoned = True
    state.machines[2].host_status = "unreachable"

    assert set(world.look("machine_metrics", "edge").read(Scraped.parse).machines) == {
        machine.id for machine in state.machines[3:]
    }
    assert state.machines[0].state == "stopped"


def test_a_fleet_in_which_nothing_serves_is_not_asked(world: TwinWorld) -> None:
    for machine in world.twin.state.machines:
        machine.cordoned = True
    world.give("simple_health", {"status": 200})

    assert "no machine serves" in (world.look("machine_metrics", "edge").error or "")


def test_an_app_that_is_down_is_not_asked_for_each_machine(tmp_path: Path) -> None:
    with Twin(machines=2) as twin, TwinWorld(twin, tmp_path) as world:
        world.give("simple_health", {"failed": "https://x refused", "word": "refused", "asked": "curl", "tries": 3})

        assert world.look("machine_metrics", "edge").error == "https://x refused"
        assert not any(one.surface == "edge" for one in twin.state.asked)


def test_one_machine_without_metrics_blinds_what_needs_all(world: TwinWorld) -> None:
    seen = world.look("machine_metrics", "edge")
    value = copy.deepcopy(seen.value)
    assert isinstance(value, dict)
    first = next(iter(value))
    value[first] = {"failed": "https://x timed out", "word": "timed-out", "asked": "", "tries": 1}

    with pytest.raises(Unreadable, match=f"machine {first}: https://x timed out"):
        Scraped.parse(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("paintbox_memory_rss_mb NaN\n", "paintbox_memory_rss_mb is nan"),
        ("paintbox_memory_rss_mb 1\n", "paintbox_memory_heap_used_mb is missing"),
        (
            "paintbox_memory_rss_mb 1\npaintbox_memory_heap_used_mb 1\npaintbox_memory_heap_total_mb 0\n",
            "a heap of 1 in 0 MB",
        ),
    ],
)
def test_memory_that_is_not_told_is_not_judged(world: TwinWorld, text: str, words: str) -> None:
    fleet = world.look("fly_machines").read(Fleet.some)

    with pytest.raises(Unreadable, match=words):
        by_server({fleet.machines[0].id: exchange(200, text, TEXT)}, fleet, world.target)


def test_the_heap_counts_where_the_target_chooses_it(world: TwinWorld) -> None:
    fleet = world.look("fly_machines").read(Fleet.some)
    heap = world.target.with_values({"memory.series": "heap"}, "this test")
    uses = by_server(world.look("machine_metrics", "edge").value, fleet, heap)

    assert {round(use.percent) for use in uses} == {95}


def test_the_platform_must_tell_of_every_started_machine(world: TwinWorld) -> None:
    fleet = world.look("fly_machines").read(Fleet.some)
    shares = [({"instance": machine.id}, 12.5) for machine in fleet.machines]

    assert [use.percent for use in by_platform(memory_of(shares), fleet)] == [12.5] * 6
    with pytest.raises(Unreadable, match=f"hold no memory of {fleet.machines[5].id}"):
        by_platform(memory_of(shares[:5]), fleet)
    with pytest.raises(Unreadable, match="tell of 101 % of machine"):
        by_platform(memory_of([({"instance": machine.id}, 101) for machine in fleet.machines]), fleet)


def memory_of(samples: list[tuple[dict[str, str], float]]) -> dict[str, Any]:
    """What the platform answers, with these shares of memory."""
    vector = ",".join(f'{{"metric":{{"instance":"{x["instance"]}"}},"value":[1,"{share}"]}}' for x, share in samples)
    body = f'{{"status":"success","data":{{"resultType":"vector","result":[{vector}]}}}}'
    return {"app": "paintbox", "organization": "personal", "answers": {"memory": exchange(200, body)}}


def aged(world: TwinWorld, uptime: str) -> float:
    """By how much a server with this uptime is younger than its machine."""
    fleet = world.look("fly_machines").read(Fleet.some)
    scraped = world.look("machine_metrics", "edge").value
    assert isinstance(scraped, dict)
    machine = fleet.machines[0].id
    answer: Any = scraped[machine]
    text = "".join(
        f"{UPTIME} {uptime}\n" if line.startswith(UPTIME) else line for line in answer["body"].splitlines(keepends=True)
    )
    (age,) = server_ages_of({machine: {**answer, "body": text}}, fleet, UPTIME)
    return age.younger_by_seconds


def test_a_server_is_as_old_as_its_machine_or_was_started_again(world: TwinWorld) -> None:
    fleet = world.look("fly_machines").read(Fleet.some)
    ages = server_ages_of(world.look("machine_metrics", "edge").value, fleet, UPTIME)

    assert max(abs(age.younger_by_seconds) for age in ages) < 5
    assert aged(world, "600") > 6000
    with pytest.raises(Unreadable, match="no server has run for that long"):
        aged(world, "-1")


def test_a_runner_whose_clock_is_wrong_makes_no_server_younger(world: TwinWorld) -> None:
    fleet = world.look("fly_machines").read(Fleet.some)
    scraped: Any = copy.deepcopy(world.look("machine_metrics", "edge").value)
    early, silent = list(scraped)[:2]
    for answer in scraped.values():
        moment = datetime.fromisoformat(answer["started"]) + timedelta(hours=1)
        answer["started"] = moment.isoformat().replace("+00:00", "Z")
    scraped[silent]["headers"] = [[name, text] for name, text in scraped[silent]["headers"] if name.lower() != "date"]
    ages = {age.machine: age.younger_by_seconds for age in server_ages_of(scraped, fleet, UPTIME)}

    assert abs(ages[early]) < 5
    assert abs(ages[silent] - 3600) < 5  # nothing but the runner's clock tells when that one answered


def history(observation: Observation, **change: Any) -> History:  # noqa: ANN401 - any part of a record
    """The history of the first machine alone, changed."""
    value: Any = copy.deepcopy(observation.value)
    value["machines"] = [{**value["machines"][0], **change}]
    return History.parse(value)


def event(kind: str, minutes: int, **end: object) -> dict[str, Any]:
    """An event as the look keeps it; `end` tells how a process ended."""
    told = {"requested": False, "oom_killed": False, "restarting": True, "code": 0, **end} if end else None
    at = f"2026-11-24T12:{minutes:02d}:00+00:00"
    return {"type": kind, "status": "", "source": "flyd", "at": at, "restart_count": None, "exit": told}


START, LAUNCH = event("start", 9), event("launch", 5)
CRASH, KILL = event("exit", 8, code=1), event("exit", 8, code=137, oom_killed=True)
ASKED, CLEAN = event("exit", 8, code=1, requested=True), event("exit", 8, code=0)
OLD_CRASH = event("exit", 4, code=1)


@pytest.mark.parametrize(
    ("events", "state", "crashes", "kills"),
    [
        ([START, CRASH, LAUNCH], "started", 1, 0),
        ([START, CRASH, START, CRASH, START], "started", 2, 0),
        ([START, LAUNCH, OLD_CRASH], "started", 0, 0),
        ([START, KILL, LAUNCH], "started", 0, 1),
        ([START, ASKED, LAUNCH], "started", 0, 0),
        ([START, CLEAN, LAUNCH], "started", 0, 0),
        ([CRASH, START, LAUNCH], "stopped", 0, 0),
        ([KILL, START, LAUNCH], "stopped", 0, 1),
    ],
)
def test_a_crash_is_told_from_a_kill_and_from_what_was_asked_for(
    world: TwinWorld, events: list[dict[str, Any]], state: str, crashes: int, kills: int
) -> None:
    found = history(world.look("fly_machines"), events=events, state=state)

    assert (len(found.crashes), len(found.kills_since(world.clock))) == (crashes, kills)


def test_a_machine_without_history_is_not_called_well(world: TwinWorld) -> None:
    with pytest.raises(Unreadable, match="has no history"):
        history(world.look("fly_machines"), events=[])


def test_own_traffic_leaves_what_has_an_item_of_its_own(world: TwinWorld) -> None:
    answers, url = world.look("answers", "edge"), world.target.url
    own = answers.read(lambda value: OwnTraffic.of(value, world.target))
    asked = {one.url.removeprefix(url) for one in own.exchanges}

    assert {
        "/",
        "/no-such-page",
        "/api/no-such-page",
        answers.read(Answers.parse).of("asset").url.removeprefix(url),
    } <= asked
    assert not asked & {"/api/health", "/api/simple-health", "/api/metrics", "/.well-known/jwks.json"}
    assert own.server_errors == []
    with pytest.raises(Unreadable, match="nothing but"):
        OwnTraffic.of({"metrics": {**exchange(200, "up 1\n", TEXT), "url": f"{url}/api/metrics"}}, world.target)


@pytest.mark.parametrize(("status", "errors"), [(499, 0), (500, 1), (503, 1), (599, 1)])
def test_a_5xx_in_own_traffic_is_told(status: int, errors: int) -> None:
    own = OwnTraffic.of({"page": exchange(status, "")}, load_target("twin"))

    assert len(own.server_errors) == errors


@pytest.mark.slow
def test_the_platform_decides_on_memory_where_the_target_says_so(tmp_path: Path) -> None:
    target = tmp_path / "other.toml"
    target.write_text('extends = "twin"\n[memory]\nseries = "platform"\n', encoding="utf-8")
    arguments = ("-m", "smoke", "-k", "MET-2", f"--target={target}")
    runs = {
        fault: run_pytest(*arguments, f"--twin-fault={fault}", reports=tmp_path / fault)
        for fault in ("high-memory", "metrics-invalid", "platform-metrics-missing")
    }

    assert {fault: run.status for fault, run in runs.items()} == {
        "high-memory": 1,
        "metrics-invalid": 0,
        "platform-metrics-missing": 6,
    }
    assert "uses 92.5 %, by the platform's metrics" in runs["high-memory"].text
