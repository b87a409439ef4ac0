"""The twin answers queries of the platform's metrics by evaluating them, and refuses what it does not understand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.twin.promql import Track, Unsupported, evaluate

if TYPE_CHECKING:
    from collections.abc import Iterable

COUNTER = ((7200.0, 100.0), (0.0, 300.0))
SERIES = {
    "hits": [
        Track({"app": "a", "status": "200", "instance": "m1"}, COUNTER),
        Track({"app": "a", "status": "500", "instance": "m1"}, ((7200.0, 0.0), (0.0, 4.0))),
        Track({"app": "a", "status": "500", "instance": "m2"}, ((1800.0, 3.0), (0.0, 5.0))),
        Track({"app": "b", "status": "500", "instance": "m3"}, COUNTER),
    ],
    "free": [Track({"instance": "m1"}, ((0.0, 25.0),)), Track({"instance": "m2"}, ((400.0, 50.0),))],
    "total": [Track({"instance": "m1"}, ((0.0, 100.0),)), Track({"instance": "m2"}, ((0.0, 100.0),))],
    "killed": [Track({"instance": "m1"}, ((90_000.0, 1.0), (3000.0, 0.0))), Track({"instance": "m2"}, ((10.0, 1.0),))],
}
ANSWERS = {
    "free": [({"__name__": "free", "instance": "m1"}, 25.0)],  # m2's newest sample is too old
    "100 * (1 - free / total)": [({"instance": "m1"}, 75.0)],
    'sum(increase(hits{app="a"}[1h]))': [({}, 104.0)],
    'sum(increase(hits{app="a"}[2h]))': [({}, 206.0)],
    'sum by (status) (increase(hits{app="a",status=~"5.."}[1h]))': [({"status": "500"}, 4.0)],
    'sum(increase(hits{app="a",status=~"5"}[1h]))': [],
    'count(hits{app!="a"}) by (app)': [({"app": "b"}, 1.0)],
    "max_over_time(killed[1h]) > 0": [({"instance": "m2"}, 1.0)],
    "max_over_time(killed[2d]) > 0": [({"instance": "m1"}, 1.0), ({"instance": "m2"}, 1.0)],
    "1 + 2 * 3": [({}, 7.0)],
    "nothing": [],
}
WRONG = ("", "sum(", "sum(hits", "rate(hits[1h])", "max_over_time(hits)", "hits{app=a}", "hits[1h]", "hits hits", "§")


def tracks(name: str) -> Iterable[Track]:
    return SERIES.get(name, [])


@pytest.mark.parametrize("query", ANSWERS)
def test_a_query_is_evaluated(query: str) -> None:
    assert evaluate(query, tracks) == ANSWERS[query]


@pytest.mark.parametrize("query", [*WRONG, 'hits{app=~"("}'])
def test_what_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(Unsupported):
        evaluate(query, tracks)
