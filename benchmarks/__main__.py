"""`python -m benchmarks [NAME…] [--rounds=N]`: run them all, or the named ones, and print their tables."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks import chain, fleet, overhead, predeploy, runners, targets

BENCHMARKS = {
    "predeploy": predeploy.main,
    "overhead": overhead.main,
    "chain": chain.main,
    "fleet": fleet.main,
    "runners": runners.main,
    "targets": targets.main,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="times side by side, as ratios")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds (default: 7)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    for name in arguments.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            print(f"\n{name}\n{BENCHMARKS[name](Path(folder), arguments.rounds)}", flush=True)


if __name__ == "__main__":
    main()
