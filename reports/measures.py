"""The numbers of a run that are worth comparing with those of others: response time, memory, days of the certificate.

They are what its own checks judged, read from the record by the same views.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.record import RecordedRun

    Seen = Mapping[str, Any]  # what looks at one target brought back, by look


def measures(run: RecordedRun) -> dict[str, dict[str, float]]:
    """By target, those that the run has seen: {latency_seconds, memory_percent, certificate_days}, each the worst."""
    seen: dict[str, dict[str, Any]] = {}
    for observation in run.judged_observations().values():
        if observation["value"] is not None:
            seen.setdefault(observation["target"], {})[observation["look"]] = observation["value"]
    told = ((target["name"], of_target(target, seen.get(target["name"], {}), run)) for target in run.plan["targets"])
    return {name: found for name, found in told if found}


def of_target(recorded: Mapping[str, Any], seen: Seen, run: RecordedRun) -> dict[str, float]:
    """The numbers of one target; one that cannot be read is told by its check, and left out here."""
    if not {"latency", "handshakes", "machine_metrics"}.intersection(seen):
        return {}
    from fixtures.looks import Unreadable  # noqa: PLC0415 - most uses of this module have nothing to measure
    from fixtures.section import MissingKey  # noqa: PLC0415 - the same
    from fixtures.target import Target, TargetError  # noqa: PLC0415 - the same

    found: dict[str, float] = {}
    with suppress(TargetError):
        target = Target.from_json(recorded)
        ways: dict[str, Callable[[], float]] = {
            "latency_seconds": lambda: _latency(seen["latency"], target.latency.percentile),
            "memory_percent": lambda: _memory(seen, target),
            "certificate_days": lambda: _days(seen["handshakes"], datetime.fromisoformat(run.plan["clock"])),
        }
        for name, way in ways.items():
            with suppress(KeyError, MissingKey, Unreadable):
                found[name] = round(way(), 6)
    return found


def _latency(value: Any, percentile: int) -> float:  # noqa: ANN401 - what the look `latency` recorded
    from fixtures.latency import ResponseTimes, rank  # noqa: PLC0415 - as above

    paths = (sorted(path.seconds) for path in ResponseTimes.parse(value).paths)
    return max(seconds[rank(len(seconds), percentile) - 1] for seconds in paths)


def _memory(seen: Seen, target: Any) -> float:  # noqa: ANN401 - a Target, whose module is loaded late
    from fixtures.fleet_machines import Fleet  # noqa: PLC0415 - as above
    from fixtures.memory import by_platform, by_server  # noqa: PLC0415 - as above

    fleet = Fleet.some(seen["fly_machines"])
    if target.memory.series == "platform":
        used = by_platform(seen["platform_metrics"], fleet)
    else:
        used = by_server(seen["machine_metrics"], fleet, target)
    return max(one.percent for one in used)


def _days(value: Any, clock: datetime) -> float:  # noqa: ANN401 - what the look `handshakes` recorded
    from fixtures.certificate import Certificate  # noqa: PLC0415 - as above

    return float(Certificate.parse(value).days_left(clock))
