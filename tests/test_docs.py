"""The documents tell the truth: their commands do what they say, and whatever they name is there."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest
from documents import DOCUMENTS, Block, Reader, blocks, commands, missing, spans, taught
from runs import ROOT, environment

from fixtures.catalogue import Catalogue
from fixtures.expectations import declared
from fixtures.plan import PHASES, QUALIFIERS
from fixtures.twin import fault_table

if TYPE_CHECKING:
    from pathlib import Path

BY_NAME = {document.name: document for document in DOCUMENTS}
FOLLOWED_BY_NEWCOMERS = {"adopting.md", "writing-a-check.md"}  # test_newcomer.py
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PATH = re.compile(r"(?:\.github|benchmarks|docs|fixtures|reports|runbook|tests)/[\w./*-]+")
VARIABLE = re.compile(r"\b(?:RUNBOOK|FLY|FLYCTL)_[A-Z_]+\b")
ITEM = re.compile(r"\b[A-Z]{3}-\d{1,2}\b")
KEY = re.compile(r"\{?(?:\[(?P<table>[a-z_.]+)\] (?P<key>[a-z_]+)|(?P<dotted>[a-z_]+(?:\.[a-z_]+)+))\}?")
FILE = re.compile(r".*\.(?:js|json|md|py|toml)")
MARKED = re.compile(r' -m ("[^"]+"|\w+)')
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
OURS = re.compile(r"(?:(?<!-m )pytest\b|python -m (?:reports|fixtures\.target|fixtures\.twin)(?: [a-z]+)?)")
HELPED = {
    "pytest": ("pytest", "--help"),
    "python -m fixtures.target init": ("fixtures.target", "init", "--help"),
    "python -m fixtures.twin": ("fixtures.twin", "--help"),
}


@cache
def options(program: str) -> frozenset[str]:
    """The options that a program of ours has, by its own help."""
    words = HELPED.get(program, ("reports", program.rpartition(" ")[2], "--help"))
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    return frozenset(OPTION.findall(done.stdout))


def tables(document: Path) -> list[str]:
    """The first cells of all tables that list keys."""
    text = document.read_text(encoding="utf-8")
    return [
        row
        for table in re.findall(r"^\| key \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
        for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
    ]


def typed(document: Path) -> list[tuple[str, str]]:
    """Every command of ours that the document shows, whether it can be run here or not: (program, all of it)."""
    fenced = [block.text for block in blocks(document) if block.language in {"console", "sh"}]
    shown = [*(line for text in fenced for line in text.splitlines()), *spans(document)]
    return [(found[0], text[found.start() :]) for text in shown if (found := OURS.search(text))]


# ----------------------------------------------------------------------------------------------- what they name exists


@pytest.mark.parametrize("name", BY_NAME)
def test_links_and_files_lead_somewhere(name: str) -> None:
    document, dead = BY_NAME[name], []
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        found = (document.parent / path).resolve() if path else document
        if link.startswith("https://"):
            continue
        dead += [] if found.exists() and found.is_relative_to(ROOT) else [link]
        dead += [link] if anchor and anchor not in anchors(found) else []
    named = [span for span in spans(document) if PATH.fullmatch(span) and not span.startswith("reports/runs")]

    assert dead == []
    assert [span for span in named if not list(ROOT.glob(span))] == []


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", BY_NAME)
def test_options_markers_faults_and_items_exist(name: str) -> None:
    document = BY_NAME[name]
    shown, learned = typed(document), taught(document)
    unknown = [text for program, text in shown if not options(program).issuperset(OPTION.findall(text))]
    everything = frozenset().union(*(options(program) for program in known_programs()))
    alone = [span for span in spans(document) if span.startswith("--")]
    unknown += [span for span in alone if not everything.issuperset(OPTION.findall(span))]
    faults = {fault for _, text in shown for fault in re.findall(r"--twin-fault=([a-z][\w-]+)", text)}
    selected = [told for program, text in shown for told in MARKED.findall(text.removeprefix(program))]
    marks = {mark for told in selected for mark in re.findall(r"\w+", told)}
    named = set(ITEM.findall(document.read_text(encoding="utf-8")))

    assert unknown == []
    assert {fault for fault in faults - set(fault_table.NAMES) if f'"{fault}"' not in learned} == set()
    assert marks - {*PHASES, *QUALIFIERS, "and", "or", "not"} == set()
    assert {item for item in named - set(Catalogue.load().by_id) if item not in learned} == set()


def known_programs() -> list[str]:
    """All programs of ours that documents show."""
    return sorted({program for document in DOCUMENTS for program, _ in typed(document)})


@pytest.mark.parametrize("name", BY_NAME)
def test_keys_and_variables_exist(name: str) -> None:
    document = BY_NAME[name]
    known = set(declared()) | {key.rpartition(".")[0] for key in declared()}
    tops = {key.partition(".")[0] for key in known}
    found = [match for span in spans(document) if (match := KEY.fullmatch(span)) and not FILE.fullmatch(span)]
    dotted = [match["dotted"] or f"{match['table']}.{match['key']}" for match in found]
    listed = [cell for row in tables(document) for cell in re.findall(r"`([a-z_.]+)`", row)]
    unknown = {key for key in dotted if key.partition(".")[0] in tops} - known
    sources = "".join(
        path.read_text(encoding="utf-8") for folder in ("fixtures", "reports") for path in (ROOT / folder).rglob("*.py")
    )

    assert {key for key in unknown if key.rpartition(".")[2] not in taught(document)} == set()
    assert set(listed) - known == set()
    assert [name for name in VARIABLE.findall(document.read_text(encoding="utf-8")) if name not in sources] == []


@pytest.mark.parametrize("name", BY_NAME)
def test_targets_of_make_exist_and_quotes_are_to_the_letter(name: str) -> None:
    made = re.findall(r"^([\w./]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    shown = [*spans(BY_NAME[name]), *(line for block in blocks(BY_NAME[name]) for line in block.text.splitlines())]
    asked = [found[1] for text in shown if (found := re.match(r"make ([\w./]+)", text))]
    quotes = [block for block in blocks(BY_NAME[name]) if block.quotes]

    assert set(asked) - set(made) == set()
    assert [quote.where for quote in quotes if quote.text not in (ROOT / str(quote.quotes)).read_text("utf-8")] == []


def test_the_readme_leads_to_every_document() -> None:
    links = LINK.findall(BY_NAME["README.md"].read_text(encoding="utf-8"))

    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} - set(links) == set()


# --------------------------------------------------------------------------------------------- their commands do it


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(BY_NAME) - FOLLOWED_BY_NEWCOMERS))
def test_commands_do_what_the_document_says(tmp_path: Path, name: str) -> None:
    Reader(tmp_path).follow(BY_NAME[name])


# ------------------------------------------------------------------------------------------ and a false one is found


@pytest.mark.parametrize(
    ("expected", "lost"),
    [
        (("one", "three"), None),
        (("three", "one"), "one"),
        (("t… x",), "t… x"),
        (("th…e at 01:02:03Z",), None),
        (("one", "one"), "one"),
    ],
)
def test_output_is_held_against_the_lines_in_their_order(expected: tuple[str, ...], lost: str | None) -> None:
    assert missing(expected, "one\n  two\nthree\nthere at 12:34:56Z\n") == lost


def test_commands_are_found_with_their_lines() -> None:
    block = Block("x", "console", "$ a --b\nout\n…\n$ c\nFAILED · 1\n", None)

    assert [(one.text, one.expected, one.status) for one in commands(block)] == [
        ("a --b", ("out",), 0),
        ("c", ("FAILED · 1",), 1),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("```console\n$ echo no\nyes\n```\n", "no line 'yes'"),
        ("```console\n$ exit 3\n```\n", "ended with 3"),
        ("```diff\n--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-not so\n+so\n```\n", "patch does not apply"),
        ("```python\nimport nothing_of_that_name\n```\n", "ModuleNotFoundError"),
    ],
)
def test_a_document_that_is_wrong_is_told(tmp_path: Path, block: str, words: str) -> None:
    document = tmp_path / "wrong.md"
    document.write_text(block, encoding="utf-8")

    with pytest.raises(AssertionError, match=words) as told:
        Reader(tmp_path).follow(document)
    assert "wrong.md:1" in str(told.value)
