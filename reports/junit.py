"""junit.xml, for CI: one test case a planned check, with its item as properties and honest counts.

JUnit knows four outcomes. What could not be judged (error, not-run) is an `error`; only not-applicable is `skipped`,
since a skip reads as nothing to worry about. Where a run is not to be relied on although no check says so, since it
has not settled or was stopped, one more case says that: who only counts failures and errors must not take it for green.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from reports.summary import trouble

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # characters XML 1.0 cannot carry


def plain(text: object) -> str:
    """Text that XML can carry."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))


def render(summary: dict[str, Any], plan: dict[str, Any]) -> str:
    """The JUnit document of a run."""
    counts = summary["counts"]
    amiss = counts["failed"] + counts["error"] + counts["not-run"]
    unsaid = None if amiss or summary["verdict"] == "passed" else trouble(summary)
    suite = ET.Element(
        "testsuite",
        name=plain("runbook." + "+".join(sorted({check["phase"] for check in plan["checks"]}))),
        tests=str(sum(counts.values()) + bool(unsaid)),
        failures=str(counts["failed"]),
        errors=str(counts["error"] + counts["not-run"] + bool(unsaid)),
        skipped=str(counts["not-applicable"]),
        time=f"{summary['seconds'] or 0:.3f}",
        timestamp=summary["started"][:19],
        hostname=plain(plan["host"]),
    )
    properties = ET.SubElement(suite, "properties")
    for name in ("run", "verdict", "exit_status", "gate", "complete", "runbook_commit", "app_commit", "signing_key"):
        ET.SubElement(properties, "property", name=name, value=plain(summary[name]))
    for row in summary["checks"]:
        suite.append(_case(row))
    if unsaid:
        whole = ET.SubElement(suite, "testcase", classname="runbook.run", name="the run as a whole", time="0.000000")
        ET.SubElement(ET.SubElement(whole, "properties"), "property", name="verdict", value=summary["verdict"])
        ET.SubElement(whole, "error", message=unsaid, type=summary["verdict"])
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(row: dict[str, Any]) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=plain(f"{row['target']}.{row['phase']}.{row['item']}"),
        name=plain(row["check"]),
        time=f"{row['seconds'] or 0:.6f}",
    )
    properties = ET.SubElement(case, "properties")
    for name in ("item", "target", "phase", "severity", "verdict", "claim", "expected", "observed"):
        ET.SubElement(properties, "property", name=name, value=plain("" if row[name] is None else row[name]))
    reason = plain(row["reason"] or "")
    details = plain(f"observed: {row['observed']}\nexpected: {row['expected']}\ndo: {row['remedy']}")
    if row["verdict"] == "failed":
        ET.SubElement(case, "failure", message=reason, type="failed").text = details
    elif row["verdict"] in {"error", "not-run"}:
        ET.SubElement(case, "error", message=reason, type=row["verdict"]).text = details
    elif row["verdict"] == "not-applicable":
        ET.SubElement(case, "skipped", message=reason)
    return case
