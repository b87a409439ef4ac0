"""The kill table of logs and of the inside of machines: each fault turns its one check red, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kills import tried
from runs import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

pytestmark = pytest.mark.slow

ITEMS = "IMG-2 or IMG-8 or REC-2 or REC-7 or MET-5 or MET-8"
LOOKS = {"machine_insides", "log_buffer"}
PORT = "IMG-8/test_server_listens_on_the_documented_port"
WRITABLE = "REC-2/test_app_can_write_to_the_volume"
LOG_FILE = "REC-7/test_log_file_is_there_and_young"
TROUBLE = "MET-8/test_logs_hold_no_trouble"
KILLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "server-as-root": ("IMG-2/test_server_process_runs_as_the_documented_user", ()),
    "server-other-port": (PORT, ()),
    "process-environment-other": ("IMG-8/test_server_runs_with_the_documented_environment", ()),
    "process-heap-other": ("IMG-8/test_server_caps_its_heap_as_documented", ()),
    "volume-not-mounted": ("REC-2/test_volume_is_mounted_in_the_machines", ()),
    "volume-read-only": (WRITABLE, ()),
    "data-not-writable": (WRITABLE, ()),
    "log-file-old": (LOG_FILE, ()),
    "log-file-missing": (LOG_FILE, ()),
    "logs-errors": (TROUBLE, ()),
    "logs-slow": (TROUBLE, ()),
    "logs-5xx": ("MET-5/test_no_5xx_in_the_log_buffer", ()),
}
BLIND = {"logs-empty": "log_buffer", "token-read-only": "machine_insides"}


def judge(tmp_path: Path, *faults: str) -> Finished:
    return run_pytest(
        "-m", "postdeploy", "-k", ITEMS, "--target=twin", *(f"--twin-fault={name}" for name in faults), reports=tmp_path
    )


def resting_on(run: Finished, looks: set[str]) -> set[str]:
    """The checks that rest on one of these looks."""
    rows = run.summary["checks"]
    return {row["check"] for row in rows if looks & {one.rpartition("/")[2] for one in row["observations"]}}


def test_the_healthy_twin_is_green_and_no_check_is_without_a_fault(tmp_path: Path) -> None:
    run = judge(tmp_path)

    assert run.status == 0, run.text
    assert set(run.verdicts().values()) == {"passed"}
    assert resting_on(run, LOOKS) == {kills for kills, _ in KILLS.values()}, "checks without a fault"


@pytest.mark.parametrize("name", KILLS)
def test_a_fault_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    kills, blinds = KILLS[name]

    tried(judge(tmp_path, name), name, kills, blinds)


@pytest.mark.parametrize("name", BLIND)
def test_what_cannot_be_seen_is_an_error_and_never_green(tmp_path: Path, name: str) -> None:
    run = judge(tmp_path, name)

    assert run.status == 6, run.text
    assert set(run.verdicts("error")) == resting_on(run, {BLIND[name]})
    assert not run.verdicts("failed")
