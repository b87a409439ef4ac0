"""What the stand-in's commands change in the twin: stop, start, restart, scale, deploy, and leases."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import threading
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from fixtures.twin import Twin, lifecycle, world
from fixtures.twin.cli.main import main
from fixtures.twin.faults import inject
from fixtures.twin.http_server import Request

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Twin(machines=3) as running:
        running.state.booting_seconds, running.state.checking_seconds = 0.05, 0.05
        yield running


def fly(twin: Twin, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The stand-in in this process: a process each would take most of the time of these tests."""
    out, error = io.StringIO(), io.StringIO()
    environment = mock.patch.dict(os.environ, {**twin.environment, **more}, clear=True)
    with environment, contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        status = main("fly", list(words))
    return subprocess.CompletedProcess(words, status, out.getvalue(), error.getvalue())


def deploy(twin: Twin, *more: str) -> subprocess.CompletedProcess[str]:
    return fly(twin, "deploy", "--config", str(world.FLY_TOML), *more)


def ids(twin: Twin) -> list[str]:
    return [machine.id for machine in twin.state.machines]


def test_stop_and_start(twin: Twin) -> None:
    first = ids(twin)[0]
    done = fly(twin, "machine", "stop", first, "-a", "paintbox", "-w", "5s")
    assert done.stdout == f"Sending kill signal to machine {first}...\n{first} has been successfully stopped\n"
    machine = twin.state.machines[0]
    assert (machine.state, machine.checks[0].status) == ("stopped", "warning")
    assert [(event.type, event.source) for event in machine.events[:2]] == [("exit", "flyd"), ("stop", "user")]
    assert fly(twin, "machine", "start", first, "-a", "paintbox").returncode == 0
    assert twin.state.wait_until(lambda: machine.state == "started", 5)


def test_machine_ids_are_needed(twin: Twin) -> None:
    done = fly(twin, "machine", "stop", "-a", "paintbox")
    assert (done.returncode, done.stderr) == (
        1,
        "Error: a machine ID must be specified when not running interactively\n",
    )


def test_restart_cures_an_ill_machine_and_waits_for_its_checks(twin: Twin) -> None:
    inject(twin.state, "machine-ill")
    machine = twin.state.machines[-1]
    done = fly(twin, "machine", "restart", machine.id, "-a", "paintbox")
    assert (done.returncode, machine.ill, machine.state) == (0, False, "started")
    assert {check.status for check in machine.checks} == {"passing"}
    assert [event.type for event in machine.events[:4]] == ["start", "restart", "exit", "restart"]


def test_scale_count_needs_yes_and_clones_the_first_machine(twin: Twin) -> None:
    refused = fly(twin, "scale", "count", "4", "-a", "paintbox")
    assert (refused.returncode, refused.stderr) == (
        1,
        "Error: --yes flag must be specified when not running interactively\n",
    )
    assert fly(twin, "scale", "count", "4", "--yes", "-a", "paintbox").returncode == 0
    assert len(ids(twin)) == 4
    assert twin.state.machines[3].config["guest"] == twin.state.machines[0].config["guest"]
    assert {volume.machine for volume in twin.state.volumes} == set(ids(twin))
    assert fly(twin, "scale", "count", "2", "-y", "-a", "paintbox").returncode == 0
    assert len(ids(twin)) == 2
    assert "No need for changes" in fly(twin, "scale", "count", "2", "-y", "-a", "paintbox").stdout


@pytest.mark.parametrize(("size", "status"), [("4096", 0), ("4gb", 0), ("5000", 1), ("8192", 1)])
def test_scale_memory_keeps_the_platforms_rules(twin: Twin, size: str, status: int) -> None:
    done = fly(twin, "scale", "memory", size, "-a", "paintbox")
    assert done.returncode == status, done.stderr
    assert {machine.config["guest"]["memory_mb"] for machine in twin.state.machines} == {2048 if status else 4096}


def test_a_deploy_updates_every_machine_one_alone_first(twin: Twin) -> None:
    done = deploy(twin)
    assert done.returncode == 0, done.stderr
    release = twin.state.releases[0]
    assert (release.version, release.status) == (44, "complete")
    assert {machine.image.digest for machine in twin.state.machines} == {release.image.digest}
    assert {machine.config["metadata"]["fly_release_version"] for machine in twin.state.machines} == {"44"}
    updates = [asked.target for asked in twin.state.asked if asked.method == "POST" and asked.target.count("/") == 5]
    assert [target.rpartition("/")[2] for target in updates] == sorted(ids(twin))
    assert not [machine for machine in twin.state.machines if lifecycle.holder(machine)]


def test_a_deploy_of_an_old_image_brings_it_back(twin: Twin) -> None:
    before = twin.state.releases[1]
    assert deploy(twin, "--image", before.image.reference).returncode == 0
    assert {machine.image.digest for machine in twin.state.machines} == {before.image.digest}


def test_a_sick_release_stops_at_the_first_machine_and_stays_there(twin: Twin) -> None:
    inject(twin.state, "next-release-sick")
    done = deploy(twin, "--wait-timeout", "1s")
    assert done.returncode == 1
    assert "timeout reached waiting for health checks to pass" in done.stderr
    assert twin.state.releases[0].status == "failed"
    new = [machine for machine in twin.state.machines if machine.image.digest == twin.state.releases[0].image.digest]
    assert len(new) == 1
    assert not lifecycle.holder(new[0]), "leases are given back whatever happens"


def test_an_unknown_image_is_refused(twin: Twin) -> None:
    done = deploy(twin, "--image", "registry.fly.io/paintbox:never-built")
    assert 'could not find image "registry.fly.io/paintbox:never-built"' in done.stderr
    assert twin.state.releases[0].version == 43


def test_a_leased_machine_is_not_changed_by_others(twin: Twin) -> None:
    lifecycle.take_lease(twin.state, twin.state.machines[0], "", 60)
    done = fly(twin, "machine", "stop", ids(twin)[0], "-a", "paintbox")
    assert done.returncode == 1
    assert "lease currently held by deployer@paintbox.example" in done.stderr
    assert twin.state.machines[0].state == "started"


def test_a_rolling_deploy_loses_no_request(twin: Twin) -> None:
    from fixtures.twin.edge import Edge  # noqa: PLC0415 - one test of many
    from fixtures.twin.light_app import LightApp  # noqa: PLC0415 - one test of many

    edge, statuses, done = Edge(twin.state, LightApp(twin.state)), [], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            answer = edge.secure(Request("GET", "/", {}, b"", "HTTP/1.1", "127.0.0.1"))
            statuses.append(answer.status if answer else 0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert deploy(twin).returncode == 0
    done.set()
    watcher.join()
    assert set(statuses) == {200}
    assert len(statuses) > 10


def test_cordon_takes_a_machine_out_of_the_balance(twin: Twin) -> None:
    for machine_id in ids(twin)[1:]:
        assert fly(twin, "machine", "cordon", machine_id, "-a", "paintbox").returncode == 0
    assert [machine.serves for machine in twin.state.machines] == [True, False, False]
    assert fly(twin, "machine", "uncordon", *ids(twin)[1:], "-a", "paintbox").returncode == 0
    assert all(machine.serves for machine in twin.state.machines)
