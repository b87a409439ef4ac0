"""junit.xml counts honestly, and is what the readers of JUnit files accept, whatever the world said."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from engine import Bench
from xmlschema import XMLSchema10

from reports import junit

if TYPE_CHECKING:
    from runs import Finished

LOOKS = """
@look("source", seconds=5)
def greeting(world: World) -> Seen:
    return Seen("echo hello", {"words": ["hello"]}, "one greeting")

@look("source", seconds=5)
def darkness(world: World) -> Seen:
    raise Unseen("the lamp is out: plug it in")

@look("source", seconds=5, cost=9)
def late(world: World) -> Seen:
    time.sleep(0.3)
    return Seen("sleep", 1, "late")
"""

CHECKS = """
@item("CFG-1", expects="{machines.cpus} CPUs")
@pytest.mark.predeploy
def test_green(greeting: Observation) -> None:
    '''The greeting is polite.'''
    assert "hello" in str(greeting.value)

@item("CFG-2", expects="{machines.memory_mb} MB on every machine")
@pytest.mark.predeploy
def test_red(greeting: Observation) -> None:
    '''The greeting is in German.'''
    assert greeting.value is None, 'it is in <English> & says "]]>" \\x1b[31m\\x00'

@item("CFG-3", expects="light")
@pytest.mark.predeploy
def test_light(darkness: Observation) -> None:
    '''There is light.'''
    assert darkness.read(str)

@item("CFG-5", expects="{machines.maximum} machines at most")
@pytest.mark.predeploy
def test_unset(greeting: Observation) -> None:
    '''Nobody asked for this.'''
    assert greeting.value

@item("CFG-6", expects="patience")
@pytest.mark.predeploy
def test_late(late: Observation) -> None:
    '''It is worth the wait.'''
    assert late.value
"""

SCHEMA = XMLSchema10(Path(__file__).parent / "schemas" / "junit.xsd")


def breaches(document: ET.Element) -> list[str]:
    """Where a document breaks the rules that its readers share."""
    return [str(error.reason) for error in SCHEMA.iter_errors(document)]


def document_of(run: Finished) -> ET.Element:
    assert run.folder is not None
    return ET.fromstring((run.folder / "junit.xml").read_bytes())  # noqa: S314 - of our own making


def cases(document: ET.Element) -> dict[str, ET.Element]:
    """Test cases by name."""
    return {case.get("name", ""): case for case in document.iter("testcase")}


def properties(element: ET.Element) -> dict[str, str]:
    return {one.get("name", ""): one.get("value", "") for one in element.findall("properties/property")}


def outcome(case: ET.Element) -> str:
    return next((child.tag for child in case if child.tag != "properties"), "passed")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "little.toml").write_text('extends = "production"\nunset = ["machines.maximum"]\n')
    return Bench(folder).run(LOOKS + CHECKS, "-m", "predeploy", "--maxfail=2")


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    body = LOOKS + CHECKS.partition('\n@item("CFG-3"')[0].replace("assert greeting.value is None", "os._exit(0)  #")
    return Bench(tmp_path_factory.mktemp("crashed")).run(body, "-m", "predeploy", "-n", "2")


def test_every_check_is_one_case_with_its_outcome(mixed: Finished) -> None:
    found = {name: outcome(case) for name, case in cases(document_of(mixed)).items()}

    assert mixed.status == 1, mixed.text
    assert found == {
        "CFG-1/test_green": "passed",
        "CFG-2/test_red": "failure",
        "CFG-3/test_light": "error",
        "CFG-5/test_unset": "skipped",
        "CFG-6/test_late": "error",
    }
    assert list(found) == [row["check"] for row in mixed.summary["checks"]]


@pytest.mark.parametrize("name", ["mixed", pytest.param("crashed", marks=pytest.mark.slow)])
def test_the_counts_are_those_of_the_cases(name: str, request: pytest.FixtureRequest) -> None:
    run: Finished = request.getfixturevalue(name)
    suite = document_of(run).find("testsuite")
    assert suite is not None
    outcomes = [outcome(case) for case in suite.findall("testcase")]
    counted = {"tests": len(outcomes), "failures": outcomes.count("failure"), "errors": outcomes.count("error")}

    assert {name: int(suite.get(name, "")) for name in counted} == counted
    assert int(suite.get("skipped", "")) == outcomes.count("skipped")
    assert len(outcomes) == sum(run.summary["counts"].values())


def test_the_suite_says_which_run_it_was_and_what_it_is_worth(mixed: Finished) -> None:
    suite = document_of(mixed).find("testsuite")
    assert suite is not None
    told = properties(suite)

    assert suite.get("name") == "runbook.predeploy"
    assert told["run"] == mixed.summary["run"]
    assert (told["verdict"], told["exit_status"], told["gate"]) == ("failed", "1", "False")
    assert suite.get("timestamp") == mixed.summary["started"][: len(suite.get("timestamp", ""))]


def test_a_case_says_what_a_person_needs(mixed: Finished) -> None:
    red = cases(document_of(mixed))["CFG-2/test_red"]
    told = properties(red)
    row = next(row for row in mixed.summary["checks"] if row["item"] == "CFG-2")

    assert red.get("classname") == "little.predeploy.CFG-2"
    assert {name: told[name] for name in ("item", "target", "phase", "verdict", "claim", "expected", "severity")} == {
        name: row[name] for name in ("item", "target", "phase", "verdict", "claim", "expected", "severity")
    }
    text = red.findtext("failure") or ""
    assert "expected: 2048 MB on every machine" in text
    assert f"do: {row['remedy']}" in text


def test_what_could_not_be_judged_is_an_error_and_says_why(mixed: Finished) -> None:
    errors = {name: case.find("error") for name, case in cases(document_of(mixed)).items()}
    told = {name: (error.get("type"), error.get("message")) for name, error in errors.items() if error is not None}

    assert told == {
        "CFG-3/test_light": ("error", "the lamp is out: plug it in"),
        "CFG-6/test_late": ("not-run", "the run ended before this check was judged"),
    }


@pytest.mark.slow
def test_a_worker_that_dies_leaves_one_error_for_its_check(crashed: Finished) -> None:
    found = {name: outcome(case) for name, case in cases(document_of(crashed)).items()}

    assert crashed.status == 6, crashed.text
    assert found == {"CFG-1/test_green": "passed", "CFG-2/test_red": "error"}
    error = cases(document_of(crashed))["CFG-2/test_red"].find("error")
    assert error is not None
    assert "died" in (error.get("message") or "")


TROUBLE = {
    "unsettled": {"exit_status": 6, "rounds": [{"confirmed": False}]},
    "cut short": {"exit_status": 6, "finished": None},
    "interrupted": {"exit_status": 2},
    "broken": {"exit_status": 3},
}


@pytest.mark.parametrize("changes", TROUBLE.values(), ids=TROUBLE)
def test_a_run_that_is_not_green_counts_no_zero_errors(mixed: Finished, changes: dict[str, Any]) -> None:
    summary = copy.deepcopy(mixed.summary)
    summary["checks"] = [row | {"verdict": "passed"} for row in summary["checks"]]
    summary["counts"] = dict.fromkeys(summary["counts"], 0) | {"passed": len(summary["checks"])}
    green = junit.render(summary | {"verdict": "passed", "exit_status": 0}, mixed.record.plan)
    other = junit.render(summary | {"verdict": "blind"} | changes, mixed.record.plan)
    suites = [ET.fromstring(text.encode())[0] for text in (green, other)]  # noqa: S314 - of our own making

    assert [(suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in suites] == [
        ("5", "0", "0"),
        ("6", "0", "1"),
    ]
    assert [len(suite.findall("testcase/error")) for suite in suites] == [0, 1]
    assert [breaches(ET.fromstring(text.encode())) for text in (green, other)] == [[], []]  # noqa: S314 - as above


@pytest.mark.parametrize("name", ["mixed", pytest.param("crashed", marks=pytest.mark.slow)])
def test_a_run_writes_what_readers_accept(name: str, request: pytest.FixtureRequest) -> None:
    assert breaches(document_of(request.getfixturevalue(name))) == []


def test_hostile_text_of_a_real_check_arrives_as_text(mixed: Finished) -> None:
    failure = cases(document_of(mixed))["CFG-2/test_red"].find("failure")
    assert failure is not None

    assert failure.get("message") == 'it is in <English> & says "]]>" \ufffd[31m\ufffd'


HOSTILE = [
    "]]>",
    "<![CDATA[x]]>",
    "</testcase><testcase name='forged'/>",
    "&xxe; &#0; &amp;",
    "\x00\x01\x08\x0b\x0c\x1f\x1b[2J",
    "\ufffe\uffff",
    "\ud800 alone \udfff",
    "\x85\u2028 and \U0001f600",
    "line\nbreak\r\n\ttab",
    "'\"><!-- --><?pi?>",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_text_breaks_the_document_or_forges_a_case(mixed: Finished, text: str) -> None:
    summary, plan = copy.deepcopy(mixed.summary), dict(mixed.record.plan)
    for row in summary["checks"]:
        row.update(dict.fromkeys(("claim", "expected", "observed", "reason", "remedy", "check", "target"), f"x{text}"))
    plan["host"] = f"x{text}"
    rendered = junit.render(summary, plan).encode("utf-8")
    document = ET.fromstring(rendered)  # noqa: S314 - of our own making
    readable = f"x{junit.plain(text)}"

    assert breaches(document) == []
    assert len(document.findall("testsuite/testcase")) == len(summary["checks"])
    assert all(properties(case)["observed"] == readable for case in document.iter("testcase"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda suite: suite.attrib.pop("errors"), "missing required attribute 'errors'"),
        (lambda suite: suite.set("tests", "many"), "many"),
        (lambda suite: suite.set("timestamp", "2026-11-24T06:00:00Z"), "pattern"),
        (lambda suite: suite.remove(suite[0]), "Unexpected child"),
        (lambda suite: ET.SubElement(suite[2], "failure", type="a", message="b"), "Unexpected child"),
        (lambda suite: ET.SubElement(suite, "invention"), "Unexpected child"),
    ],
    ids=["attribute", "count", "zone", "order", "twice", "element"],
)
def test_a_document_that_readers_refuse_is_noticed(mixed: Finished, damage: Any, words: str) -> None:  # noqa: ANN401 - a function
    document = document_of(mixed)
    damage(document[0])

    assert any(words in breach for breach in breaches(document)), breaches(document)
