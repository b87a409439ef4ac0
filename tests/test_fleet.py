"""The fleet as the Fly CLI tells it, and as it must not be told: a few lines of shell play the CLI."""

from __future__ import annotations

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from worlds import LooseWorld

import fixtures.cli
import fixtures.fleet
from fixtures.fleet_addresses import Addresses
from fixtures.fleet_checks import seen_by_platform
from fixtures.fleet_machines import Fleet, Machine
from fixtures.fleet_releases import Releases
from fixtures.fleet_secrets import Secrets
from fixtures.fleet_volumes import Backup
from fixtures.looks import CouldNotLook, Observation
from fixtures.twin import Twin, history
from fixtures.twin.cli import machine_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

LOOKS = {
    "fly_machines": "machine list",
    "fly_releases": "releases",
    "fly_volumes": "volumes list",
    "fly_secrets": "secrets list",
    "fly_domains": "certs list",
    "fly_addresses": "ips list",
}
AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
MACHINE: dict[str, Any] = {
    "id": "148e4d9",
    "state": "started",
    "region": "sjc",
    "image_ref": {"registry": "registry.fly.io", "repository": "paintbox", "tag": "abc", "digest": "sha256:1"},
    "config": {
        "env": {"POOL_MAX": "10", "API_TOKEN": "canary-of-the-environment"},
        "guest": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 2048},
        "metadata": {"fly_process_group": "app", "fly_release_version": "43"},
    },
    "events": [],
    "checks": [],
    "host_status": "ok",
    "cordoned": False,
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[[str], LooseWorld]]:
    """Makes a world whose CLI is this shell script."""
    with ExitStack() as stack:

        def make(script: str) -> LooseWorld:
            program = tmp_path / "flyctl"
            program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            program.chmod(0o755)
            return stack.enter_context(LooseWorld(tmp_path, environment={"FLYCTL_BIN": str(program)}))

        yield make


def printing(value: object) -> str:
    return f"cat <<'JSON'\n{value if isinstance(value, str) else json.dumps(value)}\nJSON"


def machine(**changes: object) -> dict[str, Any]:
    return MACHINE | changes


def seen(world: Callable[[str], LooseWorld], *machines: dict[str, Any]) -> Observation:
    found = world(printing(list(machines))).look("fly_machines")
    assert found.error is None, found.error
    return found


def one(world: Callable[[str], LooseWorld], **changes: object) -> Machine:
    return seen(world, machine(**changes)).read(Fleet.some).machines[0]


# ------------------------------------------------------------------------------------------------ what is no answer


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo not json at all", "printed no JSON but 'not json at all"),
        (printing('[{"id": "148e4d9", "state": "sta'), "printed no JSON"),
        ("true", "printed no JSON"),
        (printing('[{"id": "a", "id": "b"}]'), "printed no JSON"),
        (printing('[{"Version": 1e999}]'), "printed no JSON"),
        (printing("[" * 5000), "printed no JSON"),
        (printing({"error": "x"}), "gives no list but dict of 1 at $"),
        (printing("7"), "gives no list but 7 at $"),
        (printing("[7]"), "gives no object but 7 at $[0]"),
        (printing([{}]), "tells no "),
        (printing([{"id": 7, "state": 7, "Version": "x", "name": 7, "hostname": 7, "Address": 7}]), "gives no "),
        ("echo 'Error: unauthorized' >&2; exit 1", "failed: unauthorized"),
        ("echo '[]'; exit 3", "failed: []"),
        ("kill -9 $$", "failed: ended by SIGKILL"),
    ],
)
def test_what_is_no_answer_is_a_sentence_and_nothing_seen(
    world: Callable[[str], LooseWorld], look: str, script: str, told: str
) -> None:
    found = world(script).look(look)

    assert found.error is not None
    assert f"`fly {LOOKS[look]} --json --app paintbox` " in found.error
    assert told in found.error
    assert len(found.error) < 300
    assert "\n" not in found.error


def test_a_command_that_never_ends_is_ended(
    world: Callable[[str], LooseWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixtures.fleet, "SECONDS", 0.2)

    assert "did not end within 0.2 s" in str(world("exec sleep 30").look("fly_machines").error)


def test_noise_beside_the_answer_is_no_matter(world: Callable[[str], LooseWorld]) -> None:
    script = f"echo 'Warning: Metrics token unavailable' >&2\n{printing([MACHINE])}"

    assert world(script).look("fly_machines").error is None


def test_an_endless_answer_is_cut(world: Callable[[str], LooseWorld]) -> None:
    assert "printed no JSON" in str(world("yes '[1,' | head -c 9000000").look("fly_machines").error)


# ---------------------------------------------------------------------------------------------------- other shapes


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": None}, "tells no state at $[0]"),
        ({"cordoned": None}, "tells no cordoned at $[0]"),
        ({"cordoned": "no"}, "gives no true or false but 'no' at $[0].cordoned"),
        ({"config": None}, "tells no config at $[0]"),
        ({"config": {"guest": {"cpus": "2"}}}, "gives no whole number but '2' at $[0].config.guest.cpus"),
        ({"config": {"guest": {"cpus": True}}}, "gives no whole number but True at $[0].config.guest.cpus"),
        ({"config": {"services": {}}}, "gives no list but dict of 0 at $[0].config.services"),
        ({"config": {"services": [{"autostop": "maybe"}]}}, "an autostop that is none at $[0].config.services[0]"),
        ({"config": {"checks": {"x": {"type": "tcp", "interval": "15"}}}}, "no duration but '15'"),
        ({"events": [{"timestamp": 10**19}]}, "gives no moment but 10000000000000000000 at $[0].events[0].timestamp"),
        ({"events": [{"request": "x"}]}, "gives no object but 'x' at $[0].events[0].request"),
        ({"id": "--app=other"}, "gives '--app=other' at $[0].id, which names nothing"),
        ({"updated_at": "yesterday"}, "gives no moment but 'yesterday' at $[0].updated_at"),
        ({"updated_at": "2026-11-24T10:00:00"}, "gives no moment"),
    ],
)
def test_another_shape_is_told_with_its_place(
    world: Callable[[str], LooseWorld], changes: dict[str, Any], told: str
) -> None:
    found = world(printing([machine(**changes)])).look("fly_machines")

    assert told in str(found.error)


def test_no_machine_is_no_fleet(world: Callable[[str], LooseWorld]) -> None:
    found = seen(world)

    assert found.read(Fleet.parse).machines == ()
    for parser in (Fleet.some, Fleet.configured, Fleet.services, Fleet.health_checks, Fleet.checked):
        with pytest.raises(CouldNotLook, match="paintbox has no machine"):
            found.read(parser)


def test_a_machine_is_listed_once(world: Callable[[str], LooseWorld]) -> None:
    assert "lists machine 148e4d9 twice" in str(world(printing([MACHINE, MACHINE])).look("fly_machines").error)


def test_machines_that_are_gone_or_run_one_command_are_no_part_of_the_fleet(
    world: Callable[[str], LooseWorld],
) -> None:
    release = machine(id="b", config={"metadata": {"fly_process_group": "fly_app_release_command"}})
    fleet = seen(world, MACHINE, release, machine(id="c", state="destroyed")).read(Fleet.some)

    assert [one.id for one in fleet.machines] == ["148e4d9"]


def test_a_lost_host_keeps_its_machine_in_sight(world: Callable[[str], LooseWorld]) -> None:
    away = machine(id="away", host_status="unreachable", config=None, incomplete_config=None)
    found = seen(world, MACHINE, away)

    assert [one.host_status for one in found.read(Fleet.some).machines] == ["ok", "unreachable"]
    assert [one.id for one in found.read(Fleet.configured).machines] == ["148e4d9"]
    with pytest.raises(CouldNotLook, match="their hosts are away"):
        seen(world, away).read(Fleet.configured)


def test_variables_stay_out_of_the_record(world: Callable[[str], LooseWorld]) -> None:
    here = world(printing([MACHINE]))
    here.give("fly_toml_file", {"file": "fly.toml", "text": '[env]\nPOOL_MAX = "10"\n'})
    machines, variables = here.look("fly_machines"), here.look("machine_environment")

    assert "POOL_MAX" not in str(machines.value)
    assert "canary" not in str(machines.value) + str(variables.value)
    assert variables.value == {"machines": {"148e4d9": {"POOL_MAX": "10"}}}


def test_variables_that_could_not_be_kept_are_told(world: Callable[[str], LooseWorld]) -> None:
    here = world(printing([MACHINE]))
    here.give("fly_toml_file", {"file": "fly.toml", "text": '[env]\nPOOL_MAX = "10"\n'})
    here.look("fly_machines")
    for path in here.folder.glob("environments of *"):
        path.unlink()

    assert "is the disk full?" in str(here.look("machine_environment").error)


# ---------------------------------------------------------------------------------------- asleep, stopped or failed


def told_by(*events: object) -> list[dict[str, Any]]:
    """Events as the CLI prints them: without what is zero."""
    return [machine_json.shaped(event.wire(), "Event") for event in events]  # type: ignore[attr-defined]


AGAIN = "is starting again: its process "
CRASH = history.crashed(AT, 1)[2:]


@pytest.mark.parametrize(
    ("state", "events", "asleep", "fate"),
    [
        ("stopped", history.stopped(AT, "proxy"), True, "is stopped by proxy"),
        ("suspended", history.stopped(AT, "proxy"), True, "is suspended by proxy"),
        ("stopped", history.stopped(AT, "user"), False, "is stopped by user"),
        ("stopped", history.gave_up(AT), False, "is stopped: its process ended with exit status 1"),
        ("stopped", history.gave_up(AT, 0), False, "is stopped: its process ended with exit status 0"),
        (
            "stopped",
            [*history.crashed(AT, 1, 137, oom=True)[2:], *history.stopped(AT, "proxy")],
            False,
            "is stopped: its process was killed for memory",
        ),
        ("stopped", [], False, "is stopped, and its history does not say why"),
        ("starting", history.started(AT, "proxy")[1:], True, "is starting"),
        ("starting", history.started(AT, "user")[1:], False, "is starting"),
        ("starting", history.crashed(AT, 1, 137)[1:], False, f"{AGAIN}ended with exit status 137"),
        (
            "starting",
            [*history.crashed(AT, 2, 1)[1:], *history.started(AT, "proxy")],
            False,
            f"{AGAIN}ended with exit status 1",
        ),
        ("starting", [*history.started(AT, "user")[1:], *history.deployed(AT, AT)[1:2], *CRASH], False, "is starting"),
        ("starting", [], False, "is starting"),
        ("failed", [], False, "is failed"),
        ("replacing", [], False, "is replacing"),
    ],
)
def test_sleep_is_told_from_failure_by_history(
    world: Callable[[str], LooseWorld], state: str, events: list[object], *, asleep: bool, fate: str
) -> None:
    found = one(world, state=state, events=told_by(*events))

    assert (found.asleep, found.fate) == (asleep, fate)


def test_an_exit_may_be_told_by_a_monitor(world: Callable[[str], LooseWorld]) -> None:
    request = {"MonitorEvent": {"exit_event": {"exit_code": 134}}, "restart_count": 2}
    found = one(world, events=[{"type": "exit", "request": request}])

    assert found.last_exit is not None
    assert found.last_exit.crashed
    assert found.events[0].restart_count == 2


def test_a_check_without_a_result_does_not_pass(world: Callable[[str], LooseWorld]) -> None:
    config = {
        "services": [
            {"internal_port": 8080, "checks": [{"type": "http", "path": "/a"}, {"type": "http", "path": "/b"}]}
        ],
        "checks": {"alive": {"type": "tcp", "port": 8080}},
    }
    results = [{"name": "servicecheck-00-http-8080", "status": "passing"}, {"name": "alive", "status": "passing"}]
    found = one(world, config=config, checks=results)

    assert [result.passing for result in found.results_of("tcp")] == [True]
    assert [result.name for result in found.results_of("http") if not result.passing] == ["1 http check"]


# ------------------------------------------------------------------------------------- the platform's list of checks

CHECKED = {
    "services": [{"internal_port": 8080, "checks": [{"type": "http", "path": "/a"}]}],
    "checks": {"alive": {"type": "tcp", "port": 8080}},
}
PASSING = [{"name": "servicecheck-00-http-8080", "status": "passing"}, {"name": "alive", "status": "passing"}]
FAILING = [PASSING[0] | {"status": "critical", "output": "503"}, PASSING[1]]


@pytest.mark.parametrize(
    ("listed", "failing"),
    [
        ({"148e4d9": PASSING}, []),
        ({"148e4d9": PASSING, "other": FAILING}, []),
        ({"148e4d9": FAILING}, ["servicecheck-00-http-8080 is critical"]),
        ({"148e4d9": PASSING[1:]}, ["1 http check is without a result"]),
        ({"148e4d9": []}, ["1 http check is without a result", "1 tcp check is without a result"]),
        ({"148e4d9": None}, ["1 http check is without a result", "1 tcp check is without a result"]),
        ({}, ["1 http check is without a result", "1 tcp check is without a result"]),
    ],
)
def test_health_is_what_the_list_of_checks_says_of_a_started_machine(
    world: Callable[[str], LooseWorld], listed: dict[str, Any], failing: list[str]
) -> None:
    running = machine(config=MACHINE["config"] | CHECKED, checks=PASSING)
    asleep = running | {"id": "asleep", "state": "stopped"}
    here = world(answering({"machine list": [running, asleep], "checks list": listed}))
    machines = here.look("fly_machines").read(Fleet.checked)
    found = here.look("fly_checks").read(lambda value: seen_by_platform(value, machines))
    results = [result for one in found for kind in ("http", "tcp") for result in one.results_of(kind)]

    assert [one.id for one in found] == ["148e4d9"]
    assert [f"{one.name} is {one.status}" for one in results if not one.passing] == failing


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("null", "gives no object but None at $"),
        ("[]", "gives no object but list of 0 at $"),
        ({"148e4d9": "passing"}, "gives no list but 'passing' at $.148e4d9"),
        ({"148e4d9": [7]}, "gives no object but 7 at $.148e4d9[0]"),
        ({"148e4d9": [{"status": "passing"}]}, "tells no name at $.148e4d9[0]"),
        ({"148e4d9": [{"name": "alive", "status": True}]}, "gives no text but True at $.148e4d9[0].status"),
        ('{"148e4d9": [], "148e4d9": []}', "printed no JSON"),
    ],
)
def test_a_list_of_checks_of_another_shape_is_no_view(
    world: Callable[[str], LooseWorld], answer: object, told: str
) -> None:
    found = world(printing(answer)).look("fly_checks")

    assert "`fly checks list --json --app paintbox` " in str(found.error)
    assert told in str(found.error)


def test_a_check_without_a_status_does_not_pass(world: Callable[[str], LooseWorld]) -> None:
    found = world(printing({"148e4d9": [{"name": "alive", "output": "x" * 5000}]})).look("fly_checks")

    assert found.value == {
        "machines": [{"machine": "148e4d9", "results": [{"name": "alive", "status": "unknown", "output": "x" * 200}]}]
    }


# ------------------------------------------------------------------------------------------------------- addresses


def address(text: str, kind: str) -> dict[str, Any]:
    return {"ID": "", "Address": text, "Type": kind, "Region": "", "Network": None}


V4, V6 = address("66.241.125.99", "shared_v4"), address("2a09:8280:1::42", "v6")


@pytest.mark.parametrize(
    ("rows", "lacking"),
    [
        ([V4, V6], ()),
        ([address("137.66.11.5", "v4"), V6], ()),
        ([V4], ("IPv6",)),
        ([V4, address("fdaa::3", "private_v6"), address("2a09:8280:e::1", "egress_v6")], ("IPv6",)),
        ([V6, address("137.66.11.5", "egress_v4")], ("IPv4",)),
        ([address("10.0.0.1", "v4"), V6], ("IPv4",)),
        ([V4, address("2a09:8280:1::42", "v7")], ("IPv6",)),
        ([], ("IPv4", "IPv6")),
    ],
)
def test_only_public_addresses_count(
    world: Callable[[str], LooseWorld], rows: list[dict[str, Any]], lacking: tuple[str, ...]
) -> None:
    assert world(printing(rows)).look("fly_addresses").read(Addresses.parse).lacking == lacking


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("null", "gives no list but None at $"),
        ([address("somewhere", "v4")], "gives no address at $[0].Address"),
        ([address("2a09:8280:1::42", "v4")], "calls an address of IPv6 v4 at $[0]"),
        ([{"Address": "66.241.125.99"}], "tells no Type at $[0]"),
    ],
)
def test_what_is_no_address_is_told_with_its_place(
    world: Callable[[str], LooseWorld], answer: object, told: str
) -> None:
    assert told in str(world(printing(answer)).look("fly_addresses").error)


# -------------------------------------------------------------------------- releases, volumes, secrets, certificates


def release(version: int, status: str, tag: str, days: int) -> dict[str, Any]:
    image = f"registry.fly.io/paintbox:{tag}" if tag else ""
    created = (AT - timedelta(days=days)).isoformat()
    return {"Version": version, "Status": status, "ImageRef": image, "CreatedAt": created}


def test_an_image_that_was_deployed_again_is_as_old_as_before(world: Callable[[str], LooseWorld]) -> None:
    fleet = seen(world, MACHINE).read(Fleet.some)
    rows = [release(44, "complete", "abc", 1), release(43, "failed", "new", 2), release(42, "complete", "abc", 40)]
    found = world(printing(rows)).look("fly_releases").read(Releases.deployed)

    assert found.ages(fleet, AT) == {"148e4d9": timedelta(days=40)}
    assert found.earlier == ()


def test_a_digest_in_a_reference_is_no_part_of_its_tag(world: Callable[[str], LooseWorld]) -> None:
    rows = [release(44, "complete", "abc@sha256:1", 1)]
    found = world(printing(rows)).look("fly_releases").read(Releases.deployed)

    assert found.current.tag == "abc"
    assert found.current.runs_on(one(world))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "was never released"),
        ("null", "was never released"),
        ([release(1, "failed", "a", 0)], "is complete: IMG-9"),
    ],
)
def test_without_a_complete_release_nothing_can_be_said(
    world: Callable[[str], LooseWorld], rows: object, told: str
) -> None:
    with pytest.raises(CouldNotLook, match=told):
        world(printing(rows)).look("fly_releases").read(Releases.deployed)


def secret(name: str, status: str | None) -> dict[str, Any]:
    return {"name": name, "digest": "0123"} | ({"status": status} if status else {"created_at": "x"})


def test_secrets_are_kept_by_name_and_without_digests(world: Callable[[str], LooseWorld]) -> None:
    found = world(printing([secret("B", "Staged"), secret("A", "Deployed"), secret("C", "Partial")])).look(
        "fly_secrets"
    )

    assert found.read(Secrets.names) == ("A", "B", "C")
    assert found.read(Secrets.not_deployed) == ("B is staged, and on no machine", "C is on some machines only")
    assert "0123" not in str(found.value)


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        (["Staged", "Staged"], "calls every secret staged"),
        (["Deployed", None], "does not tell whether S1 is deployed"),
        (["Deployed", "Unknown"], "does not tell whether S1 is deployed"),
    ],
)
def test_what_proves_nothing_of_secrets_is_no_verdict(
    world: Callable[[str], LooseWorld], statuses: list[str | None], told: str
) -> None:
    rows = [secret(f"S{number}", status) for number, status in enumerate(statuses)]

    with pytest.raises(CouldNotLook, match=told):
        world(printing(rows)).look("fly_secrets").read(Secrets.not_deployed)


VOLUME = {"id": "vol_1", "name": "paintbox_logs", "state": "created", "attached_machine_id": "148e4d9"}


def answering(answers: Mapping[str, object]) -> str:
    cases = "".join(f"  '{words}'*) {printing(value)}\n;;\n" for words, value in answers.items())
    return f'case "$*" in\n{cases}*) echo "Error: $*" >&2; exit 1 ;;\nesac'


@pytest.mark.parametrize(
    ("snapshots", "created", "hours"),
    [
        ([{"status": "created", "created_at": "2026-11-24T04:00:00Z"}], "2026-01-01T00:00:00Z", 6),
        ([{"status": "creating", "created_at": "2026-11-24T04:00:00Z"}], "2026-11-20T10:00:00Z", 96),
        ([], "2026-11-24T09:00:00Z", 1),
        ("null", "2026-11-24T09:00:00Z", 1),
        ([], None, float("inf")),
    ],
)
def test_how_much_would_be_lost_with_a_volume(
    world: Callable[[str], LooseWorld], snapshots: object, created: str | None, hours: float
) -> None:
    answers = {"volumes list": [VOLUME | {"created_at": created}], "volumes snapshots list vol_1": snapshots}
    found = world(answering(answers)).look("fly_snapshots")

    assert [backup.age_hours(AT) for backup in found.read(Backup.parse_all)] == [hours]


def test_one_volume_that_cannot_be_asked_blinds(world: Callable[[str], LooseWorld]) -> None:
    answers = {"volumes list": [VOLUME, VOLUME | {"id": "vol_2"}], "volumes snapshots list vol_1": []}

    assert "volumes snapshots list vol_2" in str(world(answering(answers)).look("fly_snapshots").error)


def domain(host: str, **facts: object) -> dict[str, Any]:
    return {"hostname": host, "status": "active", "has_fly_certificate": True} | facts


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"hostname": "other.example", "certificates": []}, "tells of other.example"),
        ({"hostname": "a.example", "certificates": [{"status": "active"}]}, "tells no end of the certificate"),
        ({"hostname": "a.example", "certificates": [{"expires_at": 7}]}, "gives no text but 7"),
        ([], "gives no object but list of 0"),
    ],
)
def test_a_certificate_is_of_its_own_host_and_has_an_end(
    world: Callable[[str], LooseWorld], detail: object, told: str
) -> None:
    answers = {"certs list": [domain("a.example"), domain("paintbox.fly.dev")], "certs check a.example": detail}

    assert told in str(world(answering(answers)).look("domain_certificates").error)


def test_the_first_end_of_a_certificate_counts(world: Callable[[str], LooseWorld]) -> None:
    issued = [{"type": "rsa", "expires_at": "2026-12-01T00:00:00Z"}, {"expires_at": "2027-02-01T00:00:00Z"}]
    detail = {"hostname": "A.example", "certificates": [{"expires_at": "2027-02-01T00:00:00Z", "issued": issued}]}
    here = world(answering({"certs list": [domain("a.example")], "certs check a.example": detail}))

    assert here.look("domain_certificates").value == {
        "certificates": [{"host": "a.example", "expires": "2026-12-01T00:00:00Z"}]
    }


def test_domains_that_were_not_told_are_not_none(world: Callable[[str], LooseWorld]) -> None:
    assert "gives no list but None" in str(world(printing("null")).look("fly_domains").error)


def test_the_twin_is_seen_as_it_is(tmp_path: Path) -> None:
    with Twin(2) as twin, LooseWorld(tmp_path, environment=twin.environment) as here:
        fleet = here.look("fly_machines").read(Fleet.some)
        state = twin.state

    assert [one.id for one in fleet.machines] == sorted(one.id for one in state.machines)
    assert {one.image.digest for one in fleet.machines} == {state.releases[0].image.digest}
    assert {one.memory_mb for one in fleet.machines} == {2048}
