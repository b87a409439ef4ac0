"""Runs side by side: what differs comes first, and a run that cannot be relied on is named and never green."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from engine import Bench
from jsonschema import Draft202012Validator

from reports import merge_table
from reports.__main__ import main
from reports.merge import NoRun, merge

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow  # each test starts runs of its own

SCHEMA = Path(__file__).resolve().parent.parent / "reports" / "schemas" / "merged.json"
BODY = """
@look("source", seconds=5)
def weather(world: World) -> Seen:
    if os.environ.get("WEATHER") == "fog":
        raise Unseen("there is fog at the window: wait", asked="look out")
    return Seen("look out", os.environ.get("WEATHER", "sun"), "some weather")

@item("CFG-1", expects="a window")
@pytest.mark.predeploy
def test_window(weather: Observation) -> None:
    '''There is a window.'''
    assert weather.read(str)

@item("CFG-2", expects="sun")
@pytest.mark.predeploy
def test_sun(weather: Observation) -> None:
    '''The sun shines.'''
    assert weather.read(str) == "sun", f"there is {weather.value}"

@item("CFG-3", expects="no roof")
@pytest.mark.predeploy
def test_roof(weather: Observation) -> None:
    '''There is no roof.'''
    assert weather.read(str) != "hail", "a roof\\x1b[2J"
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Runs of several places by their weather, each in a folder of its own."""
    found = {}
    for place, weather in (("fra", "sun"), ("iad", "rain"), ("sjc", "fog")):
        run = Bench(tmp_path_factory.mktemp(place)).run(BODY, "-m", "predeploy", f"--place={place}", WEATHER=weather)
        assert run.folder is not None
        found[place] = run.folder
    return found


@pytest.fixture
def spoilt(runs: dict[str, Path], tmp_path: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """A copy of a green run that is spoilt in some way."""

    def make(name: str, spoil: Callable[[Path], None]) -> Path:
        folder = tmp_path / name
        shutil.copytree(runs["fra"], folder)
        spoil(folder)
        return folder

    return make


def screen(*paths: Path, width: int = 200) -> str:
    return "\n".join(merge_table.lines(merge(paths), width))


@pytest.mark.slow
def test_what_differs_comes_first_with_its_reason(runs: dict[str, Path]) -> None:
    merged = merge([runs["fra"], runs["iad"]])

    assert [(row.check, row.differs, row.verdicts) for row in merged.rows] == [
        ("CFG-2/test_sun", True, ["passed", "failed"]),
        ("CFG-1/test_window", False, ["passed", "passed"]),
        ("CFG-3/test_roof", False, ["passed", "passed"]),
    ]
    assert merged.exit_status == 1
    text = screen(runs["fra"], runs["iad"])
    assert "fra     iad" in text
    assert "  2 failed: there is rain" in text


@pytest.mark.slow
def test_green_everywhere_is_zero_and_blind_anywhere_is_six(runs: dict[str, Path], tmp_path: Path) -> None:
    second = tmp_path / "second"
    shutil.copytree(runs["fra"], second)

    assert merge([runs["fra"], second]).exit_status == 0
    assert merge([runs["fra"], runs["sjc"]]).exit_status == 6
    assert "3 checks could not look in 2: there is fog at the window: wait" in screen(runs["fra"], runs["sjc"])
    assert merge([runs["fra"], runs["iad"], runs["sjc"]]).exit_status == 1


def drop_the_end(folder: Path) -> None:
    lines = (folder / "record.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "record.jsonl").write_bytes(b"".join(lines[:-2]) + lines[-2][:20])


def damage(folder: Path) -> None:
    lines = (folder / "record.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "record.jsonl").write_bytes(b"".join([lines[0], b"{\n", *lines[1:]]))


def change_the_plan(folder: Path) -> None:
    record = folder / "record.jsonl"
    record.write_bytes(record.read_bytes().replace(b'"checks"', b'"cheques"', 1))


def say_that_it_leaked(folder: Path) -> None:
    told = json.loads((folder / "summary.json").read_bytes()) | {"exit_status": 3, "verdict": "blind"}
    (folder / "summary.json").write_text(json.dumps(told))


def add_a_round(folder: Path) -> None:
    facts = {"number": 1, "confirmed": False, "stopped": "too few requests are left", "not_green": [], "settled": []}
    record = folder / "record.jsonl"
    *lines, finish = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(b"".join([*lines, json.dumps({"kind": "round", **facts}).encode() + b"\n", finish]))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (add_a_round, "had not settled when it ended"),
        (drop_the_end, "the run was cut short"),
        (damage, "is not a line of a record"),
        (change_the_plan, "changed or damaged"),
        (say_that_it_leaked, "calls its own evidence broken"),
        (lambda folder: (folder / "record.jsonl").write_bytes(b""), "holds no plan"),
        (lambda folder: (folder / "summary.json").write_bytes(b"{"), "calls its own evidence broken"),
    ],
)
def test_a_run_that_is_not_whole_is_named_and_never_green(
    runs: dict[str, Path],
    spoilt: Callable[[str, Callable[[Path], None]], Path],
    spoil: Callable[[Path], None],
    words: str,
) -> None:
    broken = spoilt("spoilt", spoil)
    merged = merge([runs["fra"], broken])

    assert merged.exit_status == 6
    assert [column.verdict for column in merged.columns] == ["passed", "blind"]
    assert words in (merged.columns[1].trouble or "")
    assert words in " ".join(screen(runs["fra"], broken).split())


def test_what_is_no_run_is_misuse(runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge", str(tmp_path / "nowhere")]) == 4
    assert "there is no record.jsonl in it" in capsys.readouterr().err
    with pytest.raises(NoRun, match="twice"):
        merge([runs["fra"], runs["fra"] / ".." / runs["fra"].name])
    (tmp_path / "file").write_text("in the way")
    assert main(["merge", str(runs["fra"]), f"--into={tmp_path / 'file'}"]) == 4
    with pytest.raises(SystemExit, match="4"):
        main(["merge"])


def test_what_is_written_is_what_is_published(runs: dict[str, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(runs["fra"], broken)
    damage(broken)
    status = main(["merge", *map(str, runs.values()), str(broken), f"--into={tmp_path / 'new' / 'folder'}"])
    merged = json.loads((tmp_path / "new" / "folder" / "merged.json").read_bytes())

    assert status == merged["exit_status"] == 1
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(merged)
    assert [column["place"] for column in merged["columns"]] == ["fra", "iad", "sjc", None]


def test_many_columns_become_letters(runs: dict[str, Path]) -> None:
    text = screen(*runs.values(), width=30)

    assert "F failed" in text
    assert "CFG-2/test_sun     .  F  E" in text


def test_a_target_is_a_column_and_the_subject_no_part_of_a_check(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    (tmp_path / "other.toml").write_text('extends = "production"\n')
    body = BODY.replace("weather(world: World)", "weather(world: World, subject: str)").replace(
        "@pytest.mark.predeploy", "@pytest.mark.predeploy\n@pytest.mark.postdeploy"
    )
    run = bench.run(body, "-m", "predeploy or postdeploy", f"--target={tmp_path / 'other.toml'}")
    assert run.folder is not None
    merged = merge([run.folder])

    assert [(column.target, column.phase) for column in merged.columns] == [
        (target, phase) for phase in ("predeploy", "postdeploy") for target in ("little", "other")
    ], run.text
    assert [row.check for row in merged.rows] == ["CFG-1/test_window", "CFG-2/test_sun", "CFG-3/test_roof"]
    assert {verdict for row in merged.rows for verdict in row.verdicts} == {"passed"}


def test_nothing_that_a_run_says_can_steer_the_terminal(tmp_path: Path) -> None:
    run = Bench(tmp_path).run(BODY, "-m", "predeploy", WEATHER="hail")
    assert run.folder is not None

    assert "a roof\\x1b[2J" in screen(run.folder)
    assert "\x1b" not in screen(run.folder)
