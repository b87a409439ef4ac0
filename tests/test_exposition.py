"""The app's own metrics: what is no exposition format is never read as one."""

from __future__ import annotations

import pytest
from answered import exchange
from worlds import observed

from fixtures.app_metrics import MetricsAnswer, app_metrics_of
from fixtures.exposition import LONGEST_LINE, NotExposition, exposition
from fixtures.looks import CouldNotLook, Unreadable
from fixtures.transcript import Exchange

TEXT = "text/plain; charset=utf-8"
PAGE = "# HELP up_seconds Up\n# TYPE up_seconds gauge\nup_seconds 3.5\n"


def page(text: str, **other: object) -> Exchange:
    return Exchange.from_json(exchange(200, text, TEXT, **other))


def test_a_page_is_read_by_series() -> None:
    found = exposition(page(PAGE + 'hits{code="200"} 4\nhits{code="500"} 1\n'))

    assert found.samples == {"up_seconds": (3.5,), "hits": (4.0, 1.0)}
    assert found.unusable(["up_seconds", "hits", "down"]) == ["down is missing"]
    assert found.value("up_seconds") == 3.5
    with pytest.raises(Unreadable, match="hits has 2 values"):
        found.value("hits")


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e999", pytest.param("9" * 900, id="900 digits")])
def test_what_is_no_number_is_valid_format_and_of_no_use(value: str) -> None:
    found = exposition(page(f"up_seconds {value}\n"))

    assert len(found.unusable(["up_seconds"])) == 1
    with pytest.raises(Unreadable, match=r"up_seconds is (nan|inf|-inf)"):
        found.value("up_seconds")


HOSTILE = {
    "html": (page("<html><body>Sorry</body></html>\n"), "not exposition format"),
    "json": (page('{"up": 3}\n'), "not exposition format"),
    "value of words": (page("up_seconds: a while\n"), "not exposition format"),
    "odd type": (page("# TYPE up gouge\nup 1\n"), "Invalid metric type"),
    "half a label": (page('up{a="b 1\n'), "not exposition format"),
    "label twice": (page('up{a="1",a="2"} 1\n'), "not exposition format"),
    "no value": (page("up\n"), "not exposition format"),
    "series twice": (page("up 1\nup 2\n"), "gives up more than once"),
    "series twice with labels": (page('up{a="1",b="2"} 1\nup{b="2",a="1"} 1\n'), "gives up more than once"),
    "cut in a number": (page(PAGE[:-2]), "cut short"),
    "empty": (page(""), "is empty"),
    "comments only": (page("# nothing to see\n\n"), "holds no sample"),
    "binary": (page("iVBORw0KGgo=", body_decoded_as="base64"), "no text"),
    "null bytes": (page("up\0 1\n"), "not exposition format"),
    "endless line": (page(f"# {' ' * 900_000}x\nup 1\n"), "has a line of 900003 characters"),
    "endless label": (page(f'up{{a="{"x" * 900_000}"}} 1\n'), "has a line of"),
    "wrong type": (Exchange.from_json(exchange(200, PAGE, "text/html")), "comes as text/html"),
    "no type": (Exchange.from_json(exchange(200, PAGE, None)), "comes as no Content-Type"),
    "refused": (Exchange.from_json(exchange(503, PAGE, TEXT)), "answers 503"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_fails_one_check_and_blinds_the_others(name: str) -> None:
    answer, words = HOSTILE[name]
    answers = observed("answers", {"metrics": answer.as_json()})

    with pytest.raises(NotExposition, match=words):
        exposition(answer)
    assert words in answers.read(MetricsAnswer.parse).faults[0]
    with pytest.raises(CouldNotLook, match=words):
        answers.read(app_metrics_of)


def test_the_longest_pages_that_are_read_cost_little() -> None:
    spaces = f"# {' ' * (LONGEST_LINE - 3)}x\n"

    many = "".join(f'hits{{code="{number}"}} 1\n' for number in range(30_000))

    assert exposition(page(spaces * 200 + "up 1\n")).samples == {"up": (1.0,)}
    assert len(exposition(page(many)).samples["hits"]) == 30_000


def test_metrics_that_cannot_be_had_fail_the_item_that_owns_them() -> None:
    answers = observed(
        "answers", {"metrics": {"failed": "https://x sends more than 1048576 bytes", "word": "body-too-large"}}
    )

    assert answers.read(MetricsAnswer.parse).faults == ("https://x sends more than 1048576 bytes",)
    with pytest.raises(CouldNotLook, match="sends more than"):
        answers.read(app_metrics_of)


def test_metrics_that_were_not_asked_for_are_no_fault_of_the_app() -> None:
    answers = observed("answers", {"metrics": {"failed": "https://x was not asked", "word": "over-budget"}})

    with pytest.raises(CouldNotLook, match="was not asked"):
        answers.read(MetricsAnswer.parse)
