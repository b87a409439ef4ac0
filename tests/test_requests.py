"""Requests to the app are counted, told, and kept within the target's budget, however many processes look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from engine import WORKERS
from runs import run_pytest

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

MAXIMUM = 6


def sent(run: Finished) -> int:
    """What the observations say, added up."""
    return sum(observation["requests"] for observation in run.record.observations.values())


@pytest.mark.slow
def test_requests_are_counted_and_told(tmp_path: Path) -> None:
    run = run_pytest("-m", "smoke", "--target=twin", reports=tmp_path)
    replay = run_pytest(f"--replay={run.folder}", reports=tmp_path)

    assert run.status == replay.status == 0, run.text
    assert run.summary["requests"] == {"paintbox": sent(run)}
    assert f"  {sent(run)} requests to paintbox\n" in run.text
    assert (replay.summary["requests"], sent(replay)) == ({}, sent(run))
    assert "requests to" not in replay.text


@WORKERS
def test_a_run_keeps_within_the_budget(tmp_path: Path, workers: list[str]) -> None:
    target = tmp_path / "little.toml"
    target.write_text(f'extends = "twin"\n[requests]\nmaximum = {MAXIMUM}\n', encoding="utf-8")

    run = run_pytest("-m", "smoke", *workers, f"--target={target}", reports=tmp_path / "runs")

    assert run.status == 6, run.text
    assert run.summary["requests"] == {"paintbox": MAXIMUM}
    assert f"the {MAXIMUM} requests that a run may send to paintbox are spent (" in run.text
    assert f"{target.name} [requests] maximum)" in run.text
