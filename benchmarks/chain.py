"""The whole of predeploy beside its slowest chain: what does not need the build must cost nothing while it runs."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.timing import Case, python, run
from reports.record import read_record

if TYPE_CHECKING:
    from pathlib import Path

CHAIN = ("build_copy", "install", "dependencies", "build", "build_output", "candidate", "simple_health", "answers")


def main(folder: Path, rounds: int) -> str:
    """Run predeploy a few times; give chain, total and the sum of all parts, in seconds."""
    rows = []
    for number in range(min(rounds, 3)):
        reports = folder / str(number)
        total = run(
            Case("predeploy", python("-m", "pytest", "-m", "predeploy", "--target=twin", f"--reports={reports}"))
        )
        looks = read_record(reports / "latest").observations.values()
        chain = sum(look["seconds"] for look in looks if look["look"] in CHAIN)
        rows.append((chain, total, sum(look["seconds"] for look in looks)))
    lines = [f"{'round':<8}{'chain s':>9}{'total s':>9}{'parts s':>9}{'total/chain':>13}"]
    lines += [f"{n + 1:<8}{c:>9.2f}{t:>9.2f}{p:>9.2f}{t / c:>13.3f}" for n, (c, t, p) in enumerate(rows)]
    return "\n".join([*lines, f"median of total/chain: {statistics.median(t / c for c, t, _ in rows):.3f}"])
