"""The engine fails closed: whatever happens to a run, its status and its summary tell the truth."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from engine import WORKERS, Bench

from reports.record import read_record

if TYPE_CHECKING:
    from pathlib import Path

LOOK = """
@look("source", seconds=5)
def greeting(world: World) -> Seen:
    with (world.folder.parent / "looked").open("a") as file:
        file.write("x")
    return Seen("echo hello", {"words": ["hello"], "token": "made of words"}, "one greeting")
"""

GREEN = """
@item("CFG-2", expects="{machines.memory_mb} MB on every machine")
@pytest.mark.predeploy
def test_one(greeting: Observation) -> None:
    '''The greeting is polite.'''
    assert "hello" in greeting.read(str)

@item("CFG-1", expects="{machines.cpus} CPUs")
@pytest.mark.predeploy
def test_two(greeting: Observation) -> None:
    '''The greeting is short.'''
    assert len(greeting.read(str)) < 1000
"""

RED = """
@item("CFG-4", expects="a soft limit of {concurrency.soft_limit}")
@pytest.mark.predeploy
def test_red(greeting: Observation) -> None:
    '''The greeting is in German.'''
    assert greeting.value is None, "it is in English"
"""

LATE = """
@look("source", seconds=5)
def late(world: World) -> Seen:
    time.sleep(0.5)
    return Seen("", 1, "late")
"""

BLIND = """
@look("source", seconds=5)
def darkness(world: World) -> Seen:
    raise Unseen("the lamp at /dev/lamp is out: plug it in", asked="lamp --on", tries=3)

@look("source", seconds=5)
def shadow(world: World, darkness: Observation) -> Seen:
    return Seen("look", 1, "a shadow")

@item("CFG-4", expects="light")
@pytest.mark.predeploy
def test_light(darkness: Observation) -> None:
    '''There is light.'''
    assert darkness.read(str)

@item("CFG-3", expects="a shadow")
@pytest.mark.predeploy
def test_shadow(shadow: Observation) -> None:
    '''There is a shadow.'''
    assert shadow.read(str)
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_all_green_is_zero_and_says_what_was_seen(bench: Bench) -> None:
    run = bench.run(LOOK + GREEN, "-m", "predeploy")

    assert run.status == 0, run.text
    assert run.summary["verdict"] == "passed"
    assert run.summary["exit_status"] == 0
    assert run.summary["counts"]["passed"] == 2
    assert [row["check"] for row in run.summary["checks"]] == ["CFG-1/test_two", "CFG-2/test_one"]
    assert run.summary["checks"][1]["expected"] == "2048 MB on every machine"
    assert run.summary["checks"][1]["observed"] == "one greeting"


def test_a_failure_is_one_and_reads_like_a_line_of_the_runbook(bench: Bench) -> None:
    run = bench.run(LOOK + GREEN + RED, "-m", "predeploy")

    assert run.status == 1
    assert "FAILED CFG-4 · The greeting is in German" in run.text
    assert "observed   it is in English" in run.text
    assert "expected   a soft limit of 150" in run.text
    assert "targets/production.toml [concurrency] soft_limit" in run.text
    assert run.verdicts("failed") == {"CFG-4/test_red": "failed"}


def test_what_could_not_look_is_six_and_told_once(bench: Bench) -> None:
    run = bench.run(LOOK + GREEN + BLIND, "-m", "predeploy")

    assert run.status == 6
    assert run.summary["verdict"] == "blind"
    assert run.text.count("the lamp at /dev/lamp is out: plug it in") == 1
    assert "2 checks could not look" in run.text
    assert set(run.verdicts("error")) == {"CFG-4/test_light", "CFG-3/test_shadow"}


def test_a_broken_check_is_an_error_with_its_place_and_no_traceback(bench: Bench) -> None:
    run = bench.run(
        LOOK
        + GREEN
        + """
@item("CFG-4", expects="nothing")
@pytest.mark.predeploy
def test_broken(greeting: Observation) -> None:
    '''It works.'''
    assert greeting.value["nothing"]
""",
        "-m",
        "predeploy",
    )

    assert run.status == 6
    assert "the check broke at test_book.py" in run.text
    assert "Traceback" not in run.text


@WORKERS
def test_one_look_serves_all_checks(bench: Bench, workers: list[str], tmp_path: Path) -> None:
    slow = LOOK.replace('return Seen("echo', 'time.sleep(0.3); return Seen("echo').replace(
        'world.folder.parent / "looked"', f'Path("{tmp_path}") / "looked"'
    )
    run = bench.run(slow + GREEN, "-m", "predeploy", *workers)

    assert run.status == 0, run.text
    assert (tmp_path / "looked").read_text() == "x"
    assert list(run.record.observations) == ["little/predeploy/greeting"]


def test_looks_start_together(bench: Bench) -> None:
    looks = "".join(
        f"""
@look("source", seconds=5)
def slow{n}(world: World) -> Seen:
    time.sleep(0.5)
    return Seen("sleep", {n}, "slept")

@item("CFG-{n}", expects="sleep")
@pytest.mark.predeploy
def test_slow{n}(slow{n}: Observation) -> None:
    '''It slept.'''
    assert slow{n}.value == {n}
"""
        for n in range(1, 7)
    )
    run = bench.run(looks, "-m", "predeploy")
    started = sorted(observation["started"] for observation in run.record.observations.values())

    assert run.status == 0, run.text
    assert started[-1][:17] == started[0][:17]
    assert float(started[-1][17:-1]) - float(started[0][17:-1]) < 0.4


@WORKERS
def test_a_look_that_hangs_is_given_up(bench: Bench, workers: list[str]) -> None:
    hang = LOOK.replace("seconds=5", "seconds=0.2").replace("    return", "    time.sleep(600)\n    return")
    run = bench.run(hang + GREEN, "-m", "predeploy", *workers)

    assert run.status == 6
    assert "greeting did not come back within 0.2 s" in run.text
    assert [one["error"] for one in run.record.observations.values()] == ["greeting did not come back within 0.2 s"]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ('Seen("echo", {"words": ("hello",)}, "a tuple")', "'tuple' object"),
        ('Seen("echo", {float("nan"): 1}, "a number for a name")', "'float'"),
        ("None", "'NoneType' object"),
    ],
    ids=["tuple", "nan", "nothing"],
)
def test_what_cannot_be_recorded_is_an_error_of_its_look_at_once(bench: Bench, seen: str, reason: str) -> None:
    odd = LOOK.replace('Seen("echo hello", {"words": ["hello"], "token": "made of words"}, "one greeting")', seen)
    run = bench.run(odd.replace("seconds=5", "seconds=120") + GREEN, "-m", "predeploy")

    assert run.status == 6, run.text
    assert "what the look greeting saw is no plain data, and cannot be recorded: " in run.text
    assert reason in run.text
    assert "did not come back" not in run.text


@WORKERS
def test_replay_gives_the_same_verdicts_without_looking(bench: Bench, workers: list[str], tmp_path: Path) -> None:
    body = LOOK + GREEN + RED + BLIND.replace("CFG-4", "CFG-5")
    first = bench.run(body, "-m", "predeploy")
    (tmp_path / "looked").unlink(missing_ok=True)
    again = bench.again(f"--replay={first.folder}", *workers)

    assert again.verdicts() == first.verdicts()
    assert again.status == first.status == 1
    assert again.summary["replay_of"] == first.summary["run"]
    assert not (tmp_path / "looked").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-m", "predploy"], "there is no marker 'predploy'"),
        (["-m", "predeploy", "-k", "CFG-99"], "the runbook has no item CFG-99"),
        (["--target=productoin"], "productoin"),
        (["-m", "predeploy", "--source=/nonexistent"], "does not exist"),
        (["-m", "predeploy", "--twin-fault=x"], "--twin-fault breaks the twin only"),
        (["--replay=/nonexistent"], "/nonexistent"),
        (["-m", "("], "marker expression"),
    ],
)
def test_misuse_is_four_in_one_sentence(bench: Bench, arguments: list[str], words: str) -> None:
    run = bench.run(LOOK + GREEN, *arguments)

    assert run.status == 4, run.text
    assert words in run.text
    assert "Traceback" not in run.text


def test_nothing_selected_is_five(bench: Bench) -> None:
    run = bench.run(LOOK + GREEN, "-m", "predeploy", "-k", "CFG-6")

    assert run.status == 5, run.text


def test_not_applicable_names_the_missing_key(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "little.toml").write_text('extends = "production"\nunset = ["machines.cpus"]\n')
    run = bench.run(LOOK + GREEN, "-m", "predeploy")

    assert run.status == 0, run.text
    assert run.verdicts("not-applicable") == {"CFG-1/test_two": "not-applicable"}
    assert "machines.cpus" in next(row["reason"] for row in run.summary["checks"] if row["item"] == "CFG-1")


def test_a_process_that_exits_zero_left_a_summary_that_says_six(bench: Bench) -> None:
    body = LOOK + GREEN.replace('assert "hello" in greeting.read(str)', "os._exit(0)")
    run = bench.run(body, "-m", "predeploy")

    assert run.status == 0
    assert run.summary["exit_status"] == 6
    assert run.summary["counts"]["not-run"] == 2


@pytest.mark.slow
def test_a_worker_that_dies_is_an_error_of_the_check_it_judged(bench: Bench) -> None:
    body = LOOK + GREEN.replace('assert "hello" in greeting.read(str)', "os._exit(0)")
    run = bench.run(body, "-m", "predeploy", "-n", "2")

    assert run.status == 6, run.text
    assert run.verdicts() == {"CFG-1/test_two": "passed", "CFG-2/test_one": "error"}


def test_ctrl_c_is_two_and_the_rest_is_not_run(bench: Bench) -> None:
    body = LOOK + GREEN.replace('assert "hello" in greeting.read(str)', "raise KeyboardInterrupt")
    run = bench.run(body, "-m", "predeploy")

    assert run.status == 2, run.text
    assert run.summary["exit_status"] == 2
    assert "CFG-2/test_one" in run.verdicts("not-run")


def test_stopping_at_the_first_failure_leaves_the_rest_not_run(bench: Bench) -> None:
    later = GREEN.replace("greeting: Observation", "greeting: Observation, late: Observation")
    run = bench.run(LOOK + RED + LATE + later, "-m", "predeploy", "-x")

    assert run.status == 1, run.text
    assert set(run.verdicts("not-run")) == {"CFG-1/test_two", "CFG-2/test_one"}


def test_an_unwritable_reports_folder_is_three(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    run = bench.run(LOOK + GREEN, "-m", "predeploy")

    assert run.status == 3, run.text
    assert "--reports=DIR" in run.text
    assert "Traceback" not in run.text


def test_every_line_of_the_record_names_the_one_before(bench: Bench) -> None:
    run = bench.run(LOOK + GREEN + RED, "-m", "predeploy")
    assert run.folder is not None
    lines = (run.folder / "record.jsonl").read_bytes().splitlines()
    hashes = ["0" * 64, *(hashlib.sha256(line).hexdigest() for line in lines)]

    assert [json.loads(line)["previous"] for line in lines] == hashes[:-1]


def test_a_torn_last_line_is_told_and_the_rest_is_read(bench: Bench) -> None:
    run = bench.run(LOOK + GREEN, "-m", "predeploy")
    assert run.folder is not None
    record = run.folder / "record.jsonl"
    record.write_bytes(record.read_bytes()[:-20])

    assert read_record(record).torn
    assert len(read_record(record).verdicts) == 2


@WORKERS
def test_a_chapter_that_cannot_be_read_is_three_and_named(bench: Bench, workers: list[str]) -> None:
    run = bench.run(LOOK + GREEN + "\nimport not_there\n", "-m", "predeploy", *workers)

    assert run.status == 3, run.text
    assert "No module named 'not_there'" in run.text
    assert "Traceback" not in run.text


def test_a_look_that_ends_after_the_run_disturbs_nothing(bench: Bench) -> None:
    late = LATE + GREEN.replace("greeting: Observation", "late: Observation").replace("_one", "_late")
    run = bench.run(LOOK + RED + late.replace("_two", "_late_two"), "-m", "predeploy", "-x")

    assert run.status == 1, run.text
    assert "Traceback" not in run.text
