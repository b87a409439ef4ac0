"""The list of releases for people: a page for browsers, and a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from reports.pages import render, report_of
from reports.terminal import printable

if TYPE_CHECKING:
    from pathlib import Path

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what makes a spreadsheet run a cell
COLUMNS = (
    *("version", "status", "at", "by", "gate", "gate_run", "gate_started", "postdeploy", "postdeploy_run"),
    *("postdeploy_started", "waivers", "rolled_back_to", "rolled_back_by", "gaps", "notes", "commit", "image"),
    *("image_digest", "told_by"),
)
LETTERS = {"gated": "p", "red": "f", "none": "e", "passed": "p", "failed": "f", "blind": "e"}
WORDS = {"gated": "gated", "red": "red gate", "none": "no gate"}


def table(document: dict[str, Any]) -> str:
    """The list as CSV (RFC 4180), a line for each release, in which no cell is a formula."""
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for release in document["releases"]:
        row = _row(release)
        writer.writerow([harmless(row[column]) for column in COLUMNS])
    return made.getvalue()


def harmless(cell: str | None) -> str:
    """A cell that a spreadsheet shows as it is."""
    text = printable(cell or "")
    return f"'{text}" if (cell or "").startswith(FORMULA) else text


def _row(release: dict[str, Any]) -> dict[str, str | None]:
    gate, postdeploy = release["gate"]["run"] or {}, release["postdeploy"] or {}
    return {name: value for name, value in release.items() if value is None or isinstance(value, str)} | {
        "gate": release["gate"]["state"],
        "gate_run": gate.get("run"),
        "gate_started": gate.get("started"),
        "postdeploy": postdeploy.get("verdict"),
        "postdeploy_run": postdeploy.get("run"),
        "postdeploy_started": postdeploy.get("started"),
        "waivers": "; ".join(map(waiver, release["waivers"])),
        "gaps": "; ".join(release["gaps"]),
        "notes": "; ".join(release["notes"]),
    }


def waiver(told: dict[str, Any]) -> str:
    """A waiver in words."""
    end = "had run out on" if told["expired"] else "until"
    return f"{told['check']}: {told['owner']} owns it, {told['approver']} approved it, {end} {told['until']}"


def page(document: dict[str, Any], reach: str, reports: Path, into: Path) -> str:
    """The list for browsers, to lie in the folder `into`; it links into the runs that are still there."""

    def href(run: dict[str, Any]) -> str | None:
        return None if run["pruned"] else report_of(reports / run["run"], into)

    return render(
        "releases.html",
        document=document,
        reach=reach,
        parts=[
            ("With gaps", [one for one in document["releases"] if one["gaps"]]),
            ("Without gaps", [one for one in document["releases"] if not one["gaps"]]),
        ],
        letters=LETTERS,
        words=WORDS,
        href=href,
        waiver=waiver,
    )
