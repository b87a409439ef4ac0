"""A look that disturbs others is made when all others are complete, whoever makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import WORKERS, Bench

if TYPE_CHECKING:
    from pathlib import Path

BOOK = """
@look("edge", seconds=5, last=True)
def storm(world: World) -> Seen:
    return Seen("storm", time.monotonic(), "a storm")

@look("edge", seconds=5)
def calm(world: World) -> Seen:
    time.sleep(0.5)
    return Seen("calm", time.monotonic(), "calm")

@item("NET-3", expects="a storm")
@pytest.mark.postdeploy
def test_storm(storm: Observation) -> None:
    '''There is a storm.'''
    assert storm.value

@item("CFG-2", expects="calm")
@pytest.mark.postdeploy
def test_calm(calm: Observation) -> None:
    '''There is calm.'''
    assert calm.value
"""


@WORKERS
def test_the_last_look_waits_for_all_others(tmp_path: Path, workers: list[str]) -> None:
    run = Bench(tmp_path).run(BOOK, "-m", "postdeploy", *workers)
    seen = {one["look"]: one["value"] for one in run.record.observations.values()}

    assert run.status == 0, run.text
    assert seen["calm"] < seen["storm"]


def test_nobody_waits_for_what_was_not_asked_for(tmp_path: Path) -> None:
    run = Bench(tmp_path).run(BOOK, "-m", "postdeploy", "-k", "NET-3")

    assert [one["look"] for one in run.record.observations.values()] == ["storm"]
