"""Backup and recovery: the app can be put back as it was, from what is kept elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.local_state import local_state
from fixtures.plan import item
from fixtures.secret_names import looks_secret

if TYPE_CHECKING:
    from datetime import datetime

    from fixtures.fleet_machines import Fleet
    from fixtures.fleet_releases import Releases
    from fixtures.fleet_volumes import Backup, Volume
    from fixtures.fly_toml import FlyToml
    from fixtures.git import Git
    from fixtures.looks import Observation
    from fixtures.runtime import Runtime
    from fixtures.target import Target


@item("REC-1", expects="the checkout is a git work tree")
@pytest.mark.predeploy
@pytest.mark.offline
def test_checkout_is_under_version_control(git_facts: Observation) -> None:
    """The checkout is in git, and git can read it.

    Without history nobody knows what was deployed before, nor who changed it.
    """
    assert git_facts.error is None, git_facts.error


@item("REC-1", expects="{source.versioned_files} as they are committed")
@pytest.mark.predeploy
@pytest.mark.offline
def test_configuration_is_committed(git: Git) -> None:
    """The configuration is committed, and nothing of it has been changed since.

    What is deployed could not be built again, nor reviewed. A file that is not there at all is for PRE-6 to tell.
    """
    there = [file for file in git.files if file.exists]
    new = [f"{file.path} is not committed" for file in there if not file.committed]
    changed = [f"{file.path} differs from its commit" for file in there if file.committed and file.modified]

    assert not new + changed, "; ".join(new + changed)


@item("REC-8", expects="a remote branch {source.remote}/{source.branch} that this clone has fetched")
@pytest.mark.predeploy
@pytest.mark.offline
def test_another_copy_of_the_source_is_known(git: Git, expected: Target) -> None:
    """The clone knows the main branch of its remote.

    A disk that is lost takes the only copy of the configuration with it.
    """
    branch = f"{expected.source.remote}/{expected.source.branch}"

    assert git.remote_branch, f"this clone knows no {branch}: nothing shows that there is another copy"


@item("REC-8", expects="the same {source.versioned_files} in {source.remote}/{source.branch}, as last fetched")
@pytest.mark.predeploy
@pytest.mark.offline
def test_configuration_can_be_restored_from_the_remote(git: Git) -> None:
    """The remote's main branch has the configuration that is committed here.

    What was never pushed is lost with this disk. What is not even committed is for REC-1 to tell.
    """
    committed = [file for file in git.files if file.committed and not file.modified]
    here = [f"{git.remote_branch} has another {file.path}" for file in committed if file.same_in_remote is False]

    assert not here, "; ".join(here)


@item("REC-2", expects="[mounts] {volume.source} at {volume.destination}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_volume_is_mounted_where_the_app_writes(fly_toml: FlyToml, expected: Target) -> None:
    """The documented volume is mounted at the documented path.

    What is written elsewhere is on a disk that the next deploy throws away.
    """
    mounts = {(mount.source, (mount.destination or "").rstrip("/")): mount for mount in fly_toml.mounts}
    others = [f"{mount.where} mounts {mount.source} at {mount.destination}" for mount in mounts.values()]

    assert (expected.volume.source, expected.volume.destination) in mounts, (
        "; ".join(others) or f"{fly_toml.file} mounts nothing"
    )


@item("REC-3", expects="{secrets.names} from Fly secrets only")
@pytest.mark.predeploy
@pytest.mark.offline
def test_no_secret_has_a_stand_in(runtime: Runtime, expected: Target) -> None:
    """No secret that the app needs has a stand-in in fly.toml or in the image.

    Secrets come on top of both. Where one is missing the stand-in counts: the app starts, and fails where it needs the
    secret. A stand-in that looks like the secret itself is for SEC-3 to tell.
    """
    stand_ins = [
        f"{setting.where} sets {name}"
        for name, setting in runtime.env.items()
        if name in expected.secrets.names and not looks_secret(name, setting.value)
    ]

    assert not stand_ins, "; ".join(stand_ins)


@item("REC-3", expects="{secrets.names} among the app's secrets at Fly.io")
@pytest.mark.predeploy
def test_secrets_of_the_app_are_set(fly_secret_names: tuple[str, ...], expected: Target) -> None:
    """Every secret that the app needs is set at Fly.io: deployed already, or staged for this deploy.

    The app would start without it, and fail where it needs it.
    """
    missing = [name for name in expected.secrets.names if name not in fly_secret_names]

    assert not missing, f"{expected.app} has no secret {', '.join(missing)}"


@item("REC-5", expects="nothing is kept on a machine outside {volume.destination}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_app_keeps_no_state_outside_the_volume(runtime: Runtime, expected: Target) -> None:
    """No variable has the app keep a database or files on the machine, outside the volume.

    They are gone with the next deploy, and differ from machine to machine until then.
    """
    kept = {name: local_state(name, one.value, expected.volume.destination) for name, one in runtime.env.items()}
    wrong = [f"{runtime.env[name].where} has {name} keep {what}" for name, what in kept.items() if what]

    assert not wrong, "; ".join(wrong)


@item("REC-2", expects="{volume.source} at {volume.destination} on every machine")
@pytest.mark.postdeploy
def test_every_machine_has_its_volume(volumes_held: tuple[Volume, ...], configured: Fleet, expected: Target) -> None:
    """Every machine has a volume of the documented name, mounted at the documented path.

    A volume belongs to one machine: on one that has none, logs go to a disk that the next deploy throws away.
    """
    source, destination = expected.volume.source, expected.volume.destination
    held = {volume.machine for volume in volumes_held if volume.name == source}
    mounts = {one.id: {mount.destination for mount in one.mounts} for one in configured.machines}
    lost = [f"machine {name} has no {source} at {destination}" for name in mounts if destination not in mounts[name]]
    lost += [f"no volume {source} is attached to machine {name}" for name in mounts.keys() - held]

    assert not lost, "; ".join(sorted(lost))


@item("REC-2", expects="a snapshot of the last {volume.snapshot_maximum_age_hours} h of every {volume.source}")
@pytest.mark.postdeploy
def test_volumes_have_recent_snapshots(backups: tuple[Backup, ...], clock: datetime, expected: Target) -> None:
    """The volume of every machine was copied recently.

    Fly.io takes a snapshot a day; without one, a lost host takes the logs with it. A volume that is younger than this
    needs none yet.
    """
    limit = expected.volume.snapshot_maximum_age_hours
    mine = [one for one in backups if one.name == expected.volume.source]
    old = [one.told for one in mine if one.age_hours(clock) > limit]

    assert not old, "; ".join(old)


@item("REC-3", expects="{secrets.names} among the app's secrets at Fly.io")
@pytest.mark.postdeploy
def test_running_app_has_its_secrets(fly_secret_names: tuple[str, ...], expected: Target) -> None:
    """Every secret that the app needs is there.

    The app has started without it, and fails where it needs it.
    """
    missing = [name for name in expected.secrets.names if name not in fly_secret_names]

    assert not missing, f"{expected.app} has no secret {', '.join(missing)}"


@item("REC-3", expects="every secret deployed to every machine")
@pytest.mark.postdeploy
def test_no_secret_is_staged(undeployed_secrets: tuple[str, ...]) -> None:
    """No secret waits for a deploy, and none has reached some machines only.

    The app runs with the old value, or with none, until somebody deploys for another reason.
    """
    assert not undeployed_secrets, "; ".join(undeployed_secrets)


@item("REC-4", expects="an earlier complete release with another image")
@pytest.mark.postdeploy
def test_there_is_a_release_to_go_back_to(deployed: Releases) -> None:
    """There is an earlier release with an image of its own to roll back to.

    There is no rollback command: the image of an earlier release is deployed again. A release with the same image is
    none to go back to.
    """
    current = deployed.current

    assert deployed.earlier, (
        f"v{current.version} is the only image among {len(deployed.all)} releases of {deployed.app}"
    )
