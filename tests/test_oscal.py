"""oscal.json is what OSCAL's own tools accept, and says what the record says: green, red, waived, and cut short."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from runs import Finished, run_pytest
from trestle.oscal.assessment_results import AssessmentResults

from fixtures.catalogue import Catalogue, CatalogueError
from fixtures.controls import controls_of
from fixtures.people import fingerprint
from reports import oscal
from reports.oscal_parts import control_id
from reports.record import read_record
from reports.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEMORY = "CFG-2/test_fly_toml_asks_for_the_documented_memory"


def runs(reports: Path, *arguments: str) -> Finished:
    return run_pytest("--target=twin", *arguments, reports=reports)


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(runs(tmp_path_factory.mktemp("green"), "-m", "maintenance"))


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    selection = ("-m", "predeploy", "-k", "CFG-1 or CFG-2", "--twin-fault=vm-memory-too-small")
    return folder_of(runs(tmp_path_factory.mktemp("red"), *selection))


def folder_of(run: Finished) -> Path:
    assert run.folder is not None, run.text
    return run.folder


def changed(run: Path, into: Path, change: Callable[[list[dict[str, Any]]], object]) -> Path:
    """The record of a run with other lines."""
    lines = [json.loads(line) for line in (run / "record.jsonl").read_text(encoding="utf-8").splitlines()]
    change(lines)
    into.mkdir()
    (into / "record.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return into


def accepted(folder: Path) -> dict[str, Any]:
    """The document of a record, once the oracle has taken it."""
    run = read_record(folder)
    text = oscal.render(run, summarise(run))
    file = folder / "judged-by-the-oracle.json"
    file.write_text(text, encoding="utf-8")
    assert AssessmentResults.oscal_read(file) is not None
    document: dict[str, Any] = json.loads(text)["assessment-results"]
    return document


def states(document: dict[str, Any]) -> dict[str, tuple[str, str]]:
    findings = document["results"][0]["findings"]
    return {
        one["target"]["target-id"]: (one["target"]["status"]["state"], one["target"]["status"]["reason"])
        for one in findings
    }


def test_a_green_run_satisfies_its_items_and_controls(green: Path) -> None:
    document = accepted(green)
    result = document["results"][0]

    assert set(states(document).values()) == {("satisfied", "pass")}
    assert {"CON-1", "DOC-1", "A.5.24_smt"} <= set(states(document))
    assert [part["title"] for one in result["attestations"] for part in one["parts"]] == [
        "MNT-1 on twin",
        "MNT-7 on twin",
    ]
    assert {one["methods"][0] for one in result["observations"]} == {"TEST", "INTERVIEW"}
    assert "risks" not in result


def test_a_red_run_does_not_satisfy_what_failed(red: Path) -> None:
    found = states(accepted(red))

    assert found["CFG-2"] == ("not-satisfied", "fail")
    assert found["CFG-1"] == ("satisfied", "pass")


def test_a_waived_failure_is_a_risk_with_a_deadline(red: Path, tmp_path: Path) -> None:
    def waive(lines: list[dict[str, Any]]) -> None:
        verdict = next(line for line in lines if line["kind"] == "verdict" and line["verdict"] == "failed")
        verdict["verdict"] = "waived"
        waiver = {
            "check": verdict["check"],
            "reason": "The machine is being replaced.",
            "owner": "Ada",
            "approver": "Grace",
            "from": "2026-01-01",
            "until": "2026-02-01",
            "fingerprint": fingerprint(verdict["check"], verdict["observed"]),
        }
        lines[0]["people"]["waivers"]["twin"] = [waiver, waiver | {"fingerprint": "0" * 16}]

    document = accepted(changed(red, tmp_path / "waived", waive))
    (risk,) = document["results"][0]["risks"]

    assert (risk["status"], risk["deadline"]) == ("deviation-approved", "2026-02-01T23:59:59Z")
    assert states(document)["CFG-2"] == ("not-satisfied", "fail")
    assert {"Ada"} == {party["name"] for party in document["metadata"]["parties"] if party["type"] == "person"} - {
        "Ada Twin",
        "Grace Twin",
    }


def test_a_run_that_was_cut_short_satisfies_nothing_that_it_did_not_see(green: Path, tmp_path: Path) -> None:
    def cut(lines: list[dict[str, Any]]) -> None:
        del lines[1:]

    document = accepted(changed(green, tmp_path / "cut", cut))

    assert set(states(document).values()) == {("not-satisfied", "other")}
    assert "cut short" in document["results"][0]["description"]
    assert "end" not in document["results"][0]


def test_hostile_words_stay_words(red: Path, tmp_path: Path) -> None:
    def poison(lines: list[dict[str, Any]]) -> None:
        for line in lines:
            if line["kind"] == "verdict":
                line["observed"] = line["reason"] = "\n\t \x00<script>  \u202e" + "x" * 9_000

    accepted(changed(red, tmp_path / "poisoned", poison))


def test_the_same_record_gives_the_same_bytes_and_every_run_has_them(green: Path) -> None:
    run = read_record(green)

    assert oscal.render(run, summarise(run)) == (green / "oscal.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("control", "token"), [("nist-800-53:IA-5(7)", "ia-5.7"), ("soc2:CC8.1", "CC8.1"), ("iso-27001:A.8.9", "A.8.9")]
)
def test_controls_are_named_as_their_own_catalogues_do(control: str, token: str) -> None:
    assert control_id(control) == token
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", token)


def test_every_control_of_the_catalogue_is_in_scope_and_some_are_uncovered() -> None:
    controls = controls_of(Catalogue.load())

    assert len({control["id"] for control in controls}) == len(controls)
    assert [control["id"] for control in controls if not control["items"]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[soc2]\ntitle = "SOC 2"\n[soc2.controls]\n"CC9.9" = "x"\n', "names the control"),
        ('[soc2]\ntitle = "SOC 2"\n', "needs a table of controls"),
        ('[soc2]\ntitel = "SOC 2"\n', "unknown key 'titel'"),
        ("soc2 = 3\n", "has no title"),
        ("[soc2\n", "controls.toml"),
    ],
)
def test_a_broken_list_of_controls_is_told_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "controls.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(CatalogueError, match=re.escape(told)):
        controls_of(Catalogue.load(), file)
