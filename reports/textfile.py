"""runbook.prom: the newest runs as metrics, for the textfile collector of Prometheus' node_exporter.

Each series is told of the newest run of a target and phase. Runs of a part of a phase are told, too, and say so
(`runbook_run_complete`); only whole ones move the moment of the last run that passed, by which alerts go.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from reports.history import by_kind
from reports.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reports.history import Entry

    Sample = tuple[str, dict[str, str], object]

NAME = "runbook.prom"
DAY_SECONDS = 86_400
RUN = ("target", "phase")
GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "runbook_run_verdict": ("1 for the verdict of the newest run, 0 for the others.", (*RUN, "verdict")),
    "runbook_run_exit_status": ("Exit status of the newest run.", RUN),
    "runbook_run_complete": ("1 where the newest run was of a whole phase, 0 where of a part.", RUN),
    "runbook_run_gate_open": ("1 where a deploy may rest on the newest run, else 0.", RUN),
    "runbook_run_duration_seconds": ("How long the newest run took; missing where it was cut short.", RUN),
    "runbook_run_timestamp_seconds": ("When the newest run began.", RUN),
    "runbook_run_passed_timestamp_seconds": ("When the newest run of a whole phase that passed began.", RUN),
    "runbook_run_checks": ("Checks of the newest run by verdict.", (*RUN, "verdict")),
    "runbook_run_requests": ("Requests that the newest run sent to an app.", (*RUN, "app")),
    "runbook_latency_seconds": ("Response time at the target's percentile, slowest path.", RUN),
    "runbook_memory_ratio": ("Memory in use of what there is, fullest machine.", RUN),
    "runbook_certificate_remaining_seconds": ("Until the certificate ends, when the newest run began.", RUN),
}
MEASURES = {  # name in a summary: series, and the factor that leads to its unit
    "latency_seconds": ("runbook_latency_seconds", 1.0),
    "memory_percent": ("runbook_memory_ratio", 0.01),
    "certificate_days": ("runbook_certificate_remaining_seconds", DAY_SECONDS),
}


def render(entries: Iterable[Entry]) -> str:
    """The newest run of each kind in Prometheus' text format; what is no number in its summary is left out."""
    registry = CollectorRegistry()
    gauges = {name: Gauge(name, told, labels, registry=registry) for name, (told, labels) in GAUGES.items()}
    seen = set()
    for kind, runs in by_kind(entries).items():
        target, _, phase = kind.rpartition("-")
        for name, labels, value in _samples(target, phase, runs):
            safe = {label: printable(text) for label, text in labels.items()}
            series = (name, *safe.values())
            if series not in seen and isinstance(value, int | float) and abs(value) <= sys.float_info.max:
                seen.add(series)  # the measures of a target can come of two kinds: the newest counts
                gauges[name].labels(**safe).set(value)
    return generate_latest(registry).decode()


def _samples(target: str, phase: str, runs: list[Entry]) -> Iterator[Sample]:
    """What the runs of a kind tell, newest first."""
    facts, own = runs[0].facts, {"target": target, "phase": phase}
    verdict = str(facts["verdict"])
    verdict = verdict if verdict in {"passed", "failed"} else "blind"
    for word in ("passed", "failed", "blind"):
        yield "runbook_run_verdict", own | {"verdict": word}, verdict == word
    yield "runbook_run_exit_status", own, facts["exit_status"]
    yield "runbook_run_complete", own, facts["complete"]
    yield "runbook_run_gate_open", own, facts["gate"]
    yield "runbook_run_duration_seconds", own, facts["seconds"]
    yield "runbook_run_timestamp_seconds", own, _moment(facts)
    passed = (run.facts for run in runs if run.facts["verdict"] == "passed" and run.facts["complete"] is True)
    yield "runbook_run_passed_timestamp_seconds", own, _moment(next(passed, {}))
    for word, number in facts["counts"].items():
        yield "runbook_run_checks", own | {"verdict": word}, number
    for app, number in facts["requests"].items():
        yield "runbook_run_requests", own | {"app": app}, number
    yield from _measured(phase, facts)


def _measured(phase: str, facts: Any) -> Iterator[Sample]:  # noqa: ANN401 - the facts of a summary
    """The measures of each target of a run."""
    for target, measures in facts["measures"].items():
        for name, (series, factor) in MEASURES.items():
            value = measures.get(name)
            if isinstance(value, int | float):
                yield series, {"target": target, "phase": phase}, value * factor


def _moment(facts: Any) -> float | None:  # noqa: ANN401 - the facts of a summary
    with suppress(LookupError, ValueError, TypeError):
        return datetime.fromisoformat(facts["started"]).timestamp()
    return None
