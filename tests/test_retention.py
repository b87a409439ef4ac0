"""What is kept of runs: pruned by age and number with a word on record, exported as one archive that can be checked."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from runs import ROOT, environment, run_pytest

if TYPE_CHECKING:
    from pathlib import Path


def reports(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reports", *words]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


def judge(runs: Path) -> Path:
    run = run_pytest("-m", "maintenance", "-k", "CON-2", "--target=twin", reports=runs)
    assert run.folder is not None, run.text
    return run.folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return judge(tmp_path_factory.mktemp("runs"))


def names(runs: Path) -> set[str]:
    return {path.name for path in runs.iterdir() if path.is_dir() and not path.is_symlink()}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Four runs of one kind, and one of another; none of them more than a name."""
    folder = tmp_path / "runs"
    for name in ("20200101T000000Z-a-smoke", "20200102T000000Z-a-smoke", "20200103T000000Z-a-smoke"):
        (folder / name).mkdir(parents=True)
    (folder / "20200101T000000Z-a-predeploy").mkdir()
    (folder / "29990101T000000Z-a-smoke").mkdir()
    (folder / "something-else").mkdir()
    return folder


def test_nothing_goes_without_being_asked_twice(runs: Path) -> None:
    before = names(runs)
    told = reports("prune", "--older-than=30", "--keep=1", f"--runs={runs}")

    assert (told.returncode, names(runs)) == (0, before)
    assert "3 runs would go; say --yes to delete them" in told.stdout


def test_the_newest_of_each_kind_and_what_is_young_stay(runs: Path) -> None:
    told = reports("prune", "--older-than=30", "--keep=2", f"--runs={runs}", "--yes")

    assert told.returncode == 0, told.stderr
    assert names(runs) == {
        "29990101T000000Z-a-smoke",
        "20200103T000000Z-a-smoke",
        "20200101T000000Z-a-predeploy",
        "something-else",
    }
    assert (
        reports("prune", "--older-than=300000", "--keep=0", f"--runs={runs}").stdout == "no run is old enough to go\n"
    )


@pytest.mark.slow
def test_a_pruned_run_is_still_a_link_of_the_chain(tmp_path: Path) -> None:
    first, second = judge(tmp_path), judge(tmp_path)
    old = tmp_path / first.name.replace("20", "19", 1)
    link = json.loads((second / "record.jsonl").read_text(encoding="utf-8").splitlines()[0])["previous_runs"]["twin"]
    pruned = reports("prune", "--older-than=0", "--keep=1", f"--runs={tmp_path}", "--yes")
    told = reports("verify", str(second))
    kept = json.loads((tmp_path / "pruned.jsonl").read_text(encoding="utf-8"))

    assert pruned.returncode == 0, pruned.stderr
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert (first.name in page, second.name in page) == (False, True)
    assert not first.exists()
    assert not old.exists()
    assert (kept["run"], kept["closing_hash"], kept["verdict"]) == (first.name, link["closing_hash"], "passed")
    assert f"twin after {first.name} (pruned on " in told.stdout

    (tmp_path / "pruned.jsonl").write_text(json.dumps(kept | {"closing_hash": "0" * 64}), encoding="utf-8")
    assert reports("verify", str(second)).returncode == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--older-than=x", "--keep=1"), "not a whole number"),
        (("--older-than=-1", "--keep=1"), "not a whole number"),
        (("--older-than=1", "--keep=1", "--runs=/no/such"), "No such file"),
        (("--older-than=99999999999", "--keep=1"), "no calendar"),
        (("--keep=1",), "--older-than"),
    ],
)
def test_misuse_of_prune_is_told_in_a_sentence(words: tuple[str, ...], told: str) -> None:
    done = reports("prune", *words)

    assert done.returncode == 4
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_an_export_can_be_checked_with_everybodys_tools(run: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.zip", tmp_path / "two.zip"
    told = reports("export", str(run), f"--into={one}")
    reports("export", str(run), f"--into={two}")
    with zipfile.ZipFile(one) as archive:
        archive.extractall(tmp_path / "out")
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"], cwd=tmp_path / "out" / run.name, capture_output=True, check=False
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout.split()[0] == hashlib.sha256(one.read_bytes()).hexdigest()
    assert one.read_bytes() == two.read_bytes()
    assert checked.returncode == 0
    assert {path.name for path in (tmp_path / "out" / run.name).iterdir()} == {
        *(path.name for path in run.iterdir()),
        "SHA256SUMS",
    }


def test_what_must_not_be_exported_is_not(run: Path, tmp_path: Path) -> None:
    leaking, unfinished = tmp_path / "leaking", tmp_path / "unfinished"
    for folder in (leaking, unfinished):
        folder.mkdir()
        for path in run.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    (leaking / "note.txt").write_text("AKIA" + "ABCDEFGHIJKLMNOP", encoding="utf-8")
    (unfinished / "attestation.json").unlink()
    there = tmp_path / "there.zip"
    there.touch()

    for words, status, told in (
        ((str(leaking),), 3, "holds a secret"),
        ((str(unfinished),), 4, "python -m reports finish"),
        ((str(tmp_path / "away"),), 4, "cannot be read"),
        ((str(run), f"--into={there}"), 4, "is there already"),
        ((str(run), f"--into={tmp_path / 'no' / 'such.zip'}"), 3, "cannot be written"),
    ):
        done = reports("export", *words)
        assert (done.returncode, told in done.stderr) == (status, True), done.stderr
