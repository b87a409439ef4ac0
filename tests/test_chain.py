"""Each run names the one before of its target, cheaply; runs that went on side by side are told as a fork."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from engine import Bench

from reports import chain, ledger
from reports.claims import chained
from reports.prune import entry, prune
from reports.record import read_record

if TYPE_CHECKING:
    from pathlib import Path

BOOK = """
@item("CFG-1", expects="{machines.cpus} CPUs")
@pytest.mark.predeploy
def test_nothing() -> None:
    '''Nothing is asked.'''
"""
FINISH = b'{"kind":"finish","n":%d}'


def made(reports: Path, name: str, *targets: str, finished: bool = True, **plan: Any) -> Path:  # noqa: ANN401 - any field
    """A run as small as the chain can follow."""
    folder = reports / name
    folder.mkdir(parents=True)
    told = {"kind": "plan", "replay_of": None, "targets": [{"name": one} for one in targets], **plan}
    last = [FINISH % len(name)] if finished else [b'{"kind":"verdict"}']
    (folder / "record.jsonl").write_bytes(b"".join(line + b"\n" for line in [json.dumps(told).encode(), *last]))
    return folder


def closing(folder: Path) -> str:
    return hashlib.sha256((folder / "record.jsonl").read_bytes().splitlines()[-1]).hexdigest()


def test_the_newest_finished_run_of_the_target_is_the_one_before(tmp_path: Path) -> None:
    made(tmp_path, "20260101T000000Z-twin-smoke", "twin")
    before = made(tmp_path, "20260102T000000Z-twin-predeploy", "twin")
    made(tmp_path, "20260103T000000Z-production-smoke", "production")
    made(tmp_path, "20260104T000000Z-twin-smoke", "twin", finished=False)
    made(tmp_path, "20260105T000000Z-twin-smoke", "twin", replay_of="20260101T000000Z-twin-smoke")
    made(tmp_path, "20260106T000000Z-twin-2-smoke", "twin-2")
    (tmp_path / "20260107T000000Z-twin-smoke").mkdir()
    (tmp_path / "latest").symlink_to(before.name)

    assert chain.previous_runs(tmp_path, ["twin"]) == {"twin": {"run": before.name, "closing_hash": closing(before)}}
    assert set(chain.previous_runs(tmp_path, ["twin", "production", "new"])) == {"twin", "production"}


def test_runs_of_one_second_count_by_their_numbers(tmp_path: Path) -> None:
    for number in ("", "-2", "-9", "-10"):
        made(tmp_path, f"20260101T000000Z-twin-smoke{number}", "twin")

    assert chain.previous_runs(tmp_path, ["twin"])["twin"]["run"] == "20260101T000000Z-twin-smoke-10"


def test_a_run_of_many_targets_is_the_one_before_of_each(tmp_path: Path) -> None:
    made(tmp_path, "20260101T000000Z-9-targets-smoke", "one", "two")

    assert set(chain.previous_runs(tmp_path, ["one", "two", "three"])) == {"one", "two"}


def test_a_pruned_run_is_still_the_one_before(tmp_path: Path) -> None:
    left = made(tmp_path, "20260101T000000Z-twin-smoke", "twin")
    gone = made(tmp_path, "20260102T000000Z-twin-smoke", "twin")
    half = made(tmp_path, "20260103T000000Z-other-smoke", "other")
    link = {"run": gone.name, "closing_hash": closing(gone)}
    (gone / "summary.json").write_text('{"replay_of": null, "targets": [{"name": "twin"}]}', encoding="utf-8")
    (half / "summary.json").write_text('{"replay_of": null, "targets": [{"name": "other"}]}', encoding="utf-8")
    wanted = {"twin": link, "other": {"run": half.name, "closing_hash": closing(half)}}
    with (tmp_path / ledger.NAME).open("w") as file:
        file.write('{"run": "20260109T000000Z-twin-smoke", "closing_')  # torn: the next entry must not be lost with it
    prune(gone)
    ledger.put_down(tmp_path, entry(half))  # and then it could not be deleted as a whole
    (half / "record.jsonl").unlink()
    prune(half)

    assert chain.previous_runs(tmp_path, ["twin", "other"]) == wanted
    assert left.exists()


def test_latest_never_leads_nowhere(tmp_path: Path) -> None:
    old, new = (made(tmp_path, f"2026010{n}T000000Z-twin-smoke", "twin") for n in (1, 2))
    latest = tmp_path / "latest"
    latest.symlink_to(new.name)
    prune(old)
    led = latest.resolve()
    prune(new)

    assert led == new
    assert not latest.is_symlink()


@pytest.mark.parametrize(
    "line", ["[]", '{"run": 7}', '{"run": ["a"]}', '{"run": "20260101T000000Z-twin-smoke", "targets": 7}', "{"]
)
def test_a_ledger_that_cannot_be_read_is_no_run(tmp_path: Path, line: str) -> None:
    (tmp_path / ledger.NAME).write_text(f"{line}\n", encoding="utf-8")

    assert chain.previous_runs(tmp_path, ["twin"]) == {}


def test_there_may_be_no_folder_yet(tmp_path: Path) -> None:
    assert chain.previous_runs(tmp_path / "none", ["twin"]) == {}


def test_of_thousands_of_runs_only_the_newest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5_000):
        (tmp_path / f"20260101T{number:06}Z-twin-smoke").mkdir()
    newest = made(tmp_path, "20260102T000000Z-twin-smoke", "twin")
    read: list[Path] = []

    def counted(folder: Path) -> str:
        read.append(folder)
        return closing(folder)

    monkeypatch.setattr(chain, "closing_hash", counted)

    assert chain.previous_runs(tmp_path, ["twin"])["twin"]["run"] == newest.name
    assert read == [newest]


def test_a_big_record_is_not_read_as_a_whole(tmp_path: Path) -> None:
    folder = made(tmp_path, "20260101T000000Z-twin-smoke", "twin")
    with (folder / "record.jsonl").open("r+b") as file:
        file.seek(1 << 34)  # a hole: the disk holds nothing, a reader would never be done
        file.write(b"\n" + FINISH % 7 + b"\n")

    assert chain.closing_hash(folder) == hashlib.sha256(FINISH % 7).hexdigest()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"{}\n", b"[1]\n", b'{"kind":"finish"}', b"\xff\n", b'{"kind":"plan"}\n']
)
def test_what_is_no_finish_closes_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "record.jsonl").write_bytes(content)

    assert chain.closing_hash(tmp_path) is None


@pytest.mark.slow
def test_runs_name_each_other_and_forks_are_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    first = bench.run(BOOK, "-m", "predeploy").folder
    second = bench.again("-m", "predeploy").folder
    assert first
    assert second
    hidden = second.rename(tmp_path / second.name)
    second.mkdir()  # its name stays taken: the third may begin within the same second
    third = bench.again("-m", "predeploy").folder
    assert third
    second.rmdir()
    hidden.rename(second)
    names = [read_record(folder).plan["previous_runs"] for folder in (first, second, third)]
    link = {"little": {"run": first.name, "closing_hash": closing(first)}}

    assert names == [{}, link, link]
    assert f"FORK: {second.name} named it, too" in chained(third, read_record(third), None).told
    assert f"FORK: {third.name} named it, too" in chained(second, read_record(second), None).told
    assert chained(first, read_record(first), None).told == "its target has no run before it"
