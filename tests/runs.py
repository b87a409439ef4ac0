"""Runs of the runbook as a user starts them: in a process of their own, judged by status, screen and evidence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.record import RecordedRun, read_record

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120.0


@dataclass(frozen=True)
class Finished:
    """A run that has ended. `text` is all that it printed; `folder` is where its evidence lies, if it left any."""

    status: int
    text: str
    folder: Path | None

    @property
    def summary(self) -> dict[str, Any]:
        """Its summary.json."""
        assert self.folder is not None, f"the run left no evidence:\n{self.text}"
        loaded: dict[str, Any] = json.loads((self.folder / "summary.json").read_bytes())
        return loaded

    @property
    def record(self) -> RecordedRun:
        """Its record."""
        assert self.folder is not None, f"the run left no evidence:\n{self.text}"
        return read_record(self.folder)

    def verdicts(self, *wanted: str) -> dict[str, str]:
        """Verdict by check; only these verdicts, where some are named."""
        rows = {row["check"]: row["verdict"] for row in self.summary["checks"]}
        return {check: verdict for check, verdict in rows.items() if not wanted or verdict in wanted}


def environment(**changes: str | None) -> dict[str, str]:
    """The environment of a run: this one's, without the caller's settings and those of CI, with these changes."""
    foreign = ("RUNBOOK_", "PYTEST_", "GITHUB_", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    merged = inherited | {"PYTHONPATH": str(ROOT)} | changes
    return {name: value for name, value in merged.items() if value is not None}


def run_pytest(*arguments: str, reports: Path, env: dict[str, str] | None = None, cwd: Path = ROOT) -> Finished:
    """Run `pytest` with these arguments and wait for it; evidence goes below `reports`."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"--reports={reports}", *arguments],
        cwd=cwd,
        env=env or environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    latest = reports / "latest"
    return Finished(done.returncode, done.stdout, latest.resolve() if latest.exists() else None)
