"""A runbook of a few lines, to put the engine itself to the test."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from runs import ROOT, Finished, environment, run_pytest

if TYPE_CHECKING:
    from pathlib import Path

# In one process, and shared among xdist's workers, which takes longer to start.
WORKERS = pytest.mark.parametrize(
    "workers", [pytest.param([], id="serial"), pytest.param(["-n", "2"], id="n2", marks=pytest.mark.slow)]
)
HEAD = """
from __future__ import annotations
import os, time
from pathlib import Path
import pytest
from fixtures.looks import Observation, Seen, Unreadable, Unseen, World, look
from fixtures.plan import item
"""


@dataclass(frozen=True)
class Bench:
    """Where the little runbook lives."""

    folder: Path

    def run(self, body: str, *arguments: str, **changes: str | None) -> Finished:
        """Run these looks and checks against a target of their own, on an empty checkout."""
        book = self.folder / "book"
        book.mkdir(exist_ok=True)
        (book / "test_book.py").write_text(HEAD + textwrap.dedent(body), encoding="utf-8")
        return self.again(*arguments, **changes)

    def again(self, *arguments: str, **changes: str | None) -> Finished:
        """Run the checks as they lie there."""
        book, source, target = self.folder / "book", self.folder / "source", self.folder / "little.toml"
        source.mkdir(exist_ok=True)
        if not target.exists():
            target.write_text('extends = "production"\n', encoding="utf-8")
        places = (
            [] if any(a.startswith("--replay") for a in arguments) else [f"--target={target}", f"--source={source}"]
        )
        return run_pytest(
            f"--config-file={ROOT / 'pytest.ini'}",
            f"--rootdir={book}",
            "-p",
            "conftest",
            *places,
            *arguments,
            str(book),
            reports=self.folder / "runs",
            env=environment(**changes),
        )
