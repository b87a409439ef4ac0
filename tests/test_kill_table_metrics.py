"""The kill table of metrics: each fault turns its one check red, and no other; where the platform is silent, none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kills import explained, tried
from runs import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

pytestmark = pytest.mark.slow

# The log buffer, which MET-5 judges, too, has a table of its own.
ITEMS = "(MET-2 or MET-5 or MET-6 or MET-7 or MET-9) and not log_buffer"
SERIES = "MET-6/test_metrics_tell_what_dashboards_need[edge]"
KILLS: dict[str, tuple[str, tuple[str, ...]]] = {
    # Pages that cannot be read tell neither series, memory nor age: those looks are blind.
    "metrics-invalid": ("MET-6/test_metrics_can_be_scraped[edge]", (SERIES, "machine_metrics[edge]")),
    "metrics-series-missing": (SERIES, ("MET-2/test_every_machine_has_memory_left[edge]",)),
    "high-memory": ("MET-2/test_every_machine_has_memory_left[edge]", ()),
    "server-errors": ("MET-5/test_edge_answered_nobody_with_a_server_error", ()),
    "unknown-path-trips": ("MET-5/test_this_run_met_no_server_error[edge]", ()),
    "restart-loop": ("MET-7/test_no_machine_was_restarted_after_a_crash", ()),
    "process-restarts": ("MET-7/test_no_server_was_started_again_inside_its_machine[edge]", ()),
    "oom-kill": ("MET-9/test_platform_counted_no_kill_for_memory", ()),
    "oom-kill-recent": ("MET-9/test_no_machine_tells_of_a_kill_for_memory", ()),
}
# What only blinds: nothing failed, and no gate opens.
BLINDED = {
    "platform-metrics-missing": (
        "MET-5/test_edge_answered_nobody_with_a_server_error",
        "MET-9/test_platform_counted_no_kill_for_memory",
    ),
}
# What items of other chapters tell of: none of these here may.
FOREIGN = ("machine-crashed", "machine-asleep", "machine-cordoned", "health-unhealthy", "jwks-away", "machine-ill")


def judge(tmp_path: Path, *arguments: str) -> Finished:
    return run_pytest("-m", "postdeploy", "-k", ITEMS, "--target=twin", *arguments, reports=tmp_path)


def test_the_healthy_twin_is_green_and_no_check_is_without_a_fault(tmp_path: Path) -> None:
    run = judge(tmp_path)

    assert run.status == 0, run.text
    assert set(run.verdicts().values()) == {"passed"}
    # Growth needs a run before, and has its fault in test_last_good_run.
    assert set(run.verdicts()) - {kills for kills, _ in KILLS.values()} == {
        "MET-2/test_memory_is_as_low_as_before[edge]"
    }


@pytest.mark.parametrize("name", KILLS)
def test_a_fault_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    kills, blinds = KILLS[name]

    tried(judge(tmp_path, f"--twin-fault={name}"), name, kills, blinds)


@pytest.mark.parametrize("name", BLINDED)
def test_a_fault_that_blinds_fails_nothing_and_opens_no_gate(tmp_path: Path, name: str) -> None:
    run = judge(tmp_path, f"--twin-fault={name}")

    assert run.status == 6, run.text
    assert run.verdicts("failed") == {}
    assert set(run.verdicts("error")) == explained(run, BLINDED[name])


@pytest.mark.parametrize("name", FOREIGN)
def test_a_fault_of_another_chapter_fails_nothing_here(tmp_path: Path, name: str) -> None:
    assert judge(tmp_path, f"--twin-fault={name}").verdicts("failed", "error") == {}


@pytest.mark.parametrize("fault", ["high-memory", "oom-kill", "process-restarts"])
def test_a_recording_gives_the_same_verdicts(tmp_path: Path, fault: str) -> None:
    first = judge(tmp_path / "first", f"--twin-fault={fault}")
    again = run_pytest(f"--replay={first.folder}", reports=tmp_path / "again")

    assert again.verdicts() == first.verdicts()
    assert again.status == first.status == 1


def test_the_platform_decides_on_memory_where_the_target_says_so(tmp_path: Path) -> None:
    target = tmp_path / "other.toml"
    target.write_text('extends = "twin"\n[memory]\nseries = "platform"\n', encoding="utf-8")
    arguments = ("-m", "smoke", "-k", "MET-2", f"--target={target}")
    runs = {
        fault: run_pytest(*arguments, f"--twin-fault={fault}", reports=tmp_path / fault)
        for fault in ("high-memory", "metrics-invalid", "platform-metrics-missing")
    }

    assert {fault: run.status for fault, run in runs.items()} == {
        "high-memory": 1,
        "metrics-invalid": 0,
        "platform-metrics-missing": 6,
    }
    assert "uses 92.5 %, by the platform's metrics" in runs["high-memory"].text
