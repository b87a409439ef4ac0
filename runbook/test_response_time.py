"""Response time: how long users wait for what they ask, and whether they get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.last_good_run import LatencyChange
    from fixtures.latency import LostRequests, ResponseTimes
    from fixtures.target import Target


@item(
    "MET-1",
    expects="less than {latency.limit_seconds} s for {latency.percentile} % of the requests to each of {latency.paths}",
    needs=["latency.samples", "latency.smoke_samples", "latency.smoke_spare_samples"],
)
@pytest.mark.smoke
@pytest.mark.usefixtures("latency_change")  # told beside what was observed, whatever the target makes of it
def test_answers_are_quick(response_times: ResponseTimes, expected: Target) -> None:
    """Requests are answered before people leave."""
    # The very first request to a path is told, and does not count: what it wakes stays awake for users.
    slow = response_times.slow(expected.latency)

    assert not slow, "; ".join(slow)


@item(
    "MET-1",
    expects="an answer to {latency.percentile} % of the requests to each of {latency.paths}, each sent once",
    needs=["latency.samples", "latency.smoke_samples", "latency.smoke_spare_samples", "latency.limit_seconds"],
)
@pytest.mark.smoke
def test_requests_are_answered(lost_requests: LostRequests, expected: Target) -> None:
    """Requests are answered at the first try.

    What fails now and then fails for some of the users. Other looks ask again, and so do not see it.
    """
    lost = lost_requests.beyond(expected.latency)

    assert not lost, "; ".join(lost)


@item(
    "MET-1",
    expects="no path more than {latency.regression_tolerance_percent} % slower than in the last passing run,"
    " as soon as that is {latency.regression_minimum_seconds} s",
    needs=[
        "latency.limit_seconds",
        "latency.samples",
        "latency.smoke_samples",
        "latency.smoke_spare_samples",
        "latency.paths",
        "latency.percentile",
    ],
)
@pytest.mark.smoke
def test_answers_are_as_quick_as_before(since_last_good_run: LatencyChange, expected: Target) -> None:
    """No path has become much slower since the last passing run of this target.

    What grows from release to release reaches the limit some day, and then nobody knows which release it was.
    """
    slower = since_last_good_run.slower(expected.latency)

    assert not slower, "; ".join(slower)
