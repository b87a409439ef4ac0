"""What the app's process is given: variables, the heap, and node's flags. fly.toml's word counts before the image's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.fly_toml import FlyToml
    from fixtures.node import NodeWord
    from fixtures.runtime import Runtime
    from fixtures.target import Target


@item("ENV-1", expects="NODE_ENV={environment.node_env}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_node_runs_for_production(runtime: Runtime, expected: Target) -> None:
    """NODE_ENV says production.

    Next.js and its libraries switch their optimisations on, and error pages with source code off, for exactly this
    value.
    """
    assert runtime.value("NODE_ENV") == expected.environment.node_env, runtime.told("NODE_ENV")


@item("ENV-2", expects="PORT={environment.port}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_server_listens_on_the_documented_port(runtime: Runtime, expected: Target) -> None:
    """The server is told to listen on the documented port.

    Next.js listens on 3000 otherwise, where nobody connects.
    """
    assert runtime.value("PORT") == str(expected.environment.port), runtime.told("PORT")


@item("ENV-2", expects="internal_port = {environment.port}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_service_points_at_that_port(fly_toml: FlyToml, expected: Target) -> None:
    """The proxy connects to the port that the server listens on.

    Anywhere else nobody answers, and every user gets an error.
    """
    wanted = expected.environment.port
    wrong = [f"{place} connects to port {port}" for place, port in fly_toml.internal_ports.items() if port != wanted]

    assert not wrong, "; ".join(wrong)


@item("ENV-3", expects="a heap of {environment.heap_mb} MB, below the machine's {machines.memory_mb} MB")
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_heap_is_capped_below_the_machine(runtime: Runtime, expected: Target) -> None:
    """Node's heap is capped as documented, and the machine has more than that.

    The rest is for buffers, threads and the system: a heap that may grow into it is killed by the kernel. That the
    machine has its memory is CFG-2.
    """
    capped = runtime.heap_mb == expected.environment.heap_mb < expected.machines.memory_mb

    assert capped, runtime.told_heap


@item("ENV-4", expects="no flag that node refuses where it stands")
@pytest.mark.predeploy
@pytest.mark.offline
def test_node_accepts_its_flags(node_word: NodeWord) -> None:
    """Node accepts every flag that it is started with, in the place where it stands.

    It refuses some in NODE_OPTIONS, --optimize-for-size among them, and exits with status 9: no machine would start.
    The node on this computer is asked; where it is not of the image's release, the failure names both.
    """
    assert not node_word.refused, node_word.told


@item("ENV-5", expects="NEXT_TELEMETRY_DISABLED={environment.telemetry_disabled}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_next_sends_no_telemetry(runtime: Runtime, expected: Target) -> None:
    """Next.js is told to send no telemetry.

    Otherwise it reports to a third party that users were not told about.
    """
    name = "NEXT_TELEMETRY_DISABLED"

    assert runtime.value(name) == expected.environment.telemetry_disabled, runtime.told(name)


@item("ENV-6", expects="GENERATE_SOURCEMAP={environment.generate_sourcemap}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_no_source_maps_are_asked_for(runtime: Runtime, expected: Target) -> None:
    """Build tools are told to make no source maps.

    Next.js does not read this variable (ERRATA.md); a tool that does would publish the source. OPT-4 proves the effect.
    """
    name = "GENERATE_SOURCEMAP"

    assert runtime.value(name) == expected.environment.generate_sourcemap, runtime.told(name)


@item("ENV-7", expects="{environment.size_flag} in the start command")
@pytest.mark.predeploy
@pytest.mark.offline
def test_node_is_started_for_size(runtime: Runtime, expected: Target) -> None:
    """Node is asked to optimise for size where it accepts that: in the start command.

    The original runbook has the flag in NODE_OPTIONS, where node refuses it (ENV-4).
    """
    asked = [one for one in runtime.flags_named(expected.environment.size_flag) if one.place == "start command"]

    assert asked, runtime.told_start
