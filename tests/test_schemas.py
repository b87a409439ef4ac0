"""The published schemas say exactly what a run writes: no field more, none less, each described."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from engine import Bench
from jsonschema import Draft202012Validator

from fixtures.catalogue import SEVERITIES
from fixtures.people import fingerprint
from fixtures.plan import PHASES
from reports import record as record_module
from reports import summary as summary_module
from reports.summary import VERDICTS, summarise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runs import Finished

pytestmark = pytest.mark.slow

SCHEMAS = Path(__file__).resolve().parent.parent / "reports" / "schemas"
KINDS = ("plan", "observation", "round", "verdict", "finish")

LOOK = """
@look("source", seconds=5)
def greeting(world: World) -> Seen:
    world.count_request()
    return Seen("echo hello", {"words": ["hello"]}, "one greeting")
"""

GREEN = """
@item("CFG-2", expects="{machines.memory_mb} MB on every machine")
@pytest.mark.predeploy
def test_one(greeting: Observation) -> None:
    '''The greeting is polite.'''
    assert "hello" in str(greeting.value)
"""

BLIND = """
@look("source", seconds=5)
def darkness(world: World) -> Seen:
    raise Unseen("the lamp is out: plug it in", asked="lamp --on", tries=3)

@look("source", seconds=5)
def shadow(world: World, darkness: Observation) -> Seen:
    return Seen("look", 1, "a shadow")

@item("CFG-3", expects="a shadow")
@pytest.mark.predeploy
def test_shadow(shadow: Observation) -> None:
    '''There is a shadow.'''
    assert shadow.read(str)
"""

COLOURFUL = """
@item("CFG-4", expects="a soft limit of {concurrency.soft_limit}")
@pytest.mark.predeploy
def test_red(greeting: Observation) -> None:
    '''The greeting is in German.'''
    assert greeting.value is None, "it is in English"

@item("CFG-1", expects="{machines.cpus} CPUs")
@pytest.mark.predeploy
def test_accepted(greeting: Observation) -> None:
    '''The greeting is long.'''
    assert greeting.value is None, "it is short"

@item("CFG-5", expects="{machines.maximum} machines at most")
@pytest.mark.predeploy
def test_unset(greeting: Observation) -> None:
    '''Nobody asked for this.'''
    assert greeting.value

@item("MNT-7", expects="a signature")
@pytest.mark.predeploy
def test_signed(signoff: object) -> None:
    '''Somebody has read it.'''
    assert signoff.holds
"""


def little_target(folder: Path) -> None:
    """A target with a waiver, a sign-off, and a key that it does not set."""
    today = datetime.now(UTC).date()
    (folder / "waivers.toml").write_text(
        f"""
[[waiver]]
check = "CFG-1/test_accepted"
reason = "short is fine for now"
owner = "Ada Example"
approver = "Grace Example"
from = {today - timedelta(days=1)}
until = {today + timedelta(days=1)}
fingerprint = "{fingerprint("CFG-1/test_accepted", "it is short")}"
"""
    )
    (folder / "signoffs.toml").write_text(
        f"""
[[signoff]]
item = "MNT-7"
who = "Ada Example"
what = "read it"
when = {today - timedelta(days=1)}
evidence = "commit 0123456"
valid_for_days = 31
"""
    )
    (folder / "little.toml").write_text(
        'extends = "production"\nunset = ["machines.maximum"]\nwaivers = "waivers.toml"\nsignoffs = "signoffs.toml"\n'
    )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    """One run of each kind, by what became of it."""
    bench = Bench(tmp_path_factory.mktemp("colourful"))
    little_target(bench.folder)
    red = bench.run(LOOK + GREEN + BLIND + COLOURFUL, "-m", "predeploy", "--place=here")
    replayed = bench.again(f"--replay={red.folder}")

    def fresh(name: str, body: str) -> Finished:
        return Bench(tmp_path_factory.mktemp(name)).run(body, "-m", "predeploy")

    return {
        "red": red,
        "replayed": replayed,
        "waited": waited(tmp_path_factory.mktemp("waited")),
        "green": fresh("green", LOOK + GREEN),
        "blind": fresh("blind", LOOK + GREEN + BLIND),
        "interrupted": fresh("interrupted", LOOK + GREEN.replace("assert", "raise KeyboardInterrupt; assert")),
    }


def waited(folder: Path) -> Finished:
    """A run of two rounds: what fails in the first passes in the second."""
    (folder / "little.toml").write_text('extends = "production"\n[wait]\ngreen_rounds = 1\npause_seconds = 0.01\n')
    body = LOOK.replace('["hello"]', '["hello"][:world.clock > FIRST]') + GREEN
    body = "from datetime import UTC, datetime, timedelta\nFIRST = datetime.now(UTC) + timedelta(seconds=1)\n" + body
    return Bench(folder).run(body.replace("predeploy", "postdeploy"), "-m", "postdeploy", "--wait=60s")


@cache
def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_bytes())
    return loaded


@cache
def validator(name: str, kind: str = "") -> Draft202012Validator:
    """The validator of a document; of one kind of line, which tells errors better than all kinds together."""
    whole = schema(name)
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": whole["$defs"]} if kind else whole)


def errors(name: str, document: Any, kind: str = "") -> list[str]:  # noqa: ANN401 - any JSON
    return [f"{error.json_path}: {error.message}" for error in validator(name, kind).iter_errors(document)]


def lines(run: Finished) -> list[dict[str, Any]]:
    assert run.folder is not None
    return [json.loads(line) for line in (run.folder / "record.jsonl").read_bytes().splitlines()]


def objects(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - any JSON
    """Every object in a document with its path, members of lists under `[]`."""
    if isinstance(value, dict):
        yield path, value
    members = (
        value.items() if isinstance(value, dict) else (("[]", m) for m in value) if isinstance(value, list) else ()
    )
    for name, member in members:
        yield from objects(member, f"{path}.{name}")


def unnoticed(name: str, document: dict[str, Any], kind: str = "") -> tuple[set[str], set[str]]:
    """Where a surplus field, and which dropped field, leave a document valid; tried on one object of each shape."""
    draft = copy.deepcopy(document)
    surplus, dropped = set(), set()
    shapes = {
        (path, tuple((key, type(value)) for key, value in found.items())): found for path, found in objects(draft)
    }
    for (path, _), found in shapes.items():
        found["surplus"] = "unheard of"
        if not errors(name, draft, kind):
            surplus.add(path)
        del found["surplus"]
        for key in list(found):
            value = found.pop(key)
            if not errors(name, draft, kind):
                dropped.add(f"{path}.{key}")
            found[key] = value
    return surplus, dropped


def test_the_runs_are_what_they_stand_for(runs: dict[str, Finished]) -> None:
    statuses = {name: run.status for name, run in runs.items()}
    verdicts = {verdict for run in runs.values() for verdict in run.verdicts().values()}

    assert statuses == {"red": 1, "replayed": 1, "waited": 0, "green": 0, "blind": 6, "interrupted": 2}, runs[
        "red"
    ].text
    assert verdicts == set(VERDICTS)


@pytest.mark.parametrize("name", ["summary", "record"])
def test_a_schema_is_one_and_describes_every_field(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    closed = [(path, found) for path, found in objects(schema(name)) if "additionalProperties" in found]
    fields = {f"{path}.{key}": rule for path, found in closed for key, rule in found.get("properties", {}).items()}

    assert len(fields) > 20
    assert not [path for path, rule in fields.items() if not rule.get("description")]
    assert not [path for path, found in closed if found["additionalProperties"] is True]


@pytest.mark.parametrize("name", ["red", "replayed", "waited", "green", "blind", "interrupted"])
def test_what_a_run_writes_is_what_is_published(runs: dict[str, Finished], name: str) -> None:
    run = runs[name]

    assert errors("summary", run.summary) == []
    assert [error for line in lines(run) for error in errors("record", line, line["kind"])] == []
    assert [error for line in lines(run) for error in errors("record", line)] == []


def test_every_kind_of_line_was_seen(runs: dict[str, Finished]) -> None:
    assert {line["kind"] for line in lines(runs["waited"])} == set(KINDS)


def test_a_summary_from_before_the_end_is_valid_too(runs: dict[str, Finished]) -> None:
    killed = replace(runs["green"].record, finish=None, verdicts={})
    summary = summarise(killed)

    assert (summary["exit_status"], summary["finished"], summary["seconds"]) == (6, None, None)
    assert errors("summary", summary) == []
    assert errors("summary", summarise(runs["green"].record, broken=True)) == []


def test_a_field_more_or_less_in_a_summary_is_noticed(runs: dict[str, Finished]) -> None:
    surplus, dropped = unnoticed("summary", runs["red"].summary)

    assert surplus == set()
    assert dropped == {".requests.paintbox"}


def test_a_field_more_or_less_in_a_record_is_noticed(runs: dict[str, Finished]) -> None:
    surplus, dropped = set(), set()
    for line in lines(runs["red"]):
        more, less = unnoticed("record", line, line["kind"])
        surplus |= {f"{line['kind']}{path}" for path in more}
        dropped |= {f"{line['kind']}{path}" for path in less}
    open_maps = r"plan\.targets\.\[\]\.(values|origins)|plan\.people\.(waivers|sign_offs)|observation\.value"

    assert surplus
    assert [path for path in surplus if not re.match(rf"({open_maps})$", path)] == []
    assert [path for path in dropped if not re.match(rf"({open_maps})\.", path)] == []
    assert not [path for path in dropped if re.search(r"values\.(app|url)$", path)]


@pytest.mark.parametrize(
    "change",
    [
        {"gate": True},
        {"verdict": "passed"},
        {"exit_status": 0},
        {"exit_status": 7},
        {"started": "yesterday"},
        {"schema": 2},
        {"targets": []},
        {"run": None},
        {"finished": "2026-11-24 06:00:00"},
    ],
    ids=str,
)
def test_a_summary_that_contradicts_itself_is_noticed(runs: dict[str, Finished], change: dict[str, Any]) -> None:
    assert errors("summary", runs["red"].summary | change)


@pytest.mark.parametrize("change", [{"kind": "rumour"}, {"previous": "0"}, {"at": "2026-11-24"}], ids=str)
def test_a_line_that_is_none_is_noticed(runs: dict[str, Finished], change: dict[str, Any]) -> None:
    assert [line["kind"] for line in lines(runs["red"]) if not errors("record", line | change)] == []


def test_the_words_of_the_schemas_are_those_of_the_code() -> None:
    summary, record = schema("summary"), schema("record")
    names = ("PASSED", "FAILED", "INTERRUPTED", "BROKEN", "MISUSE", "NOTHING", "BLIND")
    statuses = {getattr(summary_module, name) for name in names}

    assert tuple(summary["$defs"]["verdict"]["enum"]) == VERDICTS
    assert tuple(summary["properties"]["counts"]["properties"]) == VERDICTS
    assert set(record["$defs"]["verdict"]["properties"]["verdict"]["enum"]) == set(VERDICTS) - {"not-run"}
    assert set(summary["properties"]["exit_status"]["enum"]) == statuses
    assert summary["properties"]["schema"]["const"] == summary_module.SCHEMA
    assert record["$defs"]["plan"]["properties"]["schema"]["const"] == record_module.SCHEMA
    assert {tuple(known["$defs"]["phase"]["enum"]) for known in (summary, record)} == {PHASES}
    assert {tuple(known["$defs"]["severity"]["enum"]) for known in (summary, record)} == {SEVERITIES}
