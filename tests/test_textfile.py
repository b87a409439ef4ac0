"""runbook.prom: valid, true of the newest runs, harmless whatever stands in a summary; dashboard and alerts fit it."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from runs import ROOT, run_pytest
from test_history import make

from reports import history, textfile

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client.samples import Sample

DASHBOARD = ROOT / "docs" / "grafana" / "runbook.json"
ALERTS = ROOT / "docs" / "grafana" / "alerts.yml"
HOSTILE = 'a"} 1\nrunbook_run_gate_open{target="production",phase="x'
FIRST, SECOND = "20260101T000000Z-production-smoke", "20260102T000000Z-production-smoke"


def text(runs: Path) -> str:
    history.rebuild([runs])
    return (runs / textfile.NAME).read_text(encoding="utf-8")


def samples(runs: Path) -> list[Sample]:
    return [sample for family in text_string_to_metric_families(text(runs)) for sample in family.samples]


def values(runs: Path, series: str) -> dict[tuple[str, ...], float]:
    """By target, phase and, where there is one, the third label."""
    names = ("target", "phase", "verdict", "app")
    found = [one for one in samples(runs) if one.name == series]
    return {tuple(one.labels[name] for name in names if name in one.labels): one.value for one in found}


def moment(day: int) -> float:
    return datetime(2026, 1, day, tzinfo=UTC).timestamp()


def test_the_newest_run_of_each_kind_is_told(tmp_path: Path) -> None:
    measures = {"production": {"latency_seconds": 0.5, "memory_percent": 40, "certificate_days": 60}}
    make(tmp_path, FIRST, "ppp", gate=True)
    make(tmp_path, SECOND, "fpe", seconds=2.5, requests={"paintbox": 31}, measures=measures)
    make(tmp_path, "20260101T000000Z-staging-predeploy", "ppp", gate=True)
    own = ("production", "smoke")

    assert values(tmp_path, "runbook_run_verdict") == {
        (*own, "passed"): 0,
        (*own, "failed"): 1,
        (*own, "blind"): 0,
        ("staging", "predeploy", "passed"): 1,
        ("staging", "predeploy", "failed"): 0,
        ("staging", "predeploy", "blind"): 0,
    }
    assert values(tmp_path, "runbook_run_exit_status") == {own: 1, ("staging", "predeploy"): 0}
    assert values(tmp_path, "runbook_run_gate_open") == {own: 0, ("staging", "predeploy"): 1}
    assert values(tmp_path, "runbook_run_duration_seconds")[own] == 2.5
    assert values(tmp_path, "runbook_run_timestamp_seconds")[own] == moment(2)
    assert values(tmp_path, "runbook_run_passed_timestamp_seconds")[own] == moment(1)
    assert values(tmp_path, "runbook_run_checks")[(*own, "failed")] == 1
    assert values(tmp_path, "runbook_run_checks")[(*own, "waived")] == 0
    assert values(tmp_path, "runbook_run_requests") == {(*own, "paintbox"): 31}
    assert values(tmp_path, "runbook_latency_seconds")[own] == 0.5
    assert values(tmp_path, "runbook_memory_ratio")[own] == pytest.approx(0.4)
    assert values(tmp_path, "runbook_certificate_remaining_seconds")[own] == 60 * 86400


def test_what_is_not_known_is_left_out_and_never_zero(tmp_path: Path) -> None:
    make(tmp_path, FIRST, "fpp", seconds=None, measures={})
    told = {one.name for one in samples(tmp_path)}

    assert told == {
        *("runbook_run_verdict", "runbook_run_exit_status", "runbook_run_complete", "runbook_run_gate_open"),
        *("runbook_run_timestamp_seconds", "runbook_run_checks"),
    }


def test_a_run_of_a_part_and_a_replay_do_not_pass_for_a_whole_one(tmp_path: Path) -> None:
    make(tmp_path, FIRST, "ppp")
    make(tmp_path, SECOND, "ppp", complete=False)
    make(tmp_path, "20260103T000000Z-production-smoke", "ppp", replay_of="another")
    own = ("production", "smoke")

    assert values(tmp_path, "runbook_run_complete") == {own: 0}
    assert values(tmp_path, "runbook_run_timestamp_seconds") == {own: moment(2)}
    assert values(tmp_path, "runbook_run_passed_timestamp_seconds") == {own: moment(1)}


def test_a_run_of_several_targets_tells_each_measure_once(tmp_path: Path) -> None:
    make(tmp_path, FIRST, "ppp", measures={"production": {"latency_seconds": 1}})
    several = {"production": {"latency_seconds": 2}, "staging": {"latency_seconds": 3}}
    make(tmp_path, "20260102T000000Z-production+staging-smoke", "ppp", measures=several)

    assert values(tmp_path, "runbook_latency_seconds") == {("production", "smoke"): 2, ("staging", "smoke"): 3}
    assert len(values(tmp_path, "runbook_run_timestamp_seconds")) == 2


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"requests": {HOSTILE: 1, "\\": 2, "\x1b[2J": 3}, "verdict": HOSTILE, "started": HOSTILE},
        {"exit_status": "1", "seconds": float("nan"), "gate": None, "requests": {"a": "b", "c": 10**400}},
        {"measures": {HOSTILE: {"latency_seconds": 1}}, "counts": {HOSTILE: 1}},
        {"counts": []},
        {"requests": None},
        {"measures": []},
    ],
    ids=["plain", "words", "numbers", "names", "counts", "requests", "measures"],
)
def test_whatever_stands_in_a_summary_the_format_is_kept(tmp_path: Path, facts: dict[str, Any]) -> None:
    make(tmp_path, FIRST, "ppp", **facts)
    lines = text(tmp_path).splitlines()
    told = Counter(line.split()[1] + line.split()[2] for line in lines if line.startswith("#"))
    series = Counter(line.rpartition(" ")[0] for line in lines if not line.startswith("#"))

    assert {one.name for one in samples(tmp_path)} <= set(textfile.GAUGES)
    assert set(told.values()) == {1}
    assert set(series.values()) <= {1}
    assert not [one for one in samples(tmp_path) if one.labels["phase"] != "smoke"]
    assert all(re.fullmatch(r"[a-z_]+\{.*\} -?[0-9.e+]+", line) for line in lines if not line.startswith("#"))


def test_names_follow_the_conventions_of_prometheus() -> None:
    units = ("percent", "days", "hours", "minutes", "milliseconds", "mb", "total", "count", "bucket", "sum")

    for name, (told, labels) in textfile.GAUGES.items():
        assert re.fullmatch(r"runbook(_[a-z]+)+", name)
        assert not name.endswith(tuple(f"_{unit}" for unit in units))
        assert told.endswith(".")
        assert labels[:2] == ("target", "phase")
    assert {name for name in textfile.GAUGES if "timestamp" in name} == {
        "runbook_run_timestamp_seconds",
        "runbook_run_passed_timestamp_seconds",
    }


@pytest.mark.parametrize("path", [DASHBOARD, ALERTS], ids=lambda path: str(path.name))
def test_what_is_asked_for_is_offered(path: Path) -> None:
    content = path.read_text(encoding="utf-8")
    asked = set(re.findall(r"\brunbook_[a-z_]+", content))
    labels = set(re.findall(r"(\w+)=~?\\?\"", content)) | set(re.findall(r"\$labels\.(\w+)|\{\{(\w+)\}\}", content)[0])

    assert len(asked) > 1
    assert asked <= set(textfile.GAUGES)
    assert labels - {""} <= {"target", "phase", "verdict", "app"}


def test_the_dashboard_names_no_place_and_asks_for_everything_that_matters() -> None:
    board = json.loads(DASHBOARD.read_bytes())
    asked = " ".join(target["expr"] for panel in board["panels"] for target in panel["targets"])
    sources = {json.dumps(panel["datasource"]) for panel in board["panels"]}
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in board["panels"]]

    assert sources == {'{"type": "prometheus", "uid": "${datasource}"}'}
    assert [one["type"] for one in board["templating"]["list"]] == ["datasource", "query", "query"]
    assert not re.search(r"https?://|localhost|\d+\.\d+\.\d+\.\d+", json.dumps(board))
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]) == len(set(places))
    for series in set(textfile.GAUGES) - {"runbook_run_verdict", "runbook_run_complete", "runbook_run_gate_open"}:
        assert series in asked or series == "runbook_run_timestamp_seconds"


@pytest.mark.slow
def test_every_run_brings_the_metrics_up_to_date_and_none_fails_for_them(tmp_path: Path) -> None:
    first = run_pytest("-m", "maintenance", "-k", "CON-2", "--target=twin", reports=tmp_path)
    told = values(tmp_path, "runbook_run_verdict")
    (tmp_path / textfile.NAME).unlink()
    (tmp_path / textfile.NAME).mkdir()
    second = run_pytest("-m", "maintenance", "-k", "CON-2", "--target=twin", reports=tmp_path)

    assert told[("twin", "maintenance", "passed")] == 1
    assert (first.status, second.status) == (0, 0)
    assert re.search(r"/\.runbook\.prom\.\d+ cannot be written: Is a directory", second.text)
