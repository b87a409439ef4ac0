"""The kill table of the fleet, as the Fly CLI tells it: each fault turns its one check red, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kills import explained, tried
from runs import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

pytestmark = pytest.mark.slow

HCK = (
    "HCK-1/test_machines_carry_the_simple_check",
    "HCK-2/test_machines_carry_the_deep_check",
    "HCK-3/test_machines_carry_the_tcp_check",
)
TCP, HTTP = "HLT-5/test_tcp_check_passes_on_every_machine", "HLT-7/test_platform_sees_every_check_pass"
CARRIED = "ARC-4/test_machines_carry_health_checks"
DRIFT = "ARC-5/test_machines_run_with_what_fly_toml_asks_for"
FEWEST, MOST = "CFG-3/test_no_fewer_machines_exist_than_documented", "CFG-3/test_no_more_machines_exist_than_documented"
FLOOR, LIMITS = "CFG-3/test_machines_carry_the_floor", "CFG-4/test_machines_carry_the_documented_limits"
SCALING = "CFG-6/test_machines_scale_by_themselves"
RUNNING, AWAKE = "MET-3/test_every_machine_runs_or_sleeps", "MET-3/test_enough_machines_are_awake"
ONE_IMAGE, RELEASED = "IMG-9/test_machines_run_one_image", "IMG-9/test_newest_release_runs"
OPEN, AGE = "IMG-9/test_no_deploy_is_open_or_broken", "IMG-5/test_running_image_is_recent"
COMMIT = "IMG-9/test_running_image_is_of_the_gated_commit"
SNAPSHOTS, STAGED = "REC-2/test_volumes_have_recent_snapshots", "REC-3/test_no_secret_is_staged"
ADDRESSES = "ARC-1/test_the_app_has_addresses_of_both_protocols"
BACK = "REC-4/test_there_is_a_release_to_go_back_to"
OURS = " or ".join(
    (
        *("test_fly_io_calls", "test_the_host_that", "test_the_app_has_addresses"),
        *("ARC-4", "ARC-5", "CFG", "HCK", "HLT-5", "HLT-7", "MET-3", "IMG-5", "IMG-9", "REC-3", "REC-4", "NET-5"),
        *("test_every_machine_has_its_volume", "test_volumes", "test_machines_force"),
    )
)

# fault → the check that it kills, and what it blinds: checks, or all that rests on a look
KILLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "app-suspended": ("ARC-1/test_fly_io_calls_the_app_deployed", ()),
    "host-moved": ("ARC-1/test_the_host_that_users_know_is_the_apps", ()),
    "no-public-ipv6": (ADDRESSES, ()),
    "no-public-ipv4": (ADDRESSES, ()),
    "machine-stopped": (RUNNING, ()),
    "machine-crashed": (RUNNING, ()),
    "too-many-asleep": (AWAKE, ()),
    "machine-host-down": ("MET-3/test_every_host_is_there", ()),
    "machine-cordoned": ("IMG-9/test_no_machine_is_cordoned", ()),
    "machine-too-small": ("CFG-2/test_machines_have_the_documented_memory", ()),
    "machine-wrong-cpus": ("CFG-1/test_machines_have_the_documented_cpus", ()),
    "machine-other-image": (ONE_IMAGE, ()),
    # An image that no release brought has no date.
    "image-not-released": (RELEASED, (AGE,)),
    "image-not-labelled": (COMMIT, ()),
    "image-old": (AGE, ()),
    "release-half-done": (OPEN, ()),
    "release-failed": (OPEN, ()),
    "release-first": (BACK, ()),
    "too-few-machines": (FEWEST, ()),
    "too-many-machines": (MOST, ()),
    "check-failing": (HTTP, ()),
    "tcp-check-failing": (TCP, ()),
    # Where there is no check at all, none can be judged.
    "no-health-checks": (CARRIED, (*HCK, TCP, HTTP)),
    "drift-env": (DRIFT, ()),
    "drift-concurrency": (LIMITS, ()),
    "drift-autostop": (SCALING, ()),
    "drift-floor": (FLOOR, ()),
    "drift-checks": (HCK[0], ()),
    "drift-deep-check": (HCK[1], ()),
    "drift-tcp-check": (HCK[2], ()),
    "drift-force-https": ("NET-1/test_machines_force_https", ()),
    "secret-staged": (STAGED, ()),
    "secret-missing": ("REC-3/test_running_app_has_its_secrets", ()),
    "volume-missing": ("REC-2/test_every_machine_has_its_volume", ()),
    "snapshots-missing": (SNAPSHOTS, ()),
    "snapshots-old": (SNAPSHOTS, ()),
    "domain-not-issued": ("NET-5/test_custom_domains_have_certificates", ()),
    "domain-expires-soon": ("NET-5/test_certificates_of_custom_domains_are_current", ()),
}


def judge(tmp_path: Path, *faults: str, phase: str = "postdeploy") -> Finished:
    given = (f"--twin-fault={name}" for name in faults)
    return run_pytest("-m", phase, "-k", OURS, "--target=twin", *given, reports=tmp_path)


def test_the_healthy_twin_is_green_and_no_check_is_without_a_fault(tmp_path: Path) -> None:
    run = judge(tmp_path)

    assert run.status == 0, run.text
    assert set(run.verdicts().values()) == {"passed"}
    assert set(run.verdicts()) - {kills for kills, _ in KILLS.values()} == set(), "checks without a fault"


@pytest.mark.parametrize("name", KILLS)
def test_a_fault_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    kills, blinds = KILLS[name]

    tried(judge(tmp_path, name), name, kills, blinds)


def test_a_machine_that_the_proxy_put_to_sleep_is_no_fault(tmp_path: Path) -> None:
    run = judge(tmp_path, "machine-asleep")

    assert run.status == 0, run.text


def test_machines_that_nothing_can_wake_are_down_and_do_not_scale(tmp_path: Path) -> None:
    # Requests wake a stopped machine unless autostart is off, too: on the platform, one takes the other along. The edge
    # has nothing to answer with then; HLT-1 and its like are not selected here.
    run = judge(tmp_path, "no-machine-running")

    assert set(run.verdicts("failed")) == {RUNNING, SCALING}, run.text
    assert set(run.verdicts("error")) <= explained(run, (TCP, HTTP)), run.text


@pytest.mark.parametrize("fault", ["not-authenticated", "app-not-visible"])
def test_without_access_everything_is_blind_and_nothing_green(tmp_path: Path, fault: str) -> None:
    run = judge(tmp_path, fault)

    assert run.status == 6, run.text
    assert set(run.verdicts().values()) == {"error"}


def test_smoke_asks_the_cli_three_times_and_needs_no_checkout(tmp_path: Path) -> None:
    run = judge(tmp_path, phase="smoke")
    looks = {observation["look"] for observation in run.record.observations.values()}

    assert run.status == 0, run.text
    assert looks == {"fly_machines", "fly_checks", "fly_releases"}
