"""The kill table of what runs: each fault of the live twin turns its one check red, of the whole of postdeploy.

Where a fault cannot help doing more, or less, its part of the table says so, and why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import kills_edge
import kills_fleet
import kills_inside
import kills_metrics
import pytest
from kills import SUMS_UP, explained, held, tried
from runs import run_pytest

from fixtures.twin import fault_table

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

pytestmark = pytest.mark.slow

KILLS = kills_edge.KILLS | kills_fleet.KILLS | kills_inside.KILLS | kills_metrics.KILLS
SINCE = kills_edge.SINCE | kills_metrics.SINCE
TAKES_ALONG = kills_edge.TAKES_ALONG | kills_fleet.TAKES_ALONG
BLINDS = kills_fleet.BLINDS | kills_inside.BLINDS | kills_metrics.BLINDS
HARMLESS = kills_fleet.HARMLESS
RECORDED = ("high-memory", "oom-kill", "process-restarts", "health-degraded", "jwks-away", "drift-env", "logs-slow")


def judge(tmp_path: Path, *faults: str) -> Finished:
    told = (f"--twin-fault={name}" for name in faults)
    return run_pytest("-m", "postdeploy", "--target=twin", *told, reports=tmp_path)


def test_every_fault_of_what_runs_has_its_place_in_the_table() -> None:
    declared = [*KILLS, *SINCE, *TAKES_ALONG, *BLINDS, *HARMLESS]

    assert sorted(declared) == sorted(fault_table.STATE)


def test_the_healthy_twin_is_green_and_no_check_is_without_a_fault(tmp_path: Path) -> None:
    run = judge(tmp_path)
    killers = {kills for table in (KILLS, SINCE) for kills, _ in table.values()}

    assert run.status == 0, run.text
    assert set(run.verdicts().values()) == {"passed"}
    assert {check for check in run.verdicts() if not check.startswith(SUMS_UP)} == killers, "checks without a fault"


@pytest.mark.parametrize("name", KILLS)
def test_a_fault_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    tried(judge(tmp_path, name), name, *KILLS[name])


@pytest.mark.parametrize("name", SINCE)
def test_a_fault_since_the_last_good_run_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    judge(tmp_path)

    tried(judge(tmp_path, name), name, *SINCE[name])


@pytest.mark.parametrize("name", TAKES_ALONG)
def test_a_fault_takes_along_what_is_declared(tmp_path: Path, name: str) -> None:
    held(judge(tmp_path, name), *TAKES_ALONG[name])


@pytest.mark.parametrize("name", BLINDS)
def test_a_fault_that_blinds_fails_nothing_and_leaves_nothing_green(tmp_path: Path, name: str) -> None:
    run = judge(tmp_path, name)

    assert run.status == 6, run.text
    assert not run.verdicts("failed")
    assert set(run.verdicts("error")) == explained(run, BLINDS[name]), run.text


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_fault_to_postdeploy_turns_nothing_red(tmp_path: Path, name: str) -> None:
    run = judge(tmp_path, name)

    assert run.status == 0, run.text


def test_a_recording_gives_the_same_verdicts(tmp_path: Path) -> None:
    first = judge(tmp_path / "first", *RECORDED)
    again = run_pytest(f"--replay={first.folder}", reports=tmp_path / "again")

    assert {KILLS[name][0] for name in RECORDED} == set(first.verdicts("failed")), first.text
    assert again.verdicts() == first.verdicts()
    assert again.status == first.status == 1
