"""Health, live: what the app says of itself through the edge, and what the platform sees on each machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.each_machine import EachMachine
    from fixtures.fleet_machines import Machine
    from fixtures.health import DeepHealth, SimpleHealth, Timing
    from fixtures.target import Target


@item("HLT-1", expects="200 and the documented body from {health_checks.simple.path}")
@pytest.mark.smoke
def test_app_is_up(health: SimpleHealth) -> None:
    """The simple health check answers 200 with its documented body."""
    assert not health.faults, "; ".join(health.faults)


@item("HLT-2", expects="{health_checks.simple.path} within {health.simple_limit_seconds} s")
@pytest.mark.smoke
def test_simple_health_is_quick(simple_timing: Timing, expected: Target) -> None:
    """The simple health check answers before the platform would lose patience and take the machine out."""
    limit = expected.health.simple_limit_seconds

    assert simple_timing.seconds <= limit, f"{simple_timing.url} took {simple_timing.seconds:.2f} s"


@item("HLT-3", expects='200 and status "healthy" from {health_checks.deep.path}, and {health.parts} each one pass')
@pytest.mark.smoke
def test_app_is_healthy_in_every_part(deep_health: DeepHealth, expected: Target) -> None:
    """The deep health check says "healthy", and every part that it reports on passes.

    "degraded" comes with 200, too, and a part that is missing was not checked.
    """
    faults = deep_health.faults(expected.health.parts)

    assert not faults, "; ".join(faults)


@item("HLT-4", expects="{health_checks.deep.path} within {health.deep_limit_seconds} s")
@pytest.mark.postdeploy
def test_deep_health_is_quick(deep_timing: Timing, expected: Target) -> None:
    """The deep health check answers before the platform would give it up."""
    limit = expected.health.deep_limit_seconds

    assert deep_timing.seconds <= limit, f"{deep_timing.url} took {deep_timing.seconds:.2f} s"


@item("HLT-5", expects="a TCP check that passes on every started machine")
@pytest.mark.smoke
def test_tcp_check_passes_on_every_machine(checked_machines: tuple[Machine, ...]) -> None:
    """The platform can connect to the server of every started machine.

    The edge accepts connections whatever the app does, so the platform's own check is judged. A machine that sleeps
    has no server, and shows its checks as warnings.
    """
    failing = [told for machine in checked_machines for told in machine.failing("tcp")]

    assert not failing, "; ".join(failing)


@item("HLT-7", expects="every check but the TCP one (HLT-5) passing on every started machine")
@pytest.mark.smoke
def test_platform_sees_every_check_pass(checked_machines: tuple[Machine, ...]) -> None:
    """The platform sees every HTTP check pass on every started machine; the TCP check is HLT-5.

    The proxy sends nothing to a machine with a failing check: the others carry its load.
    """
    failing = [told for machine in checked_machines for told in machine.failing("http")]

    assert not failing, "; ".join(failing)


@item("HLT-6", expects="200 and the documented body from {health_checks.simple.path} on every machine that serves")
@pytest.mark.postdeploy
def test_every_machine_is_healthy_on_its_own(machines_alone: EachMachine) -> None:
    """Every machine that the edge may pick answers its health check, not only the one that it picked."""
    assert not machines_alone.ill, "; ".join(machines_alone.ill)
