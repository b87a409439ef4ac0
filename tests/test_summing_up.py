"""The check that sums up all others: judged last and from their verdicts, and never green where one of them is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from engine import WORKERS, Bench

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # each test starts runs of its own

BOOK = """
@item("MNT-6", expects="all others")
@pytest.mark.postdeploy
@pytest.mark.usefixtures("other_verdicts")
def test_whole():
    "All is well."

@item("CFG-1", expects="nothing")
@pytest.mark.postdeploy
def test_first():
    "Is well."

@item("CFG-2", expects="the wish")
@pytest.mark.postdeploy
def test_second():
    "Is as wished."
    wish = os.environ["WISH"]
    if wish == "breaks":
        raise RuntimeError("out of order")
    if wish == "dies":
        os._exit(0)
    assert wish == "good", "it is bad"

@item("CFG-3", expects="nothing")
@pytest.mark.maintenance
def test_of_another_phase():
    "Is never well."
    assert False, "it is bad"
"""
WHOLE, FIRST, SECOND = "MNT-6/test_whole", "CFG-1/test_first", "CFG-2/test_second"
ONE = "1 of 2 other checks is not green"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Where the little runbook lives."""
    return Bench(tmp_path)


@WORKERS
@pytest.mark.parametrize(
    ("wish", "verdict", "reason", "status"),
    [("good", "passed", None, 0), ("bad", "error", ONE, 1), ("breaks", "error", ONE, 6)],
)
def test_it_is_green_exactly_if_all_others_are(
    *, bench: Bench, workers: list[str], wish: str, verdict: str, reason: str | None, status: int
) -> None:
    run = bench.run(BOOK, "-m", "postdeploy", *workers, WISH=wish)
    row = next(row for row in run.summary["checks"] if row["check"] == WHOLE)

    assert (run.status, row["verdict"], row["reason"]) == (status, verdict, reason)
    assert (f"MNT-6 not verified: {ONE}" in run.text) == (verdict != "passed")
    assert list(run.record.verdicts)[-1][0] == WHOLE


@pytest.mark.slow
def test_a_process_that_died_is_not_green_either(bench: Bench) -> None:
    run = bench.run(BOOK, "-m", "postdeploy", "-n", "2", WISH="dies")

    assert run.verdicts() == {WHOLE: "error", FIRST: "passed", SECOND: "error"}


def test_other_phases_do_not_count(bench: Bench) -> None:
    run = bench.run(BOOK, "-m", "postdeploy or maintenance", WISH="good")

    assert (run.status, run.verdicts()[WHOLE]) == (1, "passed")


def test_a_part_of_the_phase_verifies_nothing(bench: Bench) -> None:
    run = bench.run(BOOK, "-m", "postdeploy", "-k", "MNT-6 or CFG-2", WISH="good")

    assert run.status == 6
    assert "MNT-6 not verified: only a part of the phase was selected" in run.text


@pytest.mark.slow
def test_it_is_not_run_where_others_are_not(bench: Bench) -> None:
    book = BOOK.replace('"Is well."', 'assert False, "it is bad"')
    run = bench.run(book, "-m", "postdeploy", "-x", WISH="good")

    assert run.verdicts() == {WHOLE: "not-run", FIRST: "failed", SECOND: "not-run"}


@pytest.mark.slow
def test_a_recording_gives_the_same_verdict(bench: Bench) -> None:
    run = bench.run(BOOK, "-m", "postdeploy", WISH="bad")
    again = bench.again(f"--replay={run.folder}", WISH="bad")
    mended = bench.again(f"--replay={run.folder}", WISH="good")

    assert again.verdicts() == run.verdicts()
    assert mended.verdicts()[WHOLE] == "passed"


@pytest.mark.slow
def test_a_run_that_waits_is_judged_by_its_last_round(bench: Bench) -> None:
    weather = """
@look("sky", seconds=5)
def sky(world: World) -> Seen:
    days = Path(os.environ["DAYS"])
    with days.open("a") as file:
        file.write("x")
    return Seen("look up", len(days.read_text()), "a day")

@item("CFG-4", expects="sun")
@pytest.mark.postdeploy
def test_sun(sky: Observation):
    "The sun shines."
    assert sky.value > 1, "it rains"
"""
    (bench.folder / "little.toml").write_text(
        'extends = "production"\n[wait]\ngreen_rounds = 2\npause_seconds = 0.1\n', encoding="utf-8"
    )
    run = bench.run(BOOK + weather, "-m", "postdeploy", "--wait=60s", WISH="good", DAYS=str(bench.folder / "days"))

    assert (run.status, len(run.summary["rounds"])) == (0, 3), run.text
    assert run.summary["rounds"][0]["counts"] == {"passed": 2, "failed": 1}  # the check that sums up is no part of it
    assert run.verdicts()[WHOLE] == "passed"


@pytest.mark.slow
@pytest.mark.slow
def test_a_green_round_that_nothing_confirmed_sums_up_to_nothing(bench: Bench) -> None:
    (bench.folder / "little.toml").write_text(
        'extends = "production"\n[requests]\nmaximum = 60\n[wait]\ngreen_rounds = 2\npause_seconds = 0.1\n',
        encoding="utf-8",
    )
    dear = """
from fixtures.budget import Budget

@look("sky", seconds=5)
def sky(world: World) -> Seen:
    for _ in range(40):
        Budget(world.folder, world.target).take()
    return Seen("look up", "sun", "the sky")

@item("CFG-4", expects="sun")
@pytest.mark.postdeploy
def test_sun(sky: Observation):
    "The sun shines."
    assert sky.value == "sun", "it rains"
"""
    run = bench.run(BOOK + dear, "-m", "postdeploy", "--wait=60s", WISH="good")
    again = bench.again(f"--replay={run.folder}", WISH="good")
    twice = bench.again(f"--replay={again.folder}", WISH="good")

    assert len(run.summary["rounds"]) == 1, run.text
    assert "MNT-6 not verified: the run waited, and what it saw had not settled when it ended" in run.text
    assert run.verdicts("error") == {WHOLE: "error"}
    assert again.verdicts() == run.verdicts() == twice.verdicts()
    assert [one.status for one in (run, again, twice)] == [6, 6, 6]


def test_a_sum_that_breaks_still_leaves_a_finish_and_reports(bench: Bench) -> None:
    broken = "import fixtures.keeper\nfixtures.keeper.summed_up = lambda *_, **__: 1 / 0\n"
    run = bench.run(broken + BOOK, "-m", "postdeploy", WISH="good")
    assert run.folder is not None, run.text

    assert (run.status, run.summary["exit_status"]) == (3, 3), run.text
    assert "EVIDENCE BROKEN · the verdicts cannot be summed up: ZeroDivisionError" in run.text
    assert run.record.finish is not None
    assert (run.folder / "attestation.json").exists()


@pytest.mark.slow
def test_each_target_is_summed_up_by_itself(bench: Bench) -> None:
    other = bench.folder / "other.toml"
    other.write_text('extends = "production"\napp = "other"\n', encoding="utf-8")
    book = BOOK.replace("def test_first():", "def test_first(expected):").replace(
        '"Is well."', 'assert expected.app != "other", "it is bad"'
    )
    run = bench.run(book, "-m", "postdeploy", f"--target={other}", WISH="good")
    verdicts = {row["target"]: row["verdict"] for row in run.summary["checks"] if row["check"] == WHOLE}

    assert verdicts == {"little": "passed", "other": "error"}, run.text
