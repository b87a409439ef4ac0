"""Targets: what they hold, how they are found and merged, and the sentence for each way to get one wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from jsonschema import Draft202012Validator

from fixtures.expectations import Expectations, declared
from fixtures.section import MissingKey, Section, is_section, keys_of
from fixtures.target import Target, TargetError, load_target
from fixtures.target_schema import surely_allows

if TYPE_CHECKING:
    from fixtures.looks import Json

TARGETS = Path(__file__).resolve().parent.parent / "fixtures" / "targets"
SCHEMA: dict[str, Any] = json.loads((TARGETS / "schema.json").read_text(encoding="utf-8"))
MINE = """
app = "mine"
url = "https://mine.example"
run_deadline_seconds = 60
waivers = "waivers.toml"
signoffs = "signoffs.toml"
"""
TYPES = {int: "integer", float: "number", str: "string", bool: "boolean", tuple[str, ...]: "array"}


class Write(Protocol):
    """Writes a target file."""

    def __call__(self, text: str, name: str = "mine.toml") -> str:
        """Write the text to a file of this name, and say where it is."""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_target(text: str, name: str = "mine.toml") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write_target


def refusal(path: str) -> str:
    with pytest.raises(TargetError) as refused:
        load_target(path)
    return str(refused.value)


# ------------------------------------------------------------------------------------- schema, classes, production


def disagreements(section: type[Section], schema: dict[str, Any], prefix: str = "") -> list[str]:
    keys, properties = keys_of(section), schema["properties"]
    found = [f"{prefix}{key} is declared once only" for key in keys.keys() ^ properties.keys()]
    found += [f"{prefix or 'the root'} allows unknown keys"] if schema["additionalProperties"] is not False else []
    for key in keys.keys() & properties.keys():
        kind, rule = keys[key], properties[key]
        if "description" not in rule:
            found.append(f"{prefix}{key} has no description")
        if is_section(kind):
            found += disagreements(kind, rule, f"{prefix}{key}.")
        elif TYPES[kind] != rule["type"]:
            found.append(f"{prefix}{key} is {kind} here and {rule['type']} there")
    return found


def test_schema_and_classes_agree_key_by_key() -> None:
    root = SCHEMA | {"properties": {k: v for k, v in SCHEMA["properties"].items() if k not in {"extends", "unset"}}}

    assert disagreements(Expectations, root) == []


def test_production_sets_every_key() -> None:
    production = load_target("production")

    assert [key for key in declared() if not production.has(key)] == []


@pytest.mark.parametrize("name", ["production", "staging", "twin"])
def test_every_value_says_why(name: str) -> None:
    lines = (TARGETS / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    bare, explained = [], False
    for line in lines:
        if re.match(r"[a-z_]+ = ", line):
            bare += [] if explained else [line]
        elif not line.startswith((" ", "]")):  # the inside of a list
            explained = line.startswith("#")

    assert bare == []


def test_bundled_targets_load_and_only_the_twin_is_one() -> None:
    loaded = {path.stem: load_target(path.stem) for path in TARGETS.glob("*.toml")}

    assert {name: target.is_twin for name, target in loaded.items()} == {
        "production": False,
        "staging": False,
        "twin": True,
    }
    assert {target.app for target in loaded.values()} == {"paintbox", "paintbox-staging"}


def test_bundled_targets_name_the_host_of_their_url() -> None:
    for name in ("production", "staging"):
        target = load_target(name)
        assert target.url == f"https://{target.fly.hostname}"


def test_contacts_that_are_not_known_cannot_be_taken_for_real() -> None:
    contacts = load_target("production").contacts

    assert contacts.primary_oncall == contacts.secondary_oncall == "[to be named]"


# --------------------------------------------------------------------------------------------------- reading a key


def test_keys_are_attributes_of_their_real_type() -> None:
    expected = load_target("production")

    assert expected.machines.memory_mb == 2048
    assert expected.health_checks.simple.path == "/api/simple-health"
    assert expected.aws.secrets == ("paintbox/production/jwt/public-keys",)
    assert expected.requests.trust_environment is False
    assert expected.get("aws.secrets") == ["paintbox/production/jwt/public-keys"]


def test_key_that_is_not_set_is_missing_not_none(write: Write) -> None:
    target = load_target(write(MINE))

    assert not target.has("machines.memory_mb")
    with pytest.raises(MissingKey, match=r"target mine does not set machines\.memory_mb") as missing:
        _ = target.machines.memory_mb
    assert missing.value.key == "machines.memory_mb"
    with pytest.raises(MissingKey, match=r"machines\.memory_mb"):
        target.get("machines.memory_mb")
    with pytest.raises(MissingKey, match=r"health_checks\.simple\.path"):
        _ = target.health_checks.simple.path


def test_misspelt_key_is_never_just_missing() -> None:
    target = load_target("production")

    with pytest.raises(AttributeError, match="Machines has no key 'memroy_mb'"):
        _ = target.machines.memroy_mb  # type: ignore[attr-defined] # that mypy sees it, too, is the point
    for read in (target.has, target.get, target.where):
        with pytest.raises(
            TargetError, match=r"'machines\.memroy_mb' is not a key.*did you mean 'machines\.memory_mb'"
        ):
            read("machines.memroy_mb")
    with pytest.raises(TargetError, match="'machines' is not a key of targets: it is a table"):
        target.has("machines")


def test_where_names_the_file_of_the_chain_that_set_a_key(write: Write) -> None:
    path = write('extends = "staging"\n[machines]\nminimum = 1')
    target = load_target(path)

    assert target.where("machines.minimum") == f"{path} [machines] minimum"
    assert target.where("url") == "targets/staging.toml url"
    assert target.where("machines.memory_mb") == "targets/production.toml [machines] memory_mb"
    assert target.where("health_checks.tcp.timeout_seconds") == (
        "targets/production.toml [health_checks.tcp] timeout_seconds"
    )


def test_files_are_found_from_the_file_that_names_them(write: Write, tmp_path: Path) -> None:
    mine = load_target(write('extends = "production"\nsignoffs = "people/signoffs.toml"'))

    assert mine.file("signoffs") == tmp_path / "people" / "signoffs.toml"
    assert mine.file("waivers") == TARGETS.parent.parent / "runbook" / "waivers.toml"


# ----------------------------------------------------------------------------------------------- finding, merging


def test_target_may_be_any_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(MINE)
    monkeypatch.chdir(tmp_path)

    for given in ("mine.toml", "./mine.toml", str(tmp_path / "mine.toml")):
        assert (load_target(given).name, load_target(given).app) == ("mine", "mine")


def test_name_that_no_target_has_is_corrected() -> None:
    assert refusal("prodution") == (
        "there is no target 'prodution'; did you mean 'production'?; "
        "give one of production, staging, twin, or the path of a target file"
    )


def test_parent_is_merged_table_by_table(write: Write) -> None:
    write('extends = "production"\n[machines]\nmaximum = 3\n[headers]\nhidden = ["Server"]', "parent.toml")
    target = load_target(write('extends = "parent.toml"\napp = "mine"\n[machines]\nminimum = 1', "child.toml"))

    assert (target.machines.minimum, target.machines.maximum, target.machines.memory_mb) == (1, 3, 2048)
    assert (target.app, target.headers.hidden) == ("mine", ("Server",))


def test_child_may_unset_a_key_or_a_table(write: Write) -> None:
    target = load_target(write('extends = "production"\nunset = ["machines.maximum", "rate_limit"]'))

    assert not target.has("machines.maximum")
    assert not target.has("rate_limit.burst_requests")
    assert target.has("machines.minimum")


def test_target_that_extends_the_twin_is_one(write: Write) -> None:
    assert load_target(write('extends = "twin"')).is_twin


def test_circle_is_refused(write: Write) -> None:
    write('extends = "b.toml"', "a.toml")
    path = write('extends = "a.toml"', "b.toml")

    assert re.fullmatch(r"\S+b\.toml extends \S+a\.toml extends \S+b\.toml: take one extends out, .*", refusal(path))
    assert "mine.toml extends" in refusal(write('extends = "mine.toml"'))


def test_copy_with_values_decided_at_run_time() -> None:
    twin = load_target("twin").with_values(
        {"url": "https://127.0.0.1:4443", "edge.plain_url": "http://127.0.0.1:80"}, "the twin"
    )

    assert (twin.url, twin.edge.plain_url, twin.is_twin) == ("https://127.0.0.1:4443", "http://127.0.0.1:80", True)
    assert twin.where("edge.plain_url") == "the twin [edge] plain_url"
    with pytest.raises(TargetError, match="the twin: url must be a text in quotes, not the number 5"):
        twin.with_values({"url": 5}, "the twin")


def test_record_is_enough_to_have_the_target_again(write: Write) -> None:
    path = Path(write('extends = "staging"\n[machines]\nminimum = 1'))
    live = load_target(str(path))
    recorded = json.loads(json.dumps(live.as_json()))
    path.unlink()

    again = Target.from_json(recorded)

    assert again.as_json() == live.as_json()
    assert (again.machines.minimum, again.machines.memory_mb, again.aws.secrets) == (1, 2048, live.aws.secrets)
    assert [again.where(key) for key in declared() if again.has(key)] == [
        live.where(key) for key in declared() if live.has(key)
    ]


@pytest.mark.parametrize(
    "recorded", [{}, {"name": "x"}, {"name": "x", "path": "x", "twin": 0, "values": {}, "origins": {}}]
)
def test_record_without_a_target_is_refused(recorded: dict[str, Json]) -> None:
    with pytest.raises(TargetError, match="holds no target that can be read"):
        Target.from_json(recorded)


# ------------------------------------------------------------------------------------------- judged without jsonschema

ODD = (-1, 0, 1, 101, 10**9, 0.5, 1.0, True, None, "", " ", "a", "A b", "1.2.3", "high", "(", "https://x.example", "\n")


def rules(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema and every schema within it."""
    within = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return [schema, *(rule for part in within for rule in rules(part))]


@pytest.mark.parametrize("value", [*ODD, [], *([one] for one in ODD), ["a", "a"], ["a", 1], {}, {"a": 1}], ids=repr)
def test_nothing_that_jsonschema_refuses_is_surely_allowed(value: Json) -> None:
    validator = Draft202012Validator
    lenient = [
        rule
        for rule in rules(SCHEMA)
        if surely_allows(rule, value) and not validator(rule, format_checker=validator.FORMAT_CHECKER).is_valid(value)
    ]

    assert not lenient


@pytest.mark.parametrize("rule", [{}, {"type": ["string"]}, {"type": "string", "const": "a"}, {"type": "text"}])
def test_rule_that_is_not_understood_is_not_sure(rule: dict[str, Any]) -> None:
    assert not surely_allows(rule, "a")


def test_target_without_a_mistake_needs_no_jsonschema() -> None:
    script = (
        "import sys; from fixtures.target import load_target;"
        "[load_target(name) for name in ('production', 'staging', 'twin')];"
        "sys.exit('jsonschema' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], cwd=TARGETS.parent.parent, check=False).returncode == 0


# -------------------------------------------------------------------------------------- one sentence for a mistake

MISTAKES = {
    'extends = "production"\n[machines]\nmemroy_mb = 1': "[machines] has no key 'memroy_mb'; did you mean 'memory_mb'?",
    "[headers]\nminimum_days = 1": "[headers] has no key 'minimum_days'; it belongs to [certificate]",
    'extends = "production"\n[headers]\nzzz = 1': "[headers] has no key 'zzz'; targets/schema.json lists what there is",
    'extends = "production"\n[machine]\ncpus = 1': "targets have no table 'machine'; did you mean 'machines'?",
    'extends = "production"\nmemory_mb = 1': "targets have no key 'memory_mb'; it belongs to [machines]",
    '[machines]\nmemory_mb = "2048"': "[machines] memory_mb must be a whole number without quotes, not '2048'",
    "[machines]\nmemory_mb = 2048.0": "memory_mb must be a whole number without quotes, not the number 2048.0",
    "[machines]\nmemory_mb = true": "[machines] memory_mb must be a whole number without quotes, not true",
    "[machines]\nmemory_mb = 0": "[machines] memory_mb must be at least 256, not the number 0",
    "[latency]\nlimit_seconds = nan": "[latency] limit_seconds must be a number without quotes, not the number nan",
    "[latency]\nlimit_seconds = inf": "[latency] limit_seconds must be a number without quotes, not the number inf",
    "[latency]\nlimit_seconds = 0": "[latency] limit_seconds must be more than 0, not the number 0",
    "[memory]\nlimit_percent = 101": "[memory] limit_percent must be at most 100, not the number 101",
    '[memory]\nlimit_percent = "85 %"': "[memory] limit_percent must be a number without quotes, not '85 %'",
    "[environment]\nnode_env = 2026-01-01": "[environment] node_env must be a text in quotes, not a date or time",
    '[requests]\ntrust_environment = "no"': "trust_environment must be true or false without quotes, not 'no'",
    '[aws]\nsecrets = "a"': "[aws] secrets must be a list, as in [\"…\"], not 'a'",
    "[aws]\nsecrets = []": "[aws] secrets must not be empty: give a value, or leave the key out",
    '[aws]\nsecrets = ["a", "a"]': "[aws] secrets names something twice: name it once",
    '[aws]\nsecrets = ["a", 1]': "[aws] secrets, entry 2 must be a text in quotes, not the number 1",
    '[audit]\nseverity = "hgih"': "must be one of low, moderate, high, critical, not 'hgih'; did you mean 'high'?",
    "[logs]\npatterns = ['(']": "[logs] patterns, entry 1 is not a regular expression that Python can read: '('",
    '[cli]\nminimum_version = "v1"': "[cli] minimum_version cannot be 'v1': it is the oldest Fly CLI that",
    'url = "https://x.example/"': "url cannot be 'https://x.example/': it is where the edge serves the app",
    'url = "https://user:secret@x.example"': "url cannot be",
    "machines = 5": "machines must be a table, not the number 5",
    "[health_checks.simple]\ninterval = 1": "has no key 'interval'; did you mean 'interval_seconds'?",
    'app = ""': "app cannot be ''",
    '[fly]\norganization = ""': "[fly] organization must not be empty",
    'app = "mine"': 'does not set url: set it, or start from extends = "production"',
    'extends = "prod"': "extends 'prod', which is neither a target (production, staging, twin) nor a file beside it",
    'extends = "no.toml"': "no.toml does not exist: create it, or correct the path",
    'extends = "a\\u0000b.toml"': "is no path: correct it",
    'extends = "production"\nunset = ["machines.max"]': "unset names 'machines.max', which nothing it extends sets",
    'unset = ["app"]': "unset names 'app', which nothing it extends sets",
    'extends = "production"\nunset = ["app"]\napp = "x"': "sets and unsets app: take one of the two out",
    "app = ": "is not valid TOML, correct it there: Invalid value (at end of document)",
    'app = "a"\napp = "b"': "is not valid TOML, correct it there: Cannot overwrite a value",
    f"app = {'9' * 5000}": "is not valid TOML, correct it there",
    f"app = {'[' * 5000}": "is nested too deeply",
}


@pytest.mark.parametrize("text", MISTAKES, ids=range(len(MISTAKES)))
def test_mistake_is_told_in_one_sentence(write: Write, text: str) -> None:
    said = refusal(write(text))

    assert MISTAKES[text] in said
    assert "mine.toml" in said or "no.toml" in said or "b.toml" in said
    assert "\n" not in said
    assert len(said) < 400


def test_mistake_in_a_parent_names_the_parent(write: Write) -> None:
    write("[machines]\ncpus = 0", "parent.toml")

    assert "parent.toml: [machines] cpus must be at least 1" in refusal(write('extends = "parent.toml"'))


def test_name_that_cannot_name_a_folder_is_refused(write: Write) -> None:
    assert "rename it" in refusal(write(MINE, "my target.toml"))


def test_file_that_is_no_document_is_refused(tmp_path: Path) -> None:
    fifo, folder, huge, latin = (tmp_path / f"{name}.toml" for name in ("fifo", "folder", "huge", "latin"))
    os.mkfifo(fifo)
    folder.mkdir()
    huge.write_bytes(b"#" * 1_000_001)
    latin.write_bytes('app = "Caf\xe9"'.encode("latin-1"))

    assert "is not a regular file" in refusal(str(fifo))
    assert "is not a regular file" in refusal(str(folder))
    assert "is not a regular file" in refusal("/dev/zero")
    assert "is larger than 1,000,000 bytes" in refusal(str(huge))
    assert "is not UTF-8 text (byte 10)" in refusal(str(latin))
    assert "does not exist" in refusal(str(tmp_path / "none.toml"))
    assert "cannot be read" in refusal("/" + "a" * 5000)
