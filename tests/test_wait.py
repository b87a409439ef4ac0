"""`--wait`: whole rounds of looks until what was deployed has settled, or waiting will not help, or the time is up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from engine import Bench
from runs import run_pytest

from fixtures.people import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

pytestmark = pytest.mark.slow  # each test starts runs of its own

BODY = """
@look("edge", seconds=5)
def weather(world: World) -> Seen:
    with Path(os.environ["LOOKED"]).open("a") as file:
        file.write("x")
    rounds = len(Path(os.environ["LOOKED"]).read_text())
    for _ in range(int(os.environ.get("REQUESTS", "0"))):
        Budget(world.folder, world.target).take()
    ended = f"the sun of round {rounds} is dead" if rounds == int(os.environ.get("DEAD", "0")) else None
    told = {"rounds": rounds, "clock": world.clock.isoformat(timespec="seconds")}
    return Seen("look out", told, f"weather {rounds}", terminal=ended)

@item("CFG-1", expects="a window")
@pytest.mark.postdeploy
def test_window(weather: Observation, clock) -> None:
    '''There is a window.'''
    assert weather.value["clock"] == clock.isoformat(timespec="seconds")

@item("CFG-2", expects="sun")
@pytest.mark.postdeploy
def test_sun(weather: Observation) -> None:
    '''The sun shines.'''
    assert weather.value["rounds"] >= int(os.environ["SUN"]), f"clouds in round {weather.value['rounds']}"
"""
HEAD = "from fixtures.budget import Budget\n"
NEVER = "1000"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    (tmp_path / "little.toml").write_text(
        'extends = "production"\n[requests]\nmaximum = 60\n[wait]\ngreen_rounds = 2\npause_seconds = 0.05\n'
    )
    return Bench(tmp_path)


def waited(bench: Bench, *arguments: str, sun: str, **changes: str) -> Finished:
    looked = bench.folder / "looked"
    looked.unlink(missing_ok=True)
    return bench.run(HEAD + BODY, "-m", "postdeploy", *arguments, LOOKED=str(looked), SUN=sun, **changes)


def rounds(run: Finished) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run.summary["rounds"]
    return found


def test_it_waits_until_enough_rounds_in_a_row_are_green(bench: Bench) -> None:
    run = waited(bench, "--wait=60s", sun="3")

    assert run.status == 0, run.text
    assert [line["counts"] for line in rounds(run)] == [
        {"passed": 1, "failed": 1},
        {"passed": 1, "failed": 1},
        {"passed": 2},
        {"passed": 2},
    ]
    assert [line["settled"] for line in rounds(run)] == [
        [],
        [],
        [{"check": "CFG-2/test_sun", "target": "little"}],
        [],
    ]
    assert rounds(run)[-1]["stopped"] == "2 rounds in a row were green"
    assert "1 check settled after" in run.text
    assert "FAILED" not in run.text


@pytest.mark.slow
def test_every_round_is_in_the_record_and_the_last_one_counts(bench: Bench) -> None:
    run = waited(bench, "--wait=60s", sun="2")
    looks = [observation["id"] for observation in run.record.observations.values()]
    again = bench.again(f"--replay={run.folder}", LOOKED="", SUN="2")

    assert looks == ["little/postdeploy/weather", *(f"little/postdeploy/weather@{n}" for n in (2, 3))]
    assert {name for row in run.summary["checks"] for name in row["observations"]} == {"little/postdeploy/weather@3"}
    assert again.verdicts() == run.verdicts() == {"CFG-1/test_window": "passed", "CFG-2/test_sun": "passed"}
    assert list(again.record.observations) == ["little/postdeploy/weather@3"]
    third = bench.again(f"--replay={again.folder}", LOOKED="", SUN="2")
    assert third.verdicts() == run.verdicts()


def test_at_the_deadline_it_tells_what_was_still_wrong(bench: Bench) -> None:
    run = waited(bench, "--wait=0.3s", sun=NEVER)
    last = rounds(run)[-1]

    assert run.status == 1, run.text
    assert len(rounds(run)) > 1
    assert last["stopped"] == "the 0.3 s are over"
    assert last["waited_seconds"] >= 0.3
    assert [one["check"] for one in last["not_green"]] == ["CFG-2/test_sun"]
    assert run.text.count("FAILED CFG-2") == 1
    assert f"clouds in round {last['number']}" in run.text


def test_a_terminal_state_ends_it_within_one_round(bench: Bench) -> None:
    run = waited(bench, "--wait=60s", sun=NEVER, DEAD="2")

    assert run.status == 1, run.text
    assert [line["stopped"] for line in rounds(run)] == [None, "the sun of round 2 is dead: waiting will not heal it"]


def test_it_keeps_to_the_request_budget(bench: Bench) -> None:
    run = waited(bench, "--wait=1s", sun=NEVER, REQUESTS="25")

    assert run.status == 1, run.text
    assert [line["number"] for line in rounds(run)] == [1]
    assert rounds(run)[-1]["stopped"] == (
        "another round would send 25 requests to paintbox, and 35 of its 60 are left: too few for 2 green rounds"
    )


def test_a_green_round_that_no_budget_was_left_to_confirm_does_not_pass(bench: Bench) -> None:
    dearer = BODY.replace('os.environ.get("REQUESTS", "0")', '"40" if rounds > 1 else "10"')
    run = bench.run(HEAD + dearer, "-m", "postdeploy", "--wait=1s", LOOKED=str(bench.folder / "looked"), SUN="2")

    assert run.summary["counts"]["passed"] == 2
    assert (run.status, run.summary["verdict"]) == (6, "blind"), run.text
    assert "another round would send 40 requests" in run.text


def test_a_short_budget_makes_pauses_longer_instead_of_ending_early(bench: Bench) -> None:
    run = waited(bench, "--wait=1s", sun=NEVER, REQUESTS="12")

    assert rounds(run)[-1]["stopped"] == "the 1 s are over", run.text
    assert len(rounds(run)) == 4


def test_it_does_not_wait_for_what_people_accept(bench: Bench) -> None:
    today = datetime.now(UTC).date()
    (bench.folder / "waivers.toml").write_text(
        f"""
[[waiver]]
check = "CFG-2/test_sun"
reason = "it is November"
owner = "Ada Example"
approver = "Grace Example"
from = {today - timedelta(days=1)}
until = {today + timedelta(days=1)}
fingerprint = "{fingerprint("CFG-2/test_sun", "there are clouds")}"
"""
    )
    target = bench.folder / "little.toml"
    target.write_text('waivers = "waivers.toml"\n' + target.read_text())
    body = BODY.replace("""f"clouds in round {weather.value['rounds']}\"""", '"there are clouds"')
    run = bench.run(HEAD + body, "-m", "postdeploy", "--wait=60s", LOOKED=str(bench.folder / "looked"), SUN=NEVER)

    assert run.status == 0, run.text
    assert [line["counts"] for line in rounds(run)] == [{"passed": 1, "waived": 1}] * 2


def test_a_run_that_ends_before_has_said_what_it_knew(bench: Bench) -> None:
    body = BODY.replace(
        'assert weather.value["rounds"] >=', 'weather.value["rounds"] < 2 or os._exit(0)\n    assert 0 >='
    )
    run = bench.run(HEAD + body, "-m", "postdeploy", "--wait=60s", LOOKED=str(bench.folder / "looked"), SUN=NEVER)

    assert run.summary["exit_status"] == 6
    assert [line["number"] for line in run.record.rounds] == [1]


@pytest.mark.slow
def test_ctrl_c_leaves_the_verdicts_of_the_last_whole_round(bench: Bench) -> None:
    stopped = BODY.replace(
        'assert weather.value["rounds"] >=',
        'if weather.value["rounds"] == int(os.environ["STOP"]):\n        raise KeyboardInterrupt\n    assert 0 >=',
    )
    arguments, looked = ("-m", "postdeploy", "--wait=60s"), bench.folder / "looked"
    late = bench.run(HEAD + stopped, *arguments, LOOKED=str(looked), SUN=NEVER, STOP="2")
    replay = bench.again(f"--replay={late.folder}", LOOKED="", SUN=NEVER, STOP="2")
    looked.unlink()
    early = bench.again(*arguments, LOOKED=str(looked), SUN=NEVER, STOP="1")

    assert [run.status for run in (late, early)] == [2, 2], late.text
    assert late.verdicts() == replay.verdicts() == {"CFG-1/test_window": "passed", "CFG-2/test_sun": "failed"}
    assert late.text.count("FAILED CFG-2") == 1
    assert "1 round: the run ended before there was a reason to" in late.text
    assert {name for row in late.summary["checks"] for name in row["observations"]} == {"little/postdeploy/weather"}
    assert set(early.verdicts().values()) == {"not-run"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-m", "predeploy", "--wait=3s"], "--wait looks again at what runs"),
        (["--wait=3s"], "--wait looks again at what runs"),
        (["-m", "postdeploy", "--wait=3"], "write it as 150s or 2m30s"),
        (["-m", "postdeploy", "--wait=-3s"], "write it as 150s or 2m30s"),
        (["-m", "postdeploy", "--wait=2h"], "longer than a run may take"),
        (["-m", "postdeploy", "--wait=3s", "-n", "2"], "leave -n out"),
        (["--replay=/nowhere", "--wait=3s"], "nothing to wait for in a replay"),
    ],
)
def test_misuse_is_four_in_one_sentence(bench: Bench, arguments: list[str], words: str) -> None:
    run = bench.run(HEAD + BODY, *arguments)

    assert run.status == 4, run.text
    assert words in run.text


def test_a_target_that_does_not_say_how_to_wait_is_misuse(bench: Bench) -> None:
    (bench.folder / "little.toml").write_text('extends = "production"\nunset = ["wait"]\n')
    run = waited(bench, "--wait=3s", sun="1")

    assert run.status == 4
    assert "does not set wait.green_rounds" in run.text


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("jwks-away:soon", "write it as jwks-away:20s"),
        ("jwks-awya:20s", "did you mean 'jwks-away'"),
        ("review-overdue:20s", "only faults of what runs heal"),
    ],
)
def test_a_fault_that_cannot_heal_is_misuse(tmp_path: Path, fault: str, words: str) -> None:
    run = run_pytest("-m", "smoke", "--target=twin", f"--twin-fault={fault}", reports=tmp_path)

    assert run.status == 4
    assert words in run.text


@pytest.mark.slow
def test_the_twin_settles_after_twenty_seconds_and_says_so(tmp_path: Path) -> None:
    run = run_pytest(
        *("-m", "smoke", "-k", "HLT or JWK", "--target=twin", "--twin-fault=jwks-away:20s", "--wait=90s"),
        reports=tmp_path,
    )
    settled = {one["check"]: line["waited_seconds"] for line in rounds(run) for one in line["settled"]}

    assert run.status == 0, run.text
    assert settled["JWK-1/test_jwks_answers[edge]"] > 15
    assert "settled after" in run.text
    assert run.summary["requests"]["paintbox"] <= 200


@pytest.mark.slow
def test_a_machine_that_gave_up_is_not_waited_for(tmp_path: Path) -> None:
    run = run_pytest(
        *("-m", "postdeploy", "-k", "MET-3", "--target=twin", "--twin-fault=machine-crashed", "--wait=90s"),
        reports=tmp_path,
    )

    assert run.status == 1, run.text
    assert len(rounds(run)) == 1
    assert "gave up after 10 restarts: waiting will not heal it" in run.text
    assert run.folder is not None
    record = [json.loads(line) for line in (run.folder / "record.jsonl").read_bytes().splitlines()]
    assert [line["look"] for line in record if line.get("terminal")] == ["fly_machines"]
