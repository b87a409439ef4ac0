"""What GitHub Actions shows of a run: annotations at file and line, a job summary, and outputs for the steps after it.

Workflow commands and the two files are GitHub's documented interface to a step. What endpoints said is hostile here,
too: it must neither start a command of its own nor become markup.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.signing import signed_by
from reports.terminal import why_closed

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 10  # GitHub shows ten errors and ten warnings of a step, and drops the others in silence
LONGEST = 300  # characters of a cell; the whole text is in the record
SEVERITIES = ("critical", "high", "medium", "low")
PLACE = re.compile(r"(?<![\w/.])((?:[\w-]+/)*[\w.-]*[A-Za-z][\w.-]*):(\d+)\b")
MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~@-])")


def commands(summary: Mapping[str, Any], source: str | None, workspace: str | None) -> list[str]:
    """The workflow commands of a run: an error for each failed check, a warning for each cause that blinded some.

    `source` is the checkout that was judged, `workspace` the folder that GitHub takes paths from. Most severe first, as
    many as GitHub shows; the last one then says how many there are.
    """
    failed = sorted(
        (row for row in summary["checks"] if row["verdict"] == "failed"),
        key=lambda row: SEVERITIES.index(row["severity"]),
    )
    blinded: dict[str, list[str]] = {}
    for row in summary["checks"]:
        if row["verdict"] in {"error", "not-run"}:
            blinded.setdefault(str(row["reason"]), []).append(row["check"])
    errors = [_command("error", _head(row), _words(row), place(row["observed"], source, workspace)) for row in failed]
    warnings = [_command("warning", _could_not(checks), reason) for reason, checks in blinded.items()]
    return [*_at_most(errors, "error", "checks failed"), *_at_most(warnings, "warning", "reasons not to see")]


def _at_most(commands: list[str], kind: str, what: str) -> list[str]:
    if len(commands) <= SHOWN:
        return commands
    rest = _command(kind, f"{len(commands)} {what}", "The job summary has all of them.")
    return [*commands[: SHOWN - 1], rest]


def _head(row: Mapping[str, Any]) -> str:
    return f"{row['item']} · {row['claim']}"


def _words(row: Mapping[str, Any]) -> str:
    return f"observed: {row['observed']}\nexpected: {row['expected']}\ndo: {row['remedy']}"


def _could_not(checks: list[str]) -> str:
    return "1 check could not look" if len(checks) == 1 else f"{len(checks)} checks could not look"


def place(observed: str | None, source: str | None, workspace: str | None) -> dict[str, str]:
    """The first `file:line` of the checkout in these words, with the file as seen from GitHub's workspace."""
    found = PLACE.search(observed or "")
    if found is None or source is None:
        return {}
    file = Path(source) / found[1]
    if not file.is_file():
        return {}
    return {"file": os.path.relpath(file, workspace or source), "line": found[2]}


def _command(kind: str, title: str, message: str, properties: Mapping[str, str] | None = None) -> str:
    """One workflow command; line ends and separators are escaped as GitHub's toolkit does it."""
    told = {**(properties or {}), "title": title}
    listed = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in told.items())
    return f"::{kind} {listed}::{_escaped(message)}"


def _escaped(text: str, separators: str = "") -> str:
    for character in f"%\r\n{separators}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def job_summary(summary: Mapping[str, Any]) -> str:
    """The run as Markdown: verdict and gate, the facts, what failed, what could not look."""
    counts = " · ".join(f"{number} {verdict}" for verdict, number in summary["counts"].items() if number)
    gate = "gate open" if summary["gate"] else f"gate closed: {why_closed(dict(summary))}"
    targets = ", ".join(f"{target['app']} at {target['url']} ({target['name']})" for target in summary["targets"])
    facts = {
        "target": targets,
        "app commit": summary["app_commit"],
        "runbook commit": summary["runbook_commit"],
        "evidence": summary["run"],
        "signed": signed_by(summary["signing_key"]),
        "started": summary["started"],
    }
    failed = [row for row in summary["checks"] if row["verdict"] == "failed"]
    blind = [row for row in summary["checks"] if row["verdict"] in {"error", "not-run"}]
    parts = [
        f"## Runbook: {summary['verdict']}, {_cell(gate)}",
        counts,
        _table(("fact", ""), [(name, value) for name, value in facts.items() if value]),
    ]
    if failed:
        columns = ("item", "severity", "claim", "observed", "expected", "remedy")
        parts += ["### Failed", _table(columns, [tuple(row[name] for name in columns) for row in failed])]
    if blind:
        told = [(row["item"], row["claim"], row["reason"]) for row in blind]
        parts += ["### Could not look", _table(("item", "claim", "reason"), told)]
    return "\n\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [head, tuple("---" for _ in head)] + [tuple(_cell(value) for value in row) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    """Text as a cell: on one line, of bounded length, without any markup of its own."""
    text = " ".join(str(value).split())
    cut = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return html.escape(MARKDOWN.sub(r"\\\1", cut), quote=False)


def outputs(summary: Mapping[str, Any], folder: Path) -> str:
    """The step's outputs: the run's name and folder, its verdict, and whether it may open a deploy."""
    told = {
        "run": summary["run"],
        "folder": str(folder),
        "verdict": summary["verdict"],
        "gate": str(summary["gate"]).lower(),
    }
    return "".join(f"{name}={value}\n" for name, value in told.items())


def tell(
    summary: Mapping[str, Any], plan: Mapping[str, Any], folder: Path, environment: Mapping[str, str]
) -> list[str]:
    """Write job summary and outputs where GitHub asks for them, and give the annotations to print; nothing elsewhere.

    Raises:
        OSError: one of the files cannot be written.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return []
    for variable, text in (("GITHUB_STEP_SUMMARY", job_summary(summary)), ("GITHUB_OUTPUT", outputs(summary, folder))):
        if environment.get(variable):
            with Path(environment[variable]).open("a", encoding="utf-8") as file:
                file.write(text)
    return commands(summary, plan["source"], environment.get("GITHUB_WORKSPACE"))
