"""The parts of the page that pytest-html prints for us: cells, facts and details, all escaped. Pure functions."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from reports.signing import signed_by
from reports.summary import VERDICTS
from reports.terminal import why_closed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.record import RecordedRun

COLUMNS = ("verdict", "item", "claim", "observed", "expected", "seconds")
SORTABLE = frozenset({"verdict", "item", "seconds"})
MEANING = {
    0: "every check passed or is accepted",
    1: "at least one check failed",
    2: "interrupted",
    3: "the evidence is broken",
    4: "misuse",
    5: "nothing was selected",
    6: "something could not be looked at, or was never judged",
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STYLE = """<style>
.run-count { display: none }
body, #results-table { color: #222 }
#results-table td { vertical-align: top }
.col-item { white-space: nowrap }
.col-observed, .col-expected { white-space: pre-wrap }
body { display: flex; flex-direction: column; align-items: start }
.summary { width: 100% }
#environment-header, #environment { order: 1 } /* below what people came for */
td.col-seconds { text-align: right }
table.plain td, table.plain th { border: 1px solid #e6e6e6; padding: 5px; text-align: left; vertical-align: top }
@media print { .logwrapper { max-height: none; overflow: visible } }
</style>"""


class TableError(Exception):
    """The page cannot be vouched for: one sentence that says why and the way out."""


def header_cells() -> list[str]:
    """The headers of our columns."""
    sortable = dict.fromkeys(SORTABLE, ' class="sortable"')
    return [f'<th{sortable.get(name, "")} data-column-type="{name}">{name}</th>' for name in COLUMNS]


def row_cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of one check. What was not observed has its reason there.

    pytest-html's script takes a cell's column from its first class that starts with `col-`, colours `col-result`, and
    sorts by text: numbers are padded.
    """
    seconds = "" if row["seconds"] is None else f"{row['seconds']:.3f}"
    shown = {**row, "observed": row["observed"] or row["reason"], "seconds": f"{seconds:>9}"}
    classes = {name: f"col-{name}" for name in COLUMNS} | {"verdict": "col-verdict col-result"}
    return [f'<td class="{classes[name]}">{escape(str(shown[name] or ""))}</td>' for name in COLUMNS]


def plain_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """The checks without any script: for a reader who runs none, and for a run that has not ended."""
    body = "\n".join(f"<tr>{''.join(row_cells(row))}</tr>" for row in rows)
    return f'<table class="plain">\n<tr>{"".join(header_cells())}</tr>\n{body}\n</table>'


def plain_page(*sentences: str, rows: Iterable[Mapping[str, Any]] = ()) -> str:
    """A whole page without any script, for what pytest-html cannot tell: no verdict, and why."""
    words = "".join(f"<p>{escape(sentence)}</p>\n" for sentence in sentences)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"/>\n<title>Runbook: no verdict</title>\n'
        f"{STYLE}\n</head>\n<body>\n<h1>No verdict</h1>\n{words}{plain_table(rows)}\n</body>\n</html>\n"
    )


def facts(run: RecordedRun, summary: Mapping[str, Any]) -> dict[str, str]:
    """What people ask first about a run, in words."""
    plan, status = run.plan, summary["exit_status"]
    selection = summary["selection"]
    chosen = [
        f"{flag} {value!r}" for flag, value in (("-m", selection["markers"]), ("-k", selection["keywords"])) if value
    ]
    known = {
        "verdict": summary["verdict"],
        "exit status": f"{status}: {MEANING[status]}",
        "gate": "open" if summary["gate"] else f"closed: {why_closed(dict(summary))}",
        "checks": " · ".join(f"{summary['counts'][verdict]} {verdict}" for verdict in VERDICTS),
        "target": ", ".join(f"{target['name']}: {target['app']} at {target['url']}" for target in summary["targets"]),
        "selection": " ".join(chosen) or "everything",
        "whole phase": "yes" if summary["complete"] else "no, a part of it was left out",
        "run": summary["run"],
        "signed": signed_by(summary["signing_key"]),
        "replay of": summary["replay_of"],
        "runbook commit": summary["runbook_commit"] or "unknown",
        "app commit": summary["app_commit"] or "unknown",
        "uncommitted changes": {True: "yes", False: "no", None: "unknown"}[summary["dirty"]],
        "started": summary["started"],
        "finished": summary["finished"] or "never",
        "seconds": summary["seconds"],
        "place": summary["place"],
        "host": plan["host"],
        "who": plan["who"],
        "CI": plan["ci"],
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def facts_table(known: Mapping[str, str]) -> str:
    """Facts as HTML."""
    rows = "\n".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in known.items())
    return f'<table class="plain">\n{rows}\n</table>'


def details(check: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """What is known about a check beyond its cells, as text, a fact a line."""
    known = [
        ("check", row["check"]),
        ("of", f"target {row['target']}, phase {row['phase']}, severity {row['severity']}"),
        ("reason", row["reason"]),
        ("set in", check["where"]),
        ("why", check["why"]),
        ("do", row["remedy"]),
        *(("see", command) for command in check["see"]),
        ("runbook", check["runbook"]),
        *(("look", name) for name in row["observations"]),
        ("retries", row["retries"]),
    ]
    return "\n".join(f"{name:<8} {value}" for name, value in known if value)


def sealed(page: str) -> str:
    """The page with a policy that lets a browser run pytest-html's own script and nothing else.

    Raises:
        TableError: it does not end with that script.
    """
    start = page.rfind("<script>") + len("<script>")
    script = page[start : page.find("</script>", start)]
    known = files("pytest_html").joinpath("resources/app.js").read_text(encoding="utf-8")
    if script.strip() != known.strip() or "<head>" not in page:
        raise TableError("this pytest-html writes another page than the locked version does: install that one")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{POLICY}; img-src data:; script-src 'sha256-{digest}'"
    head = f'<head>\n    <meta http-equiv="Content-Security-Policy" content="{policy}"/>'
    # The button under this handler is for pages that are written while tests still run, and the policy forbids it.
    page = page.replace(' onclick="location.reload()"', "", 1)
    return page.replace("<head>", head, 1).replace("<html>", '<html lang="en">', 1)
