"""What the record costs: 3,000 checks with the whole engine, beside as many tests of the same body in plain pytest."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.timing import ROOT, Case, compare, python, table

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = 3_000
LOOK = """
import pytest
from fixtures.looks import Observation, Seen, World, look
from fixtures.plan import item

@look("source", seconds=5)
def greeting(world: World) -> Seen:
    return Seen("echo", {"words": ["hello"]}, "one greeting")
"""
CHECK = """
@item("CFG-2", expects="{{machines.memory_mb}} MB")
@pytest.mark.predeploy
def test_{n}(greeting: Observation) -> None:
    '''It is polite.'''
    assert greeting.value["words"] == ["hello"]
"""
PLAIN = """
def test_{n}(greeting):
    '''It is polite.'''
    assert greeting["words"] == ["hello"]
"""
FIXTURE = """
import pytest

@pytest.fixture(scope="session")
def greeting():
    return {"words": ["hello"]}
"""


def main(folder: Path, rounds: int) -> str:
    """Run both, and give the table with the cost of a check."""
    for name, head, body in (("book", LOOK, CHECK), ("plain", FIXTURE, PLAIN)):
        (folder / name).mkdir()
        text = head + "".join(body.format(n=n) for n in range(CHECKS))
        (folder / name / f"test_{name}.py").write_text(text, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "source").mkdir()
    ours = python(
        *("-m", "pytest", "-p", "conftest", f"--config-file={ROOT / 'pytest.ini'}", f"--rootdir={folder / 'book'}"),
        *("-m", "predeploy", f"--source={folder / 'source'}", f"--reports={folder / 'runs'}", str(folder / "book")),
    )
    plain = python("-m", "pytest", "-q", f"--config-file={folder / 'pytest.ini'}", "--tb=no", str(folder / "plain"))
    cases = [Case("plain pytest, no report", plain, cwd=folder), Case("the runbook, record and reports", ours)]
    seconds = compare(cases, rounds)
    medians = [statistics.median(values) for values in seconds.values()]
    cost = (medians[1] - medians[0]) / CHECKS * 1000
    return f"{table(seconds, cases[0].name)}\noverhead of record and reports: {cost:.2f} ms a check at {CHECKS} checks"
