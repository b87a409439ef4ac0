"""The source part of predeploy on the reference app, everything included, beside its replay and pytest's own start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.timing import Case, compare, python, run, table

if TYPE_CHECKING:
    from pathlib import Path

OFFLINE = ("-m", "predeploy and offline")


def main(folder: Path, rounds: int) -> str:
    """Run all three, and give the table."""
    (folder / "empty").mkdir()
    (folder / "empty" / "test_empty.py").write_text("def test_one():\n    assert True\n", encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    runs = folder / "runs"
    live = Case(
        "predeploy on the source, live",
        python("-m", "pytest", *OFFLINE, "--target=twin", f"--reports={runs}"),
    )
    run(live)
    recorded = (runs / "latest").resolve()
    cases = [
        Case(
            "pytest alone, one empty test",
            python("-m", "pytest", "-q", f"--config-file={folder / 'pytest.ini'}", str(folder / "empty")),
            cwd=folder,
        ),
        live,
        Case("the same, replayed", python("-m", "pytest", f"--replay={recorded}", f"--reports={folder / 'again'}")),
    ]
    return table(compare(cases, rounds), cases[0].name)
