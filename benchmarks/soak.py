"""No false alarm: the healthy twin in bad weather, judged over and over. `make soak`, or `python -m benchmarks.soak`.

Every run is one of its own, as people start it: smoke, and postdeploy every tenth time. Each has other weather, told by
its number, so that a red run can be repeated. The first one that is not green ends it; its evidence stays.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.timing import ROOT

ROUNDS = 200
POSTDEPLOY_EVERY = 10
TOLD_EVERY = 10
INTERRUPTED = 130


@dataclass(frozen=True)
class Run:
    """One run that has ended. `summary` is empty where it left no evidence."""

    command: list[str]
    status: int
    text: str
    summary: dict[str, Any]
    seconds: float

    @property
    def retries(self) -> int:
        """The most tries that were repeated for one check: checks that share a look share its retries."""
        return max((check["retries"] for check in self.summary.get("checks", ())), default=0)


def run(number: int, reports: Path) -> Run:
    """Judge the healthy twin once, in weather of that number."""
    phase = "postdeploy" if number % POSTDEPLOY_EVERY == 0 else "smoke"
    command = ["pytest", "-m", phase, "--target=twin", f"--twin-weather={number}"]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *command, f"--reports={reports}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    latest = reports / "latest" / "summary.json"
    summary = json.loads(latest.read_bytes()) if latest.exists() else {}
    return Run(command, done.returncode, done.stdout + done.stderr, summary, time.perf_counter() - begun)


def main() -> int:
    """Run them all. Gives 1 at the first that is not green."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="no false alarm on a healthy twin")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how many runs must be green (default: {ROUNDS})")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the number of the first one (default: 1)")
    options = parser.parse_args()
    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell makes its background jobs deaf to Ctrl-C
        signal.signal(ending, signal.default_int_handler)
    reports, green = Path(tempfile.mkdtemp(prefix="soak-")), list[Run]()
    try:
        for number in range(options.first, options.first + options.rounds):
            last = run(number, reports / str(number))
            if last.status:
                return red(number, last, reports / str(number))
            green.append(last)
            shutil.rmtree(reports / str(number))
            if len(green) % TOLD_EVERY == 0:
                print(f"{len(green):>5} of {options.rounds} green", flush=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        print(told(green), flush=True)
    reports.rmdir()
    return 0


def red(number: int, last: Run, reports: Path) -> int:
    """Show the run that is not green, and how to see it again."""
    print(last.text)
    print(f"run {number} is not green: exit status {last.status}")
    print(f"  evidence   {(reports / 'latest').resolve()}")
    print(f"  again      {shlex.join(last.command)}")
    return 1


def told(green: list[Run]) -> str:
    """What the green runs have seen."""
    if not green:
        return "no run was green"
    seconds = [each.seconds for each in green]
    mended = sum(each.retries > 0 for each in green)
    return (
        f"{len(green)} runs, {len(green)} green; {mended} passed only after a retry;"
        f" seconds a run: median {statistics.median(seconds):.2f}, slowest {max(seconds):.2f}"
    )


if __name__ == "__main__":
    sys.exit(main())
