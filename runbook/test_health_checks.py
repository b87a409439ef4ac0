"""Health checks, as fly.toml asks for them and as machines carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.fly_health_checks import HealthChecks
    from fixtures.target import Target


@item(
    "HCK-1",
    expects="{health_checks.simple.method} {health_checks.simple.path} every {health_checks.simple.interval_seconds} s,"
    " timeout {health_checks.simple.timeout_seconds} s",
)
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_simple_check_is_made_as_documented(health_checks: HealthChecks, expected: Target) -> None:
    """The platform asks for the simple health as often, and waits as long, as documented.

    It is what takes a machine out of rotation. Durations are texts with a unit: Fly.io takes `interval = 15` for
    nanoseconds here.
    """
    wanted = expected.health_checks.simple
    found = health_checks.of(wanted.path)
    wrong = [one.told for one in found if not one.asks(wanted.method, wanted.interval_seconds, wanted.timeout_seconds)]

    assert not wrong, "; ".join(wrong)


@item(
    "HCK-2",
    expects="{health_checks.deep.method} {health_checks.deep.path} every {health_checks.deep.interval_seconds} s,"
    " timeout {health_checks.deep.timeout_seconds} s",
)
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_deep_check_is_made_as_documented(health_checks: HealthChecks, expected: Target) -> None:
    """The platform asks for the deep health as often, and waits as long, as documented.

    Without it a machine whose key set or storage is broken looks healthy, and fails its users.
    """
    wanted = expected.health_checks.deep
    found = health_checks.of(wanted.path)
    wrong = [one.told for one in found if not one.asks(wanted.method, wanted.interval_seconds, wanted.timeout_seconds)]

    assert not wrong, "; ".join(wrong)


@item(
    "HCK-3",
    expects="TCP on port {environment.port} every {health_checks.tcp.interval_seconds} s,"
    " timeout {health_checks.tcp.timeout_seconds} s",
    needs=["health_checks.simple.path", "health_checks.deep.path"],
)
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_tcp_check_is_made_as_documented(health_checks: HealthChecks, expected: Target) -> None:
    """The platform connects to the service's port as often, and waits as long, as documented.

    It tells a process that is gone from one that answers badly. A `type = "tcp"` within [[http_service.checks]] is
    dropped, and the check becomes an HTTP one: only [checks.NAME] and [[services.tcp_checks]] connect.
    """
    wanted, http = expected.health_checks.tcp, expected.health_checks
    found = health_checks.tcp(http.simple.path, http.deep.path)
    port = expected.environment.port
    wrong = [one.told for one in found if not one.connects(port, wanted.interval_seconds, wanted.timeout_seconds)]

    assert not wrong, "; ".join(wrong)


@item(
    "HCK-1",
    expects="{health_checks.simple.method} {health_checks.simple.path} every {health_checks.simple.interval_seconds} s,"
    " timeout {health_checks.simple.timeout_seconds} s",
)
@pytest.mark.postdeploy
def test_machines_carry_the_simple_check(carried_checks: tuple[HealthChecks, ...], expected: Target) -> None:
    """Every machine is asked for the simple health as often as documented.

    A check is made as the machine carries it, whatever fly.toml says.
    """
    wanted = expected.health_checks.simple
    found = [one for checks in carried_checks for one in checks.of(wanted.path)]
    wrong = [one.told for one in found if not one.asks(wanted.method, wanted.interval_seconds, wanted.timeout_seconds)]

    assert not wrong, "; ".join(wrong)


@item(
    "HCK-2",
    expects="{health_checks.deep.method} {health_checks.deep.path} every {health_checks.deep.interval_seconds} s,"
    " timeout {health_checks.deep.timeout_seconds} s",
)
@pytest.mark.postdeploy
def test_machines_carry_the_deep_check(carried_checks: tuple[HealthChecks, ...], expected: Target) -> None:
    """Every machine is asked for the deep health as often as documented.

    Without it a machine whose key set or storage is broken keeps its users.
    """
    wanted = expected.health_checks.deep
    found = [one for checks in carried_checks for one in checks.of(wanted.path)]
    wrong = [one.told for one in found if not one.asks(wanted.method, wanted.interval_seconds, wanted.timeout_seconds)]

    assert not wrong, "; ".join(wrong)


@item(
    "HCK-3",
    expects="TCP on port {environment.port} every {health_checks.tcp.interval_seconds} s,"
    " timeout {health_checks.tcp.timeout_seconds} s",
)
@pytest.mark.postdeploy
def test_machines_carry_the_tcp_check(carried_checks: tuple[HealthChecks, ...], expected: Target) -> None:
    """The platform connects to every machine's service port as often as documented.

    A TCP check that fly.toml meant and the platform dropped is missing here.
    """
    wanted, port = expected.health_checks.tcp, expected.environment.port
    found = [one for checks in carried_checks for one in checks.tcp()]
    wrong = [one.told for one in found if not one.connects(port, wanted.interval_seconds, wanted.timeout_seconds)]

    assert not wrong, "; ".join(wrong)
