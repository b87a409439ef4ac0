"""Bad weather is no fault; and what soaks the twin in it stops at the first red run, and names its evidence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs import ROOT, environment, run_pytest

from fixtures.twin.weather import RESET_WITHIN, SPIKES_SHARE, Weather


def soak(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.soak", *words]
    env = environment(TMPDIR=str(folder), **more)
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_same_seed_brings_the_same_weather() -> None:
    first, again, other = (Weather(seed) for seed in (7, 7, 8))
    drawn = [[weather.spike_seconds() for _ in range(2000)] for weather in (first, again, other)]

    assert drawn[0] == drawn[1] != drawn[2]
    assert sum(map(bool, drawn[0])) / 2000 == pytest.approx(SPIKES_SHARE, abs=0.02)
    assert max(drawn[0]) < 2


def test_one_of_the_first_requests_is_hung_up_on() -> None:
    for seed in range(20):
        weather = Weather(seed)
        assert [weather.resets() for _ in range(RESET_WITHIN * 2)].count(True) == 1


def test_a_retry_mends_the_reset_and_is_told(tmp_path: Path) -> None:
    seed = next(seed for seed in range(100) if Weather(seed).resets())  # the very first request
    run = run_pytest("-m", "smoke", "--target=twin", f"--twin-weather={seed}", reports=tmp_path)

    assert run.status == 0, run.text
    assert max(check["retries"] for check in run.summary["checks"]) == 1
    assert "\n3 checks passed after 1 retry\n  ARC-1/" in run.text


def test_weather_is_for_the_twin(tmp_path: Path) -> None:
    run = run_pytest("-m", "smoke", "--twin-weather=1", reports=tmp_path)

    assert (run.status, "--twin-weather is for the twin" in run.text) == (4, True), run.text


@pytest.mark.slow
def test_a_healthy_twin_is_green_in_any_weather(tmp_path: Path) -> None:
    done = soak(tmp_path, "--rounds=8", "--first=3")  # the tenth judges all of postdeploy

    assert done.returncode == 0, done.stdout
    assert "8 runs, 8 green" in done.stdout
    assert list(tmp_path.glob("soak-*")) == []


@pytest.mark.slow
def test_the_first_red_run_ends_it_and_its_evidence_is_named(tmp_path: Path) -> None:
    done = soak(tmp_path, "--rounds=3", PYTEST_ADDOPTS="--twin-fault=no-nosniff")

    assert done.returncode == 1
    assert "run 1 is not green: exit status 1" in done.stdout
    named = re.search(r"^  evidence   (.+)$", done.stdout.partition("is not green")[2], re.MULTILINE)
    assert named
    assert (Path(named[1]) / "summary.json").is_file()
