"""Machine configuration, as fly.toml asks for it and as machines carry it: size, number, scaling, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.fleet_machines import Fleet
    from fixtures.fly_cli import Validation
    from fixtures.fly_sections import Service
    from fixtures.fly_toml import FlyToml
    from fixtures.target import Target


@item("CFG-1", expects="{machines.cpus} {machines.cpu_kind} CPUs")
@pytest.mark.predeploy
@pytest.mark.offline
def test_fly_toml_asks_for_the_documented_cpus(fly_toml: FlyToml, expected: Target) -> None:
    """fly.toml asks for the documented number and kind of CPUs.

    The concurrency limits were chosen for this size. What `fly scale vm` sets by hand lasts until the next deploy.
    """
    wanted = (expected.machines.cpus, expected.machines.cpu_kind)
    wrong = [f"{vm.where} asks for {vm.told}" for vm in fly_toml.sizes if (vm.cpus, vm.cpu_kind) != wanted]

    assert not wrong, "; ".join(wrong)


@item("CFG-2", expects="{machines.memory_mb} MB")
@pytest.mark.predeploy
@pytest.mark.offline
def test_fly_toml_asks_for_the_documented_memory(fly_toml: FlyToml, expected: Target) -> None:
    """fly.toml asks for the memory that the heap limit was chosen for.

    A machine without a memory of its own gets its preset's: 256 MB for each shared CPU.
    """
    wanted = expected.machines.memory_mb
    wrong = [f"{vm.where} asks for {vm.told}" for vm in fly_toml.sizes if vm.memory_mb != wanted]

    assert not wrong, "; ".join(wrong)


@item("CFG-3", expects="{machines.minimum} to {machines.maximum} machines kept running")
@pytest.mark.predeploy
@pytest.mark.offline
def test_enough_machines_are_kept_running(fly_toml: FlyToml, services: tuple[Service, ...], expected: Target) -> None:
    """Enough machines are kept running for one to fail while the other serves.

    Fly.io has no key for a ceiling: that is how many machines exist, which is looked at after the deploy.
    """
    wrong = [
        f"{fly_toml.where(f'{one.section}.min_machines_running')} keeps {one.min_machines_running or 'none'} running"
        for one in services
        if not expected.machines.minimum <= (one.min_machines_running or 0) <= expected.machines.maximum
    ]

    assert not wrong, "; ".join(wrong)


@item("CFG-6", expects="machines that start and stop by themselves")
@pytest.mark.predeploy
@pytest.mark.offline
def test_scaling_is_automatic(fly_toml: FlyToml, services: tuple[Service, ...]) -> None:
    """Machines start by themselves under load, and stop by themselves after it.

    Without the first, users are turned away while machines sleep. Without the second, the floor has no effect: Fly.io
    heeds min_machines_running only where machines may stop.
    """
    switches = [
        (f"{one.section}.{key}", value)
        for one in services
        for key, value in (("auto_start_machines", one.auto_start), ("auto_stop_machines", one.auto_stop))
    ]
    off = {key: value for key, value in switches if value in {None, False, "off"}}
    wrong = [f"{fly_toml.where(key)} {key} is {str(value).lower()}" for key, value in off.items()]

    assert not wrong, "; ".join(wrong)


@item("CFG-4", expects="soft limit {concurrency.soft_limit}, hard limit {concurrency.hard_limit}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_concurrency_is_limited_as_documented(
    fly_toml: FlyToml, services: tuple[Service, ...], expected: Target
) -> None:
    """A machine is relieved at the documented load, and sent nothing more above the documented limit.

    Too high, and a machine drowns before another one starts; too low, and users wait for machines that idle.
    """
    wanted = (expected.concurrency.soft_limit, expected.concurrency.hard_limit)
    wrong = [
        f"{fly_toml.where(f'{one.section}.concurrency')} has soft limit {one.soft_limit}, hard limit {one.hard_limit}"
        for one in services
        if (one.soft_limit, one.hard_limit) != wanted
    ]

    assert not wrong, "; ".join(wrong)


@item("CFG-5", expects="nothing that Fly.io ignores, misreads or refuses")
@pytest.mark.predeploy
@pytest.mark.offline
def test_nothing_in_fly_toml_is_silently_ignored(misunderstood: tuple[str, ...]) -> None:
    """The platform heeds every key of fly.toml, and reads every value as it was meant.

    An unknown key vanishes without a word, and so does what it was to protect. The health checks' own tables are judged
    by HCK-1 to 3.
    """
    assert not misunderstood, "; ".join(misunderstood)


@item("CFG-5", expects="a file that `fly config validate --strict` accepts")
@pytest.mark.predeploy
def test_the_fly_cli_accepts_fly_toml(config_validation: Validation, fly_toml: FlyToml) -> None:
    """The Fly CLI's own strict validation finds nothing to refuse.

    It knows rules that a reading of keys does not: which values go together, and in which range. What the reading has
    told already is not told twice.
    """
    refused = config_validation.beyond(fly_toml.ignored)

    assert not refused, "; ".join(refused)


@item("CFG-1", expects="{machines.cpus} {machines.cpu_kind} CPUs")
@pytest.mark.postdeploy
def test_machines_have_the_documented_cpus(configured: Fleet, expected: Target) -> None:
    """Every machine has the documented number and kind of CPUs.

    The concurrency limits were chosen for this size. What `fly scale vm` set by hand lasts until the next deploy.
    """
    wanted = (expected.machines.cpus, expected.machines.cpu_kind)
    sizes = {machine.id: machine.size for machine in configured.machines}
    wrong = [f"machine {name} has {size.told}" for name, size in sizes.items() if (size.cpus, size.cpu_kind) != wanted]

    assert not wrong, "; ".join(wrong)


@item("CFG-2", expects="{machines.memory_mb} MB")
@pytest.mark.postdeploy
def test_machines_have_the_documented_memory(configured: Fleet, expected: Target) -> None:
    """Every machine has the memory that the heap limit was chosen for.

    With less, the kernel kills the server under load, whatever its heap limit says.
    """
    wanted = expected.machines.memory_mb
    wrong = [f"machine {one.id} has {one.size.told}" for one in configured.machines if one.memory_mb != wanted]

    assert not wrong, "; ".join(wrong)


@item("CFG-3", expects="{machines.minimum} machines at least")
@pytest.mark.postdeploy
def test_no_fewer_machines_exist_than_documented(whole_fleet: Fleet, expected: Target) -> None:
    """As many machines exist as the floor needs.

    The proxy starts what exists, and creates nothing: with one machine, every deploy and every crash is an outage.
    """
    count = len(whole_fleet.machines)

    assert count >= expected.machines.minimum, f"{whole_fleet.app} has {count} machine{'s' * (count != 1)}"


@item("CFG-3", expects="{machines.maximum} machines at most")
@pytest.mark.postdeploy
def test_no_more_machines_exist_than_documented(whole_fleet: Fleet, expected: Target) -> None:
    """No more machines exist than the documented maximum.

    Fly.io has no key for a ceiling: what exists is what load can start, and what is paid for.
    """
    count = len(whole_fleet.machines)

    assert count <= expected.machines.maximum, f"{whole_fleet.app} has {count} machines"


@item("CFG-3", expects="{machines.minimum} to {machines.maximum} machines kept running")
@pytest.mark.postdeploy
def test_machines_carry_the_floor(carried_services: tuple[Service, ...], expected: Target) -> None:
    """Every machine carries the floor below which the proxy puts none to sleep.

    The proxy goes by what machines carry, not by fly.toml.
    """
    wrong = [
        f"{one.where} keeps {one.min_machines_running or 'none'} running"
        for one in carried_services
        if not expected.machines.minimum <= (one.min_machines_running or 0) <= expected.machines.maximum
    ]

    assert not wrong, "; ".join(wrong)


@item("CFG-4", expects="soft limit {concurrency.soft_limit}, hard limit {concurrency.hard_limit}")
@pytest.mark.postdeploy
def test_machines_carry_the_documented_limits(carried_services: tuple[Service, ...], expected: Target) -> None:
    """Every machine is relieved at the documented load, and sent nothing more above the documented limit.

    Too high, and this machine drowns before another one starts; too low, and users wait for machines that idle.
    """
    wanted = (expected.concurrency.soft_limit, expected.concurrency.hard_limit)
    wrong = [
        f"{one.where} has soft limit {one.soft_limit}, hard limit {one.hard_limit}"
        for one in carried_services
        if (one.soft_limit, one.hard_limit) != wanted
    ]

    assert not wrong, "; ".join(wrong)


@item("CFG-6", expects="machines that start and stop by themselves")
@pytest.mark.postdeploy
def test_machines_scale_by_themselves(carried_services: tuple[Service, ...]) -> None:
    """Every machine may be started by load and put to sleep after it.

    One that may not start is no use when it is needed; where one may not stop, the floor has no effect.
    """
    switches = [(one.where, one.auto_start, one.auto_stop) for one in carried_services]
    wrong = [
        f"{where} has autostart {str(start).lower()}, autostop {stop}"
        for where, start, stop in switches
        if not start or stop in {None, "off"}
    ]

    assert not wrong, "; ".join(wrong)
