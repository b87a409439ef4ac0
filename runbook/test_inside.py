"""Inside the machines: what really runs there, and what it can write to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.heap_limits import FLAG
from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.machine import Inside, ServerInside
    from fixtures.target import Target

pytestmark = pytest.mark.postdeploy


@item("IMG-2", expects="{image.user}:{image.group} in every machine")
def test_server_process_runs_as_the_documented_user(servers: tuple[ServerInside, ...], expected: Target) -> None:
    """In every machine the server runs as the documented user and group, not as root.

    The image declares it; fly.toml and whatever starts the process can do otherwise.
    """
    wanted = (expected.image.user, expected.image.group)
    wrong = [f"machine {one.machine} runs it as {one.user}:{one.group}" for one in servers if one.owner != wanted]

    assert not wrong, "; ".join(wrong)


@item("IMG-8", expects="port {environment.port}, on all addresses, in every machine")
def test_server_listens_on_the_documented_port(insides: tuple[Inside, ...], expected: Target) -> None:
    """In every machine the server listens on the documented port, where the proxy reaches it.

    Elsewhere, or on the loopback address alone, nobody connects, and every user gets an error.
    """
    deaf = [one.told_listens for one in insides if not one.serves(expected.environment.port)]

    assert not deaf, "; ".join(deaf)


@item(
    "IMG-8",
    expects="NODE_ENV={environment.node_env}, PORT={environment.port}, "
    "NEXT_TELEMETRY_DISABLED={environment.telemetry_disabled}, GENERATE_SOURCEMAP={environment.generate_sourcemap}",
)
def test_server_runs_with_the_documented_environment(servers: tuple[ServerInside, ...], expected: Target) -> None:
    """In every machine the server was given the documented environment.

    Secrets come on top of fly.toml and the image: one with the name of a variable replaces it, and no file shows it.
    """
    wanted = {
        "NODE_ENV": expected.environment.node_env,
        "PORT": str(expected.environment.port),
        "NEXT_TELEMETRY_DISABLED": expected.environment.telemetry_disabled,
        "GENERATE_SOURCEMAP": expected.environment.generate_sourcemap,
    }
    wrong = [f"machine {one.machine}: {told}" for one in servers for told in one.differing(wanted)]

    assert not wrong, "; ".join(wrong)


@item("IMG-8", expects="a heap of {environment.heap_mb} MB in NODE_OPTIONS, in every machine")
def test_server_caps_its_heap_as_documented(servers: tuple[ServerInside, ...], expected: Target) -> None:
    """In every machine the server's heap is capped as documented.

    Without the cap it grows until the kernel ends it; with a smaller one it aborts under load.
    """
    wrong = [
        f"machine {one.machine}: NODE_OPTIONS is {one.variables.get('NODE_OPTIONS')!r}"
        for one in servers
        if FLAG.findall(one.variables.get("NODE_OPTIONS", ""))[-1:] != [str(expected.environment.heap_mb)]
    ]

    assert not wrong, "; ".join(wrong)


@item("REC-2", expects="the volume mounted at {volume.destination} in every machine that has one")
def test_volume_is_mounted_in_the_machines(insides: tuple[Inside, ...], expected: Target) -> None:
    """In every machine that has a volume it is really mounted, where the app writes.

    Else the app writes to the folder below it, on a disk that is thrown away, and all looks well until then.
    """
    place = expected.volume.destination
    wrong = [f"machine {one.id} has nothing mounted at {place}" for one in insides if one.lacks_mount(place)]

    assert not wrong, "; ".join(wrong)


@item("REC-2", expects="{volume.destination} writable by {image.user} in every machine")
def test_app_can_write_to_the_volume(insides: tuple[Inside, ...], expected: Target) -> None:
    """In every machine the documented user can write where the app does.

    Judged by owner, mode and mount: nothing is written. A volume keeps the owner that it had when it was first mounted,
    whatever later images say; after an error on its disk the kernel mounts it read-only.
    """
    place = expected.volume.destination
    wrong = [f"machine {one.id}: {place} is not writable, {one.unwritable}" for one in insides if one.unwritable]

    assert not wrong, "; ".join(wrong)


@item(
    "REC-7",
    expects="a file of {logs.files} written to within {logs.file_maximum_age_minutes} minutes, in every machine",
)
def test_log_file_is_there_and_young(insides: tuple[Inside, ...], expected: Target) -> None:
    """In every machine a log file was written to lately.

    The platform's own checks make a line every quarter of a minute. The age is by the machine's own clock.
    """
    silent = {one.id: one.silence(expected.logs.file_maximum_age_minutes) for one in insides}
    wrong = [f"machine {machine}, {expected.logs.files}: {why}" for machine, why in silent.items() if why]

    assert not wrong, "; ".join(wrong)
