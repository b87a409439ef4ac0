"""Response times beside those of the last passing run of the same target, phase and place."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from runs import Finished, run_pytest
from worlds import LooseWorld, observed

from fixtures.last_good_run import LatencyChange, MemoryChange, PathChange
from fixtures.looks import LOOKS
from fixtures.target import load_target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAME = "MET-1/test_answers_are_as_quick_as_before[edge]"
RUN = "20261124T100000Z-production-postdeploy"


def sampled(*seconds: float) -> list[dict[str, Any]]:
    return [{"path": "/", "url": "https://x/", "cold_seconds": 1.0, "seconds": list(seconds), "failures": []}]


def recorded(reports: Path, name: str = RUN, **changes: object) -> Path:
    """A run of the past that has measured 0.1 s."""
    folder = reports / name
    folder.mkdir(parents=True)
    summary = {
        "verdict": "passed",
        "replay_of": None,
        "place": None,
        "targets": [{"name": "production", "app": "paintbox"}],
        "checks": [{"target": "production", "phase": "postdeploy"}],
        "measures": {"production": {"latency_seconds": 0.3, "memory_percent": 6.2}},
    }
    (folder / "summary.json").write_text(json.dumps(summary | changes))
    look = {"kind": "observation", "id": "production/postdeploy/latency[edge]", "look": "latency", "subject": "edge"}
    told = look | {"target": "production", "error": None, "value": sampled(0.1, 0.1, 0.3)}
    (folder / "record.jsonl").write_text(f"{json.dumps({'kind': 'plan'})}\n{json.dumps(told)}\n")
    return folder


def last_good_run(world: LooseWorld) -> Any:  # noqa: ANN401 - plain data
    return world.look("last_good_run").value


def test_the_newest_passing_run_counts(tmp_path: Path) -> None:
    with LooseWorld(tmp_path) as world:
        recorded(world.reports)
        recorded(world.reports, "20261124T090000Z-production-postdeploy")
        recorded(world.reports, "20261124T110000Z-production-postdeploy", verdict="failed")

        assert last_good_run(world) == {
            "latency": {"run": RUN, "value": sampled(0.1, 0.1, 0.3)},
            "memory": {"run": RUN, "value": 6.2},
        }


def test_each_number_is_of_the_newest_run_that_measured_it(tmp_path: Path) -> None:
    with LooseWorld(tmp_path) as world:
        recorded(world.reports)
        newer = "20261124T110000Z-production-postdeploy"
        recorded(world.reports, newer, measures={"production": {"latency_seconds": 0.3}})

        assert last_good_run(world)["latency"]["run"] == newer
        assert last_good_run(world)["memory"]["run"] == RUN


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "blind"},
        {"replay_of": "another"},
        {"place": "fra"},
        {"targets": [{"name": "production", "app": "other"}]},
        {"checks": [{"target": "production", "phase": "predeploy"}]},
        {"targets": "hostile"},
        {"targets": 3},
        {"checks": None},
        {"measures": {}},
        {"measures": {"production": {"latency_seconds": "fast"}}},
        {"measures": {"production": 7}},
    ],
    ids=str,
)
def test_a_run_that_is_another_is_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    with LooseWorld(tmp_path) as world:
        recorded(world.reports, **changes)

        assert last_good_run(world) == {"latency": None, "memory": None}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "summary.json").write_text("{"),
        lambda folder: (folder / "summary.json").write_text("[]"),
        lambda folder: (folder / "summary.json").unlink(),
        lambda folder: (folder / "record.jsonl").unlink(),
        lambda folder: (folder / "record.jsonl").write_text("{}\n{}\n"),
        shutil.rmtree,
    ],
    ids=["cut", "list", "no summary", "no record", "other record", "gone"],
)
def test_a_run_that_cannot_be_read_is_none(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    with LooseWorld(tmp_path) as world:
        spoil(recorded(world.reports))

        assert last_good_run(world)["latency"] is None


def test_the_change_is_between_medians(tmp_path: Path) -> None:
    with LooseWorld(tmp_path) as world:
        recorded(world.reports)
        world.give("latency", sampled(0.2, 0.15, 0.9))
        before = world.look("last_good_run")
        seen = LOOKS["latency_change"].function(
            world, latency=observed("latency", sampled(0.2, 0.15, 0.9)), last_good_run=before
        )

    assert seen.value == {"run": RUN, "paths": [{"path": "/", "seconds": 0.2, "before_seconds": 0.1}]}
    assert seen.summary == f"medians beside {RUN}: / 0.200 s (was 0.100 s, +100 %)"


@pytest.mark.parametrize(
    ("before", "now", "fails"),
    [
        (0.1, 0.6, True),
        (0.1, 0.2, False),  # nobody notices
        (1.0, 1.5, False),  # less than twice
        (0.5, 0.1, False),
        (0.1, 2.5, False),  # above the limit: another check tells
        (0.0, 0.6, False),  # nothing to be compared with
    ],
)
def test_only_a_change_that_people_notice_is_one(before: float, now: float, *, fails: bool) -> None:
    change = LatencyChange(RUN, (PathChange("/", now, before),))

    assert bool(change.slower(load_target("production").latency)) is fails


@pytest.mark.parametrize(
    ("before", "now", "fails"),
    [(6.2, 24.4, True), (6.2, 12.4, False), (40.0, 55.0, False), (40.0, 90.0, False), (None, 24.4, False)],
)
def test_only_memory_that_matters_has_grown(before: float | None, now: float, *, fails: bool) -> None:
    change = MemoryChange(RUN, now, before)

    assert bool(change.grown(load_target("production").memory)) is fails


@pytest.mark.slow
def test_a_page_that_became_slower_fails_beside_the_run_before_and_not_without_one(tmp_path: Path) -> None:
    def judge(reports: Path, *arguments: str) -> Finished:
        return run_pytest("-m", "smoke", "-k", "MET-1", "--target=twin", *arguments, reports=reports)

    first = judge(tmp_path / "alone", "--twin-fault=slower-page")
    healthy = judge(tmp_path / "runs")
    slower = judge(tmp_path / "runs", "--twin-fault=slower-page")

    assert (first.status, healthy.status) == (0, 0), first.text + healthy.text
    assert set(slower.verdicts("failed")) == {SAME}, slower.text
    assert healthy.folder is not None
    quick = next(row for row in slower.summary["checks"] if row["check"] == "MET-1/test_answers_are_quick[edge]")
    assert f"medians beside {healthy.folder.name}" in quick["observed"]
    again = run_pytest(f"--replay={slower.folder}", reports=tmp_path / "again")
    assert again.verdicts() == slower.verdicts()
