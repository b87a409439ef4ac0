"""Timing whole commands fairly: a warm-up, cases interleaved, order reversed every other round, medians told."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Case:
    """A command to time; `statuses` are the exit statuses with which it has done its work, `env` is on top of ours."""

    name: str
    command: Sequence[str]
    cwd: Path = ROOT
    statuses: frozenset[int] = frozenset({0})
    env: Mapping[str, str] = field(default_factory=dict)


def python(*arguments: str) -> list[str]:
    """A command of this interpreter."""
    return [sys.executable, *arguments]


def run(case: Case) -> float:
    """Wall seconds of one run.

    Raises:
        RuntimeError: the command failed; its last lines are in the message.
    """
    begun = time.perf_counter()
    env = os.environ | dict(case.env)
    done = subprocess.run(case.command, cwd=case.cwd, env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode not in case.statuses:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise RuntimeError(f"{case.name}: exit status {done.returncode}\n{tail}")
    return seconds


def compare(cases: Sequence[Case], rounds: int) -> dict[str, list[float]]:
    """Seconds of every round by case, after one warm-up each."""
    for case in cases:
        run(case)
    seconds: dict[str, list[float]] = {case.name: [] for case in cases}
    for number in range(rounds):
        for case in cases if number % 2 == 0 else reversed(cases):
            seconds[case.name].append(run(case))
    return seconds


def table(seconds: dict[str, list[float]], unit: str) -> str:
    """Median, spread, and the median of the ratios round by round to the case named `unit`."""
    lines = [f"{'case':<46}{'median s':>10}{'min':>8}{'max':>8}{'ratio':>8}"]
    for name, values in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(values, seconds[unit], strict=True))
        lines.append(f"{name:<46}{statistics.median(values):>10.3f}{min(values):>8.3f}{max(values):>8.3f}{ratio:>8.2f}")
    return "\n".join(lines)
