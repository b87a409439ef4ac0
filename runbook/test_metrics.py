"""Key metrics: what the app, its machines and the platform count."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from datetime import datetime

    from fixtures.app_metrics import MetricsAnswer
    from fixtures.exposition import Exposition
    from fixtures.fleet_machines import Fleet
    from fixtures.last_good_run import MemoryChange
    from fixtures.machine_history import History
    from fixtures.machine_metrics import ServerAge
    from fixtures.memory import MemoryUse
    from fixtures.own_traffic import OwnTraffic
    from fixtures.platform_metrics import MemoryKills, ServerErrors
    from fixtures.target import Target


@item("MET-6", expects="exposition format, as text/plain, from {paths.metrics}")
@pytest.mark.smoke
def test_metrics_can_be_scraped(metrics_answer: MetricsAnswer) -> None:
    """The app's metrics are valid exposition format: a scraper drops all of a page that is not."""
    assert not metrics_answer.faults, "; ".join(metrics_answer.faults)


@item("MET-6", expects="{metrics.series}, each with a number", needs=["paths.metrics"])
@pytest.mark.smoke
def test_metrics_tell_what_dashboards_need(app_metrics: Exposition, expected: Target) -> None:
    """Uptime, memory and health are among the app's metrics: a series that is gone alarms nobody."""
    unusable = app_metrics.unusable(expected.metrics.series)

    assert not unusable, f"{app_metrics.url}: {', '.join(unusable)}"


@item(
    "MET-2",
    expects="less than {memory.limit_percent} % on every machine ({memory.series})",
    needs=["paths.metrics", "memory.resident_series", "memory.heap_used_series", "memory.heap_total_series"],
)
@pytest.mark.smoke
@pytest.mark.usefixtures("last_good_run")  # told beside what was observed, whatever the target makes of it
def test_every_machine_has_memory_left(memory: list[MemoryUse], expected: Target) -> None:
    """Every machine has memory left.

    Above the limit the kernel soon kills the server, with the requests that it is answering. The app's own percentage
    is shown beside it, and idles near 95 on a healthy server.
    """
    full = [use.told for use in memory if use.percent >= expected.memory.limit_percent]

    assert not full, "; ".join(full)


@item(
    "MET-2",
    expects="not more than {memory.regression_tolerance_percent} % above the last passing run,"
    " as soon as that is {memory.regression_minimum_points} points",
    needs=["memory.limit_percent", "paths.metrics", "memory.series", "memory.resident_series"],
)
@pytest.mark.smoke
def test_memory_is_as_low_as_before(memory_since_last_good_run: MemoryChange, expected: Target) -> None:
    """No release needs much more memory than the last passing run of this target has seen.

    A leak that is slow enough passes every limit for weeks, and then takes all machines at once.
    """
    grown = memory_since_last_good_run.grown(expected.memory)

    assert not grown, str(grown)


@item("MET-3", expects="every machine started, or put to sleep by the proxy")
@pytest.mark.smoke
def test_every_machine_runs_or_sleeps(whole_fleet: Fleet) -> None:
    """There are machines, and each of them runs, or sleeps because the proxy sent it to sleep.

    One that crashed, gave up or was stopped by a user takes its part of the capacity with it; its events tell which it
    is.
    """
    down = [f"machine {one.id} {one.fate}" for one in whole_fleet.machines if not (one.started or one.asleep)]
    none = [] if whole_fleet.machines else [f"{whole_fleet.app} has no machine"]

    assert not down + none, "; ".join(down + none)


@item("MET-3", expects="{machines.minimum} machines awake, as far as that many exist")
@pytest.mark.smoke
def test_enough_machines_are_awake(fleet: Fleet, expected: Target) -> None:
    """The proxy leaves as many machines awake as the floor demands.

    Below it, one failure leaves nobody to serve while the others wake. A machine that is down for another reason, and
    a fleet that is too small, are told by themselves.
    """
    asleep = [machine.id for machine in fleet.machines if machine.asleep]
    floor = min(expected.machines.minimum, len(fleet.machines))

    assert len(fleet.machines) - len(asleep) >= floor, f"{len(asleep)} of {len(fleet.machines)} machines sleep"


@item("MET-3", expects="every machine on a host that Fly.io reaches")
@pytest.mark.smoke
def test_every_host_is_there(fleet: Fleet) -> None:
    """Fly.io reaches the host of every machine.

    A machine on a lost host cannot be started, stopped or deployed, and what is told of it is old.
    """
    lost = [f"the host of machine {one.id} is {one.host_status}" for one in fleet.machines if one.host_status != "ok"]

    assert not lost, "; ".join(lost)


@item("MET-5", expects="no 5xx at the edge in the last {errors.window_hours} h", needs=["platform_metrics.base_url"])
@pytest.mark.postdeploy
def test_edge_answered_nobody_with_a_server_error(server_errors: ServerErrors) -> None:
    """The edge answered nobody with a 5xx lately."""
    assert not server_errors.counts, server_errors.told


@item(
    "MET-5", expects="no 5xx to this run; health checks, keys and metrics have items of their own", needs=["paths.page"]
)
@pytest.mark.postdeploy
def test_this_run_met_no_server_error(own_traffic: OwnTraffic) -> None:
    """Nothing that this run asked was answered with a 5xx: not a page, an asset, nor what does not exist."""
    assert not own_traffic.server_errors, "; ".join(own_traffic.server_errors)


@item("MET-7", expects="since its release no end of any machine that nobody asked for, with a status other than 0")
@pytest.mark.postdeploy
def test_no_machine_was_restarted_after_a_crash(history: History) -> None:
    """No machine has crashed and come back since its release."""
    assert not history.crashes, "; ".join(history.crashes)


@item(
    "MET-7",
    expects="every server as old as its machine, within {metrics.uptime_tolerance_seconds} s",
    needs=["paths.metrics", "metrics.uptime_series"],
)
@pytest.mark.postdeploy
def test_no_server_was_started_again_inside_its_machine(server_ages: list[ServerAge], expected: Target) -> None:
    """Every server has run since its machine started: one that is started again inside it leaves no event."""
    limit = expected.metrics.uptime_tolerance_seconds
    younger = [age.told for age in server_ages if age.younger_by_seconds > limit]

    assert not younger, "; ".join(younger)


@item("MET-9", expects="no kill for memory in the last {memory.kill_window_hours} h, by the machines' events")
@pytest.mark.postdeploy
def test_no_machine_tells_of_a_kill_for_memory(history: History, clock: datetime, expected: Target) -> None:
    """No machine's newest events tell that it was killed for memory: it restarts, and looks healthy until the next."""
    kills = history.kills_since(clock - timedelta(hours=expected.memory.kill_window_hours))

    assert not kills, "; ".join(kills)


@item(
    "MET-9",
    expects="no kill for memory in the last {memory.kill_window_hours} h, by the platform's metrics",
    needs=["platform_metrics.base_url"],
)
@pytest.mark.postdeploy
def test_platform_counted_no_kill_for_memory(memory_kills: MemoryKills) -> None:
    """The platform counted no kill for memory: it remembers those that newer events have pushed out of the list."""
    assert not memory_kills.machines, f"killed for memory: machine {', machine '.join(memory_kills.machines)}"
