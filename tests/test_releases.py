"""Every release beside its gate: what is missing is told, nothing is complete that is not, and no word does harm."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from fixtures.people import fingerprint
from fixtures.twin import Twin, world
from reports import prune
from reports.__main__ import main
from reports.release_page import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixtures.twin.state import State

SCHEMA = json.loads((Path(__file__).resolve().parent.parent / "reports" / "schemas" / "releases.json").read_bytes())
HOSTILE = '=cmd|"</td><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J'
CHECK, OBSERVED = "CFG-1/test_cpus", "one CPU"
NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = f"{NOW - timedelta(days=300):%Y-%m-%d}"


def day(age: float) -> datetime:
    return NOW - timedelta(days=age)


def commit(version: int) -> str:
    return f"{version:040x}"


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(machines=1) as started:
        yield started


class Platform:
    """The twin's releases, the runs beside them, and the command on both."""

    def __init__(self, state: State, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.state, self.runs, self.capsys = state, folder / "runs", capsys
        self.runs.mkdir()

    def releases(self, *made: tuple[int, float, str], status: str = "complete") -> None:
        """(version, days ago, tag), the newest last."""
        self.state.releases = [world.release(self.state, version, day(age)) for version, age, _ in made][::-1]
        for release, (_, _, tag) in zip(self.state.releases, made[::-1], strict=True):
            release.image.tag, release.status = tag, status

    def run(self, phase: str, age: float, *, plan: dict[str, Any] | None = None, **facts: Any) -> str:  # noqa: ANN401 - whatever a summary may hold
        """A run that took a minute, as its summary and the first line of its record tell it."""
        started = day(age)
        name = f"{started:%Y%m%dT%H%M%SZ}-production-{phase}"
        summary = {
            "verdict": "passed",
            "gate": phase == "predeploy",
            "complete": True,
            "dirty": False,
            "replay_of": None,
            "started": started.isoformat(),
            "finished": (started + timedelta(minutes=1)).isoformat(),
            "app_commit": None,
            "release": None,
            "image_digest": None,
            "targets": [{"name": "production", "app": "paintbox", "url": "https://paintbox.fly.dev"}],
            "checks": [],
            "counts": {"waived": len(facts.get("checks", []))},
        } | facts
        folder = self.runs / name
        folder.mkdir()
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
        (folder / "record.jsonl").write_text(json.dumps({"kind": "plan"} | (plan or {})) + "\n", encoding="utf-8")
        return name

    def command(self, *words: str, status: int) -> str:
        """Both of what it prints, once it has ended with this status."""
        given = ["releases", "--target=production", f"--since={SINCE}", f"--runs={self.runs}", *words]
        found = main(given)
        told = self.capsys.readouterr()
        assert found == status, told
        return told.out + told.err

    def document(self, *words: str, status: int = 1) -> dict[str, Any]:
        """The list, which is valid."""
        self.command(*words, status=status)
        loaded: dict[str, Any] = json.loads((self.runs / "releases-production.json").read_bytes())
        assert [f"{e.json_path}: {e.message}" for e in Draft202012Validator(SCHEMA).iter_errors(loaded)] == []
        return loaded

    def gaps(self, *, status: int = 1) -> dict[str, list[str]]:
        """The gaps by release."""
        return {one["version"]: one["gaps"] for one in self.document(status=status)["releases"]}


@pytest.fixture
def platform(
    twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Platform]:
    for name, value in twin.environment.items():
        monkeypatch.setenv(name, value)
    before, email = twin.state.releases, twin.state.email
    yield Platform(twin.state, tmp_path, capsys)
    twin.state.releases, twin.state.email = before, email


def waived(until: float, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a run may hold
    """What a predeploy run with one waived check tells, ten days ago; `until` is the age of the waiver's last day."""
    waiver = {
        "check": CHECK,
        "reason": "one is enough for now",
        "owner": "Ada Example",
        "approver": "Grace Example",
        "from": f"{day(20):%Y-%m-%d}",
        "until": f"{day(until):%Y-%m-%d}",
        "fingerprint": fingerprint(CHECK, OBSERVED),
    } | changes
    row = {"check": CHECK, "target": "production", "verdict": "waived", "observed": OBSERVED}
    people = {"waivers": {"production": [waiver]}, "sign_offs": {}}
    return {"checks": [row], "plan": {"clock": day(10).isoformat(), "people": people}}


# --------------------------------------------------------------------------------------------------- gate and verdict


def test_a_release_with_everything_has_no_gap(platform: Platform) -> None:
    platform.releases((43, 9, commit(43)))
    gate = platform.run("predeploy", 10, app_commit=commit(43), **waived(until=5))
    after = platform.run("postdeploy", 8.9, release="v43", image_digest="sha256:" + "0" * 64)
    document = platform.document(status=0)
    (one,) = document["releases"]

    assert (one["gate"]["state"], one["gate"]["run"]["run"], one["postdeploy"]["run"]) == ("gated", gate, after)
    assert (one["by"], one["commit"]) == ("Deployer <deployer@paintbox.example>", commit(43))
    assert [(w["owner"], w["approver"], w["expired"]) for w in one["waivers"]] == [
        ("Ada Example", "Grace Example", False)
    ]
    assert (document["gaps"], document["platform_since"][:10]) == ([], f"{day(9):%Y-%m-%d}")


@pytest.mark.parametrize(
    ("facts", "state", "told"),
    [
        ({"verdict": "failed", "gate": False}, "red", "its gate was red"),
        ({"verdict": "blind", "gate": False}, "none", "the verdict is blind"),
        ({"dirty": True, "gate": False}, "none", "uncommitted changes"),
        ({"dirty": None, "gate": False}, "none", "git cannot tell"),
        ({"complete": False, "gate": False}, "none", "only a part of the phase"),
        ({"gate": False}, "none", "the twin is not production"),
        # Ids of their own: the time of day is not the same in every worker.
        pytest.param({"finished": NOW.isoformat()}, "none", "its gate was not open yet", id="finished after it"),
        ({"finished": None}, "none", "its gate was not open yet"),
        pytest.param({"started": day(8.95).isoformat()}, "none", "the first began after it", id="started after it"),
        ({"replay_of": "another"}, "none", "no predeploy run judged its commit before it"),
        ({"app_commit": commit(42)}, "none", "no predeploy run judged its commit before it"),
        ({"targets": [{"name": "production", "app": "another"}]}, "none", "no predeploy run judged its commit"),
        ({"started": "yesterday"}, "none", "no predeploy run judged its commit"),
        ({"targets": None}, "none", "no predeploy run judged its commit"),
        ({"verdict": ["passed"]}, "none", "no predeploy run judged its commit"),
        ({"checks": [{"verdict": "waived"}]}, "none", "no predeploy run judged its commit"),
        ({"counts": []}, "none", "no predeploy run judged its commit"),
    ],
    ids=str,
)
def test_what_opens_no_gate_is_told(platform: Platform, facts: dict[str, Any], state: str, told: str) -> None:
    platform.releases((43, 9, commit(43)))
    platform.run("predeploy", 10, **{"app_commit": commit(43)} | facts)
    platform.run("postdeploy", 8.9, release="v43")
    (one,) = platform.document()["releases"]

    assert one["gate"]["state"] == state
    assert [told in gap for gap in one["gaps"]] == [True]


def test_a_run_of_a_part_does_not_hide_the_gate_before_it_but_a_red_gate_does(platform: Platform) -> None:
    platform.releases((43, 9, commit(43)))
    platform.run("predeploy", 10, app_commit=commit(43))
    platform.run("postdeploy", 8.9, release="v43")
    platform.run("predeploy", 9.9, app_commit=commit(43), complete=False, gate=False)
    assert platform.gaps(status=0) == {"v43": []}

    platform.run("predeploy", 9.8, app_commit=commit(43), verdict="failed", gate=False)
    assert platform.gaps() == {"v43": ["its gate was red: the predeploy run before it failed"]}


@pytest.mark.parametrize("tag", ["deployment-01K9", commit(43)[:12], f"{commit(43)}-dirty", ""])
def test_an_image_that_names_no_commit_tells_no_gate(platform: Platform, tag: str) -> None:
    platform.releases((43, 9, tag))
    platform.run("postdeploy", 8.9, release="v43")

    assert platform.gaps() == {"v43": ["no gate can be told: its image names no commit"]}


@pytest.mark.parametrize(
    ("phase", "age", "facts", "gaps"),
    [
        ("postdeploy", 8.9, {}, []),
        ("postdeploy", 8.9, {"release": "v44"}, ["no complete postdeploy run judged it"]),
        ("postdeploy", 9.1, {}, ["no complete postdeploy run judged it"]),
        ("postdeploy", 7.9, {}, ["no complete postdeploy run judged it"]),
        ("postdeploy", 7.9, {"release": "v43"}, []),
        ("postdeploy", 8.9, {"complete": False}, ["no complete postdeploy run judged it"]),
        ("postdeploy", 8.9, {"finished": None}, ["no complete postdeploy run judged it"]),
        ("postdeploy", 8.9, {"plan": {"twin": True}}, ["no complete postdeploy run judged it"]),
        ("postdeploy", 8.9, {"verdict": "failed"}, ["its postdeploy run failed"]),
        ("postdeploy", 8.9, {"verdict": "blind"}, ["its postdeploy run could not judge everything"]),
        ("smoke", 8.9, {}, ["no complete postdeploy run judged it; smoke passed, which is a part of it"]),
    ],
    ids=str,
)
def test_the_postdeploy_run_is_the_one_of_this_release(
    platform: Platform, phase: str, age: float, facts: dict[str, Any], gaps: list[str]
) -> None:
    platform.releases((43, 9, commit(43)), (44, 8, commit(44)))
    platform.run("predeploy", 10, app_commit=commit(43))
    platform.run(phase, age, **facts)

    assert platform.gaps()["v43"] == gaps


def test_the_first_postdeploy_run_counts(platform: Platform) -> None:
    platform.releases((43, 9, commit(43)))
    platform.run("predeploy", 10, app_commit=commit(43))
    first = platform.run("postdeploy", 8.9, release="v43", verdict="failed")
    platform.run("postdeploy", 8.8, release="v43")

    assert platform.document()["releases"][0]["postdeploy"]["run"] == first


# ----------------------------------------------------------------------------- waivers, pruned evidence, roll-backs


def test_a_waiver_that_had_run_out_is_a_gap(platform: Platform) -> None:
    platform.releases((43, 5, commit(43)))
    platform.run("predeploy", 10, app_commit=commit(43), **waived(until=6))
    platform.run("postdeploy", 4.9, release="v43")
    (one,) = platform.document()["releases"]

    assert one["gaps"] == [f"the waiver of {CHECK} by Ada Example had run out on {day(6):%Y-%m-%d}"]
    assert one["waivers"][0]["expired"] is True


@pytest.mark.parametrize("changes", [{"fingerprint": "0" * 16}, {"approver": "Ada Example"}, {"from": "soon"}], ids=str)
def test_a_waiver_that_the_record_does_not_tell_is_a_gap(platform: Platform, changes: dict[str, Any]) -> None:
    platform.releases((43, 9, commit(43)))
    platform.run("predeploy", 10, app_commit=commit(43), **waived(until=5, **changes))
    platform.run("postdeploy", 8.9, release="v43")

    assert platform.gaps() == {"v43": [f"{CHECK} was waived, and the record does not tell by whom"]}


def test_pruned_evidence_is_told(platform: Platform) -> None:
    platform.releases((42, 10, commit(42)), (43, 9, commit(43)))
    for version, age in ((42, 11), (43, 9.5)):
        facts = waived(until=5) if version == 42 else {"plan": {}}
        facts["plan"] |= {"app_commit": commit(version)}
        prune.prune(platform.runs / platform.run("predeploy", age, app_commit=commit(version), **facts))
        prune.prune(platform.runs / platform.run("postdeploy", age - 1.1, release=f"v{version}"))
    older, newer = platform.document()["releases"]

    assert (older["version"], newer["version"], newer["gaps"]) == ("v42", "v43", [])
    assert older["gaps"] == ["its gate run was pruned: who accepted its 1 waived failures is not known"]
    assert any("pruned on 20" in note for note in newer["notes"])
    assert newer["postdeploy"]["pruned"] is not None
    assert "report.html" not in (platform.runs / "releases-production.html").read_text(encoding="utf-8")


def test_a_roll_back_is_told_on_both_sides(platform: Platform) -> None:
    platform.releases((41, 9, "a"), (42, 8, "b"), (43, 7, "c"), (44, 6, "a"), (45, 5, "a"))
    found = {one["version"]: one for one in platform.document()["releases"]}

    assert {v: one["rolled_back_to"] for v, one in found.items() if one["rolled_back_to"]} == {"v44": "v41"}
    assert {v: one["rolled_back_by"] for v, one in found.items() if one["rolled_back_by"]} == {
        "v42": "v44",
        "v43": "v44",
    }
    assert "rolled back by v44" in found["v42"]["notes"]


@pytest.mark.parametrize(
    ("status", "told"), [("failed", "failed: "), ("interrupted", "interrupted: "), ("running", "open: ")]
)
def test_a_release_that_did_not_come_through_is_told_and_rolls_nothing_back(
    platform: Platform, status: str, told: str
) -> None:
    platform.releases((41, 9, "a"), (42, 8, "b"), (43, 7, "a"))
    platform.state.releases[0].status = status
    found = {one["version"]: one for one in platform.document()["releases"]}

    assert [note.startswith(told) for note in found["v43"]["notes"]] == [True]
    assert found["v43"]["gaps"] == ["no gate can be told: its image names no commit"]
    assert found["v42"]["rolled_back_by"] is None


# -------------------------------------------------------------------------------------------------- how far it reaches


def test_older_releases_are_told_by_runs_and_what_nobody_tells_is_a_gap_of_the_list(platform: Platform) -> None:
    platform.releases(*((version, 100 - version, commit(version)) for version in range(30, 55)))
    seen = [
        {"version": 20, "status": "complete", "image": "r/p:" + commit(20), "created": day(80).isoformat()},
        {"version": 21, "status": "failed", "image": "r/p:x", "created": day(79).isoformat(), "by": "Ada"},
    ]
    run = platform.run("postdeploy", 78.5, release="v21")
    look = {"look": "fly_releases", "kind": "observation", "target": "production", "value": {"releases": seen}}
    with (platform.runs / run / "record.jsonl").open("a", encoding="utf-8") as record:
        record.write(json.dumps(look, separators=(",", ":")) + "\n")
    platform.run("predeploy", 81, app_commit=commit(20))
    summary = platform.run("smoke", 75, release="v25")
    document = platform.document()
    found = {one["version"]: one for one in document["releases"]}

    assert [version for version, one in found.items() if one["told_by"]] == ["v25", "v21", "v20"]
    assert (found["v20"]["gate"]["state"], found["v20"]["told_by"]) == ("gated", run)
    assert (found["v21"]["status"], found["v21"]["by"]) == ("failed", "Ada")
    assert (found["v25"]["status"], found["v25"]["told_by"]) == (None, summary)
    assert "no gate can be told: what its image is called is not known" in found["v25"]["gaps"]
    assert [gap.partition(" of ")[0] for gap in document["gaps"]] == [
        "releases before v20",
        "v22 to v24: neither the platform nor a run tells",
        "v26 to v29: neither the platform nor a run tells",
    ]
    text = platform.command(f"--since={day(60):%Y-%m-%d}", status=1)
    assert "list  " not in text
    assert "the platform's list reaches back to" in text


@pytest.mark.parametrize("told", ["{", "[]", '{"version": "20"}', '{"version": 20, "created": "2026-01-01T00:00:00"}'])
def test_a_record_that_was_changed_tells_no_releases(platform: Platform, told: str) -> None:
    platform.releases(*((version, 100 - version, commit(version)) for version in range(30, 55)))
    run = platform.run("postdeploy", 78.5, release="v21")
    with (platform.runs / run / "record.jsonl").open("a", encoding="utf-8") as record:
        record.write(
            f'{{"look":"fly_releases","kind":"observation","target":"production","value":{{"releases":[{told}]}}}}\n'
        )
    document = platform.document()

    assert [(one["version"], one["image"]) for one in document["releases"] if one["told_by"]] == [("v21", None)]


def test_an_app_that_was_never_released_has_no_gap_unless_runs_know_better(platform: Platform) -> None:
    platform.state.releases = []
    assert platform.document(status=0)["releases"] == []

    platform.run("smoke", 9, release="v21")
    assert "was the app made anew?" in platform.document()["gaps"][0]


def test_days_before_the_first_are_left_out(platform: Platform) -> None:
    platform.releases((42, 30, "a"), (43, 9, "b"))

    assert list({one["version"] for one in platform.document(f"--since={day(10):%Y-%m-%d}")["releases"]}) == ["v43"]


def test_a_platform_out_of_reach_leaves_nothing_that_looks_complete(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLY_API_BASE_URL", "http://127.0.0.1:1")
    text = platform.command(status=6)

    assert re.fullmatch(r"`fly releases .*nothing is written, since no list would be complete\n", text)
    assert list(platform.runs.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--target=prodution",), "there is no target"),
        (("--since=yesterday",), "is no day"),
        (("--since=2999-01-01",), "has not come yet"),
        (("--runs=/no/such",), "is no folder of runs"),
    ],
)
def test_misuse_is_told_in_a_sentence(platform: Platform, words: tuple[str, ...], told: str) -> None:
    assert told in platform.command(*words, status=4)


def test_files_that_cannot_be_written_are_told(platform: Platform) -> None:
    platform.releases((43, 9, commit(43)))
    (platform.runs / "file").touch()

    assert "cannot be written" in platform.command(f"--into={platform.runs / 'file'}", status=3)


# ------------------------------------------------------------------------------------------------------ hostile words


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.found.append((tag, dict(attrs)))


def test_hostile_words_do_no_harm(platform: Platform) -> None:
    platform.state.email = HOSTILE
    platform.releases((42, 10, HOSTILE), (43, 9, commit(43)), status=HOSTILE)
    check = f"CFG-1/{HOSTILE}"
    facts = waived(until=9.5, owner=HOSTILE, reason=HOSTILE, check=check, fingerprint=fingerprint(check, HOSTILE))
    facts["checks"][0] |= {"check": check, "observed": HOSTILE}
    platform.run("predeploy", 10, app_commit=commit(43), place=HOSTILE, **facts)
    platform.run("postdeploy", 8.9, release="v43", verdict=HOSTILE)
    text = platform.command(status=1)
    page = (platform.runs / "releases-production.html").read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO((platform.runs / "releases-production.csv").read_text(encoding="utf-8"))))
    found = Tags(page).found

    assert "\x1b" not in text + page + str(rows)
    assert {tag for tag, _ in found} & {"script", "img", "iframe", "object", "link", "form"} == set()
    assert not [name for _, attributes in found for name in attributes if name.startswith("on")]
    assert all(str(a["href"]).endswith(("/report.html", "#releases")) for tag, a in found if tag == "a")
    assert page.count("&lt;script&gt;") > 5
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert any(cell.startswith("'=cmd") for row in rows for cell in row)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell).startswith("'")


def test_the_page_leads_into_the_runs_from_another_folder(platform: Platform, tmp_path: Path) -> None:
    platform.releases((43, 9, commit(43)))
    run = platform.run("postdeploy", 8.9, release="v43")
    platform.command(f"--into={tmp_path / 'for' / 'them'}", status=1)
    page = (tmp_path / "for" / "them" / "releases-production.html").read_text(encoding="utf-8")

    assert f'href="../../runs/{run}/report.html"' in page
    assert page.startswith("<!DOCTYPE html>")


def test_the_schema_describes_every_field_and_is_closed() -> None:
    def objects(value: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
        if isinstance(value, dict) and "properties" in value and "type" in value:
            yield value
        for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from objects(member)

    Draft202012Validator.check_schema(SCHEMA)
    found = list(objects(SCHEMA))

    assert len(found) == 6
    assert all(one["additionalProperties"] is False and one["required"] == list(one["properties"]) for one in found)
    assert all(rule.get("description") for one in found for rule in one["properties"].values())
