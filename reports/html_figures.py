"""The figures of a report for people: when looks were made, how long requests took, what the machines do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reports.html_story import Look, Story

SCALE = 1_000  # units of a figure's width


@dataclass(frozen=True)
class Bar:
    """A look on the line of time: where it starts and how long it is, in units of the figure's width."""

    look: Look
    start: float
    length: float
    after_seconds: float


@dataclass(frozen=True)
class Timeline:
    """The looks that verdicts rest on, from the first one's start to the last one's end."""

    seconds: float
    bars: list[Bar]


@dataclass(frozen=True)
class Strip:
    """Response times of one path, each at its place in units of the figure's width. `cold` is the first request's."""

    look: Look
    path: str
    samples: list[float]
    cold: float | None
    median_seconds: float
    longest_seconds: float
    count: int


@dataclass(frozen=True)
class Latencies:
    """The response times of a run on one scale, from nothing to `seconds`."""

    seconds: float
    strips: list[Strip]


def timeline(story: Story) -> Timeline | None:
    """When the looks that verdicts rest on were made, or None where nothing was looked at."""
    looks = story.last_looks
    if not looks:
        return None
    starts = [datetime.fromisoformat(look.line["started"]).timestamp() for look in looks]
    first = min(starts)
    whole = max(start - first + look.line["seconds"] for start, look in zip(starts, looks, strict=True))
    unit = SCALE / (whole or 1.0)
    bars = [
        Bar(look, round((start - first) * unit, 1), max(2.0, round(look.line["seconds"] * unit, 1)), start - first)
        for start, look in zip(starts, looks, strict=True)
    ]
    return Timeline(whole, bars)


def latencies(story: Story) -> Latencies | None:
    """The response times that looks have sampled, or None where none did."""
    sampled = [(look, one) for look in story.last_looks for one in _samples(look.line["value"])]
    if not sampled:
        return None
    longest = max(max(*one["seconds"], one["cold_seconds"] or 0.0) for _, one in sampled) or 1.0
    unit = SCALE / longest
    strips = [
        Strip(
            look=look,
            path=str(one["path"]),
            samples=[round(seconds * unit, 1) for seconds in one["seconds"]],
            cold=None if one["cold_seconds"] is None else round(one["cold_seconds"] * unit, 1),
            median_seconds=median(one["seconds"]),
            longest_seconds=max(one["seconds"]),
            count=len(one["seconds"]),
        )
        for look, one in sampled
    ]
    return Latencies(longest, strips)


def _samples(value: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any look's value
    """What a look has sampled: [{path, cold_seconds, seconds: […]}, …]; other values hold none."""
    for one in value if isinstance(value, list) else []:
        if isinstance(one, dict) and {"path", "cold_seconds", "seconds"} <= one.keys() and one["seconds"]:
            yield one


def machines(story: Story) -> list[tuple[Look, Mapping[str, Any]]]:
    """The machines that the look `fly_machines` saw, each with the look."""
    seen = (look for look in story.last_looks if look.line["look"] == "fly_machines" and not look.line["error"])
    return [(look, machine) for look in seen for machine in look.line["value"]["machines"]]
