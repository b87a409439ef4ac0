"""All runs as one page: true, incremental, harmless whatever stands in the runs, and quick to open."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from runs import ROOT, environment, run_pytest

from reports import history

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = ("HLT-1/test_app_is_up[edge]", "CFG-2/test_memory", "JWK-1/test_jwks")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def make(runs: Path, name: str, verdicts: str, **facts: Any) -> Path:  # noqa: ANN401 - whatever a summary may hold
    """A run as its summary tells it; a letter of `verdicts` for each check."""
    words = {letter: word for word, letter in history.LETTERS.items()}
    found = [words[letter] for letter in verdicts]
    failed, blind = "failed" in found, "error" in found
    summary = {
        "run": name,
        "verdict": "failed" if failed else "blind" if blind else "passed",
        "exit_status": int(failed),
        "gate": False,
        "complete": True,
        "replay_of": None,
        "place": None,
        "started": f"{name[:4]}-{name[4:6]}-{name[6:8]}T{name[9:11]}:{name[11:13]}:{name[13:15]}Z",
        "finished": None,
        "seconds": 1.5,
        "app_commit": None,
        "requests": {},
        "counts": {word: found.count(word) for word in history.LETTERS},
        "measures": {"production": {"latency_seconds": 0.25, "certificate_days": 60}},
        "targets": [{"name": "production"}],
        "checks": [{"check": c, "target": "production", "verdict": v} for c, v in zip(CHECKS, found, strict=True)],
    } | facts
    (runs / name).mkdir(parents=True)
    (runs / name / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    return runs / name


def page(*folders: Path) -> str:
    history.rebuild(list(folders))
    return (folders[0] / history.PAGE).read_text(encoding="utf-8")


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.found.append((tag, dict(attrs)))


def links(text: str) -> list[str]:
    return [str(attributes["href"]) for tag, attributes in Tags(text).found if tag == "a"]


def test_what_broke_and_what_flaps_is_told(tmp_path: Path) -> None:
    for day, verdicts in enumerate(("ppp", "fpp", "ppp", "fpf", "ppf"), start=1):
        make(tmp_path, f"2026010{day}T000000Z-production-smoke", verdicts)
    text = page(tmp_path)
    rows = re.findall(r'<th scope="row">([^<]+)</th><td class="told">([^<]+)<', text)

    assert rows == [(CHECKS[2], "since 2026-01-04 00:00:00"), (CHECKS[0], "flaps, 4 changes")]
    assert "2 runs, since 2026-01-04 00:00:00" in text
    assert "40 %" in text
    assert "1 check failed in none of them" in text
    assert "Latency" in text
    assert "Memory" not in text


def test_a_run_that_could_not_look_breaks_nothing_unless_it_is_the_newest(tmp_path: Path) -> None:
    make(tmp_path, "20260101T000000Z-production-smoke", "ppp")
    make(tmp_path, "20260102T000000Z-production-smoke", "eee")
    assert page(tmp_path).count("since 2026-01-02") == 4

    make(tmp_path, "20260103T000000Z-production-smoke", "ppp")
    assert "3 checks failed in none of them" in page(tmp_path)


def test_kinds_and_folders_stand_apart_and_links_lead_into_the_runs(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "th ere"
    make(here, "20260101T000000Z-production-smoke", "ppp")
    make(here, "20260101T000000Z-production-predeploy", "ppp")
    make(there, "20260102T000000Z-production-smoke", "fpp")
    make(there, "20260103T000000Z-production-smoke", "ppp", replay_of="another")
    found = set(links(page(here, there)))

    assert {"#runs", "#k1", "#k2"} | {
        "20260101T000000Z-production-smoke/report.html",
        "20260101T000000Z-production-predeploy/report.html",
        "../th%20ere/20260102T000000Z-production-smoke/report.html",
    } == found


@pytest.mark.parametrize(
    "facts",
    [{"started": None}, {"started": 7}, {"seconds": "7"}, {"measures": [1]}, {"counts": None}, {"requests": None}],
    ids=str,
)
def test_a_summary_of_another_shape_keeps_no_other_off_the_page(tmp_path: Path, facts: dict[str, Any]) -> None:
    make(tmp_path, "20260101T000000Z-production-smoke", "ppp")
    make(tmp_path, "20260102T000000Z-production-smoke", "fpp", **facts)

    assert history.rebuild([tmp_path]) == 1


def test_a_summary_too_deep_to_be_read_keeps_no_other_off_the_page(tmp_path: Path) -> None:
    make(tmp_path, "20260101T000000Z-production-smoke", "ppp")
    run = make(tmp_path, "20260102T000000Z-production-smoke", "fpp")
    (run / "summary.json").write_text("[" * 100_000, encoding="utf-8")

    assert history.rebuild([tmp_path]) == 1


def test_only_what_is_new_is_read_again(tmp_path: Path) -> None:
    old = make(tmp_path, "20260101T000000Z-production-smoke", "ppp")
    page(tmp_path)
    before = (old / "summary.json").stat()
    (old / "summary.json").write_text("x" * before.st_size, encoding="utf-8")
    os.utime(old / "summary.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    make(tmp_path, "20260102T000000Z-production-smoke", "fpp")

    assert "2 runs; the newest 2" in page(tmp_path)


@pytest.mark.parametrize("damage", ["", "x", "[]", '{"schema": 1}', '\n{"schema":1,"runs":{"a":[]},"tables":[]}'])
def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    make(tmp_path, "20260101T000000Z-production-smoke", "ppp")
    whole = page(tmp_path)
    (tmp_path / history.INDEX).write_text(damage, encoding="utf-8")

    assert page(tmp_path) == whole


def test_runs_that_tell_nothing_are_left_out_and_pruned_ones_forgotten(tmp_path: Path) -> None:
    gone = make(tmp_path, "20260101T000000Z-production-smoke", "ppp")
    (make(tmp_path, "20260102T000000Z-production-smoke", "ppp") / "summary.json").write_text("{", encoding="utf-8")
    (tmp_path / "20260103T000000Z-production-smoke").mkdir()
    (tmp_path / "notes").mkdir()
    assert "1 run; the newest 1" in page(tmp_path)

    shutil.rmtree(gone)
    assert "There are no runs here yet." in page(tmp_path)


def test_hostile_words_are_shown_and_nothing_else(tmp_path: Path) -> None:
    place, name = HOSTILE, "20260101T000000Z-a&b'c-smoke"
    checks = [{"check": HOSTILE, "target": "production", "verdict": "failed"}]
    make(tmp_path, name, "fpp", place=place, verdict=HOSTILE, started=HOSTILE, checks=checks)
    text = page(tmp_path)
    found = Tags(text).found

    assert {tag for tag, _ in found} & {"script", "img", "iframe", "object", "link", "form"} == set()
    assert not [a for _, attributes in found for a in attributes if a.startswith("on")]
    assert all(link.startswith("#") or link.endswith("/report.html") for link in links(text))
    assert "&lt;script&gt;" in text


def test_the_command_says_where_the_page_is_or_why_not(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "reports", "history", *words]
        return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)

    make(tmp_path, "20260101T000000Z-production-smoke", "ppp")
    done, away = run(str(tmp_path)), run(str(tmp_path / "away"))
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").mkdir()
    blocked = run(str(tmp_path))

    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'index.html'}: 1 runs\n")
    assert (away.returncode, "is no folder of runs" in away.stderr) == (4, True)
    assert (blocked.returncode, "cannot be written" in blocked.stderr) == (3, True)


@pytest.mark.slow
def test_every_run_brings_the_page_up_to_date(tmp_path: Path) -> None:
    for _ in range(2):
        run_pytest("-m", "maintenance", "-k", "CON-2", "--target=twin", reports=tmp_path)

    assert "2 runs; the newest 2" in (tmp_path / "index.html").read_text(encoding="utf-8")
