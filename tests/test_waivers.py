"""Waivers and sign-offs in a run: what people accept is shown, covers one failure, and runs out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from engine import Bench
from test_engine import GREEN, LOOK, RED

from fixtures.people import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # each test starts runs of its own

CHECK = "CFG-4/test_red"
TODAY = datetime.now(UTC).date()


def waive(
    folder: Path, check: str = CHECK, observed: str = "it is in English", *, days: tuple[int, int] = (-1, 30)
) -> None:
    first, last = (TODAY + timedelta(days=n) for n in days)
    (folder / "waivers.toml").write_text(
        f"""
[[waiver]]
check = "{check}"
reason = "The translation is under way"
owner = "Ada"
approver = "Grace"
from = {first}
until = {last}
fingerprint = "{fingerprint(check, observed)}"
""",
        encoding="utf-8",
    )
    (folder / "little.toml").write_text('extends = "production"\nwaivers = "waivers.toml"\n', encoding="utf-8")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_waiver_covers_its_failure_and_is_shown(bench: Bench) -> None:
    waive(bench.folder)
    run = bench.run(LOOK + GREEN + RED, "-m", "predeploy")

    assert run.status == 0, run.text
    assert run.verdicts("waived") == {CHECK: "waived"}
    assert "The translation is under way" in run.text


def test_another_failure_of_the_same_check_is_not_covered(bench: Bench) -> None:
    waive(bench.folder, observed="it is in French")
    run = bench.run(LOOK + GREEN + RED, "-m", "predeploy")

    assert run.status == 1
    assert "its waiver is for another failure" in next(
        r["reason"] for r in run.summary["checks"] if r["check"] == CHECK
    )


def test_a_waiver_that_has_run_out_covers_nothing(bench: Bench) -> None:
    waive(bench.folder, days=(-40, -1))
    run = bench.run(LOOK + GREEN + RED, "-m", "predeploy")

    assert run.status == 1
    assert "its waiver is out of date" in next(r["reason"] for r in run.summary["checks"] if r["check"] == CHECK)


def test_a_waiver_that_is_not_needed_any_more_is_an_error(bench: Bench) -> None:
    waive(bench.folder, check="CFG-2/test_one")
    run = bench.run(LOOK + GREEN, "-m", "predeploy")

    assert run.status == 6
    assert run.verdicts("error") == {"CFG-2/test_one": "error"}


@pytest.mark.parametrize(
    ("check", "words"), [("CFG-4/test_nothing", "which is no check"), ("CFG-99/test_red", "no item 'CFG-99'")]
)
def test_a_waiver_that_names_nothing_is_misuse(bench: Bench, check: str, words: str) -> None:
    waive(bench.folder, check=check)
    run = bench.run(LOOK + GREEN + RED, "-m", "predeploy")

    assert run.status == 4, run.text
    assert words in run.text
    assert "Traceback" not in run.text
