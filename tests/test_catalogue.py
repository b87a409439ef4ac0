"""The catalogue: complete, in order, true to the original, typable; and the sentence for each way to get it wrong."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.catalogue import Catalogue, CatalogueError, render
from fixtures.expectations import declared

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = Catalogue.load()

# In the order of the runbook. Ids are referred to by waivers, reports and people: none may vanish or move.
ORDER = re.findall(
    r"\S+",
    """
ARC-1 ARC-2 ARC-3 ARC-4 ARC-5  PRE-1 PRE-2 PRE-3 PRE-4 PRE-5 PRE-6  BLD-1 BLD-2 BLD-3  SEC-1 SEC-2 SEC-3
CFG-1 CFG-2 CFG-3 CFG-6 CFG-4 CFG-5  HCK-1 HCK-2 HCK-3  ENV-1 ENV-2 ENV-3 ENV-4 ENV-5 ENV-6 ENV-7
HLT-1 HLT-2 HLT-3 HLT-4 HLT-5 HLT-6 HLT-7  MET-1 MET-2 MET-3 MET-4 MET-5 MET-6 MET-9 MET-7 MET-8
JWK-1 JWK-2 JWK-3 JWK-4 JWK-5 JWK-6 JWK-7  HDR-1 HDR-2 HDR-3 HDR-4 HDR-6 HDR-5
OPT-1 OPT-2 OPT-3 OPT-4 OPT-5 OPT-6 OPT-7  IMG-9 IMG-1 IMG-2 IMG-3 IMG-4 IMG-5 IMG-6 IMG-7 IMG-8
NET-1 NET-2 NET-3 NET-5 NET-4  REC-1 REC-7 REC-8 REC-2 REC-3 REC-4 REC-5 REC-6
DEP-1 DEP-2 DEP-3  EMG-1 EMG-2 EMG-3 EMG-4 EMG-5 EMG-6  ALR-1 ALR-2 ALR-3 ALR-4 ALR-5 ALR-6
MNT-1 MNT-2 MNT-3 MNT-4 MNT-5 MNT-6 MNT-7  CON-1 CON-2  CMD-1 DOC-1
""",
)

SECTIONS = {  # of the original document
    *("Overview", "Architecture", "Prerequisites", "Build Verification", "Security Check", "Automated Deployment"),
    *("Manual Deployment", "Machine Configuration", "Health Checks", "Environment Variables", "Health Endpoints"),
    *(
        "Key Metrics to Monitor",
        "Monitoring Script",
        "High Memory Usage",
        "Slow Response Times",
        "Failed Health Checks",
    ),
    *("JWKS Endpoint Issues", "Immediate Rollback", "Scale Up During High Load", "Emergency Shutdown"),
    *("Build Optimizations", "Runtime Optimizations", "Docker Optimizations", "Headers", "Container Security"),
    *("Network Security", "Configuration Backup", "Data Backup", "Recovery Procedures", "Alerting Setup"),
    *("Slack Integration Example", "Scheduled Updates", "Update Procedure", "Contact Information", "Useful Commands"),
}

# flyctl 0.4.87, read from its source: number of arguments, and the long flags used here.
FLY = {
    "auth login": (0, ""),
    "auth whoami": (0, "json"),
    "certs check": (1, "app json"),
    "certs list": (0, "app json"),
    "checks list": (0, "app json"),
    "config show": (0, "app config local"),
    "config validate": (0, "app config strict"),
    "dashboard metrics": (0, "app config"),
    "deploy": (0, "app config dockerfile image image-label strategy no-cache"),
    "ips list": (0, "app json"),
    "logs": (0, "app json no-tail"),
    "machine exec": (2, "app json timeout"),
    "machine list": (0, "app json"),
    "machine restart": (1, "app force"),
    "machine start": (1, "app"),
    "machine status": (1, "app"),  # no --json
    "machine stop": (1, "app signal timeout"),
    "releases": (0, "app json image"),
    "scale count": (1, "app yes region"),
    "scale memory": (1, "app"),  # no --yes
    "scale show": (0, "app json"),
    "scale vm": (1, "app vm-memory"),
    "secrets deploy": (0, "app"),
    "secrets list": (0, "app json"),
    "ssh console": (0, "app command"),
    "status": (0, "app json all"),
    "version": (0, "json"),
    "version upgrade": (0, ""),
    "volumes create": (1, "app region size yes json"),
    "volumes list": (0, "app json all"),
    "volumes snapshots list": (1, "app json"),
}
SWITCHES = {"json", "local", "strict", "no-cache", "no-tail", "force", "yes", "all"}
PLACEHOLDER = re.compile(r"(?<![%'])\{([a-z_0-9.]+)\}")


def told() -> dict[str, str]:
    """Every text in which keys of the target may stand, by place."""
    texts = {
        f"{item.id} {field}": text
        for item in CATALOGUE.items
        for field, text in (("claim", item.claim), ("why", item.why), ("do", item.do), ("see", "\n".join(item.see)))
    }
    return texts | {cure.id: "\n".join((cure.symptom, *cure.steps, *cure.commands)) for cure in CATALOGUE.remedies}


# --------------------------------------------------------------------------------------------------- what is there


def test_every_item_of_the_runbook_is_there_in_its_order() -> None:
    assert [item.id for item in CATALOGUE.items] == ORDER
    assert [remedy.id for remedy in CATALOGUE.remedies] == ["TRB-1", "TRB-2", "TRB-3", "TRB-4"]


def test_chapters_are_not_torn_apart() -> None:
    chapters = [item.chapter for item in CATALOGUE.items]
    starts = [chapter for chapter, before in zip(chapters, [None, *chapters], strict=False) if chapter != before]

    assert len(starts) == len(set(starts))


def test_every_item_leads_back_to_the_original() -> None:
    assert {item.id: item.runbook for item in CATALOGUE.items if item.runbook not in SECTIONS} == {}


def test_every_item_can_be_seen_by_hand() -> None:
    assert [item.id for item in CATALOGUE.items if not item.see] == []


def test_claims_are_told_apart() -> None:
    claims = [item.claim for item in CATALOGUE.items]

    assert len(claims) == len(set(claims))
    assert [claim for claim in claims if claim.endswith(".")] == []


def test_few_items_are_beyond_waiving() -> None:
    never = {item.id: item.severity for item in CATALOGUE.items if item.unwaivable}

    assert never == dict.fromkeys(("BLD-1", "BLD-3", "SEC-3", "HLT-1", "JWK-3"), "critical")


def test_keys_in_braces_are_keys_of_targets() -> None:
    unknown = {
        place: key
        for place, text in told().items()
        for key in PLACEHOLDER.findall(text)
        if key not in declared() or ("." not in key and key not in {"app", "url"})
    }

    assert unknown == {}


def test_numbers_stand_in_the_target_only() -> None:
    copied = re.compile(r"--vm-memory \d|scale (memory|count) \d|--region [a-z]|paintbox")

    assert [place for place, text in told().items() if copied.search(text)] == []


def test_troubleshooting_stands_beside_what_it_cures() -> None:
    assert [remedy.id for remedy in CATALOGUE.remedies_for("HLT-2")] == ["TRB-2", "TRB-3"]
    assert [remedy.id for remedy in CATALOGUE.remedies_for("JWK-5")] == ["TRB-4"]
    assert CATALOGUE.remedies_for("DOC-1") == ()


# ---------------------------------------------------------------------------------------------------- its commands


def wrong_with(command: str) -> str:
    """What flyctl 0.4.87 would say to a command, or nothing."""
    if re.search(r"[|&;]|\$\(", command):
        return "more than one command"
    words = shlex.split(command)[1:]
    names = [" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in FLY]
    if not names:
        return "no such command"
    arguments, flags = FLY[names[0]]
    rest, given = words[len(names[0].split()) :], []
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            given.append(word)
            continue
        flag = word.removeprefix("--")
        if flag not in flags.split():
            return f"unknown flag: {word}"
        if flag not in SWITCHES and not (flag == "image" and names[0] == "releases"):
            rest.pop(0)
    return "" if len(given) == arguments else f"{len(given)} arguments"


def test_every_fly_command_exists_with_its_flags() -> None:
    commands = CATALOGUE.commands()

    assert len(commands) > 100
    assert {f"{where}: {command}": wrong for where, command in commands if (wrong := wrong_with(command))} == {}


def test_commands_that_the_original_gets_wrong_would_be_seen() -> None:
    originals = (
        *("fly logs --since=1h", "fly releases rollback", "fly releases --limit 10"),
        *("fly machine stop --all", "fly machine start --all", "fly machine bogus"),
    )

    assert [command for command in originals if not wrong_with(command)] == []


def test_commands_carry_where_they_stand() -> None:
    commands = dict(CATALOGUE.commands())

    assert commands["CFG-2 do"] == "fly scale memory {machines.memory_mb} --app {app}"
    assert commands["CFG-2 see 2"] == "fly machine list --app {app} --json"
    assert commands["TRB-1 command 3"] == "fly scale memory {procedures.emergency_memory_mb} --app {app}"


# ---------------------------------------------------------------------------------------------------- for people


def test_runbook_prints_whole_within_its_width() -> None:
    text = render(CATALOGUE)
    lines = text.splitlines()

    assert [line for line in lines if len(line) > 100] == []
    assert [found[0] for line in lines if (found := re.match(r"[A-Z]{3}-\d+(?= )", line))] == [
        *ORDER,
        *("TRB-1", "TRB-2", "TRB-3", "TRB-4"),
    ]
    assert "  do       fly scale memory {machines.memory_mb} --app {app}\n" in text
    assert "  cure     TRB-2 Answers are slow\n" in text
    assert "  waiver   never\n" in text


def test_runbook_prints_with_the_values_of_a_target() -> None:
    text = render(CATALOGUE, lambda told: told.replace("{machines.memory_mb}", "2048").replace("{app}", "paintbox"))

    assert "  do       fly scale memory 2048 --app paintbox\n" in text


def test_errata_name_items_that_exist() -> None:
    errata = (ROOT / "runbook" / "ERRATA.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").rpartition("|")[2].strip() for line in errata.splitlines() if line.startswith("| ")]
    cells = [cell for cell in rows if cell != "items"]

    assert len(cells) > 30
    assert [cell for cell in cells if cell != "none" and not re.search(r"[A-Z]{3}-\d", cell)] == []
    known = {*ORDER, *(remedy.id for remedy in CATALOGUE.remedies)}
    assert set(re.findall(r"\b[A-Z]{3}-\d+\b", " ".join(cells))) <= known


# -------------------------------------------------------------------------------------- one sentence for a mistake

SMALL = """
[document]
title = "A runbook"
version = "1.0"
last_updated = 2026-01-01
next_review = 2026-02-01
owner = "Ada"
finished_phases = ["predeploy"]

[[item]]
id = "CFG-2"
chapter = "Machine configuration"
claim = "There is memory"
phases = ["predeploy", "postdeploy"]
severity = "high"
why = "Without it nothing runs."
do = "fly scale memory 2048"
see = ["fly scale show"]
runbook = "Machine Configuration"
controls = ["nist-800-53:CM-6"]

[[remedy]]
id = "TRB-1"
symptom = "Memory is high"
belongs_to = ["CFG-2"]
steps = ["Look."]
commands = ["fly scale show"]
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Catalogue]:
    def load_text(text: str) -> Catalogue:
        path = tmp_path / "catalogue.toml"
        path.write_text(text, encoding="utf-8")
        return Catalogue.load(path)

    return load_text


def test_small_catalogue_is_read_whole(load: Callable[[str], Catalogue]) -> None:
    catalogue = load(SMALL)

    assert catalogue.by_id["CFG-2"].phases == ("predeploy", "postdeploy")
    assert catalogue.by_id["CFG-2"].unwaivable is False
    assert catalogue.document.finished_phases == ("predeploy",)
    assert catalogue.remedies_for("CFG-2")[0].steps == ("Look.",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('claim = "There is memory"\n', ""), "[[item]] 1 has no claim: add it"),
        (("severity =", "severty ="), "[[item]] 1 has an unknown key 'severty'; did you mean 'severity'?"),
        (
            ('"postdeploy"]', '"postdeply"]'),
            "(CFG-2): phases names 'postdeply', which does not exist; did you mean 'postdeploy'?",
        ),
        (
            ('phases = ["predeploy", "postdeploy"]', "phases = []"),
            "(CFG-2) has no phases: name at least one of predeploy,",
        ),
        (('"postdeploy"]', '"smoke"]'), "(CFG-2): smoke is the quick part of postdeploy, name postdeploy, too"),
        (
            ('"high"', '"urgent"'),
            "(CFG-2): severity names 'urgent', which does not exist: there are low, medium, high, critical",
        ),
        (
            ('id = "CFG-2"', 'id = "cfg2"'),
            "[[item]] 1: id 'cfg2' must be three capitals, a dash and a number, as in CFG-2",
        ),
        (('id = "TRB-1"', 'id = "CFG-2"'), "CFG-2 is there twice, give one of the two an id of its own"),
        (('["CFG-2"]', '["CFG-3"]'), "TRB-1 belongs_to names 'CFG-3', which does not exist; did you mean 'CFG-2'?"),
        (('belongs_to = ["CFG-2"]\n', ""), "(TRB-1) belongs to no item: name those that it cures in belongs_to"),
        (
            ("nist-800-53:CM-6", "NIST CM-6"),
            "control 'NIST CM-6' is of no known form: write nist-800-53:CM-2, soc2:CC8.1",
        ),
        (
            ('see = ["fly scale show"]', 'see = "fly scale show"'),
            '[[item]] 1: see must be a list of texts, as in see = ["…"]',
        ),
        (
            ('runbook = "Machine', 'unwaivable = "yes"\nrunbook = "Machine'),
            "unwaivable must be true or false, without quotes",
        ),
        (
            ("last_updated = 2026-01-01", 'last_updated = "$(date)"'),
            "[document]: last_updated must be a date without quotes",
        ),
        (
            ('["predeploy"]', '["predploy"]'),
            "[document]: finished_phases names 'predploy', which does not exist; did you mean",
        ),
        (("[document]", "[documents]"), "has an unknown key 'documents'; did you mean 'document'?"),
        (("[[item]]", "[item]"), "write each item as a table of its own, under [[item]]"),
        (("[[item]]", "[[item"), "is not valid TOML, correct it there: "),
    ],
)
def test_mistake_is_told_in_one_sentence(load: Callable[[str], Catalogue], change: tuple[str, str], says: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        load(SMALL.replace(*change))

    assert says in str(refused.value)
    assert "catalogue.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_catalogue_without_its_document_is_refused(load: Callable[[str], Catalogue]) -> None:
    with pytest.raises(CatalogueError, match=r"has no \[document\] table: add it"):
        load("")
