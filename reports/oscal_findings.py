"""The findings of oscal.json: one for each item that was judged, one for each control that this is evidence for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.oscal_parts import Names, control_id, one_line, props, prose
from reports.summary import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.record import RecordedRun


def _status(verdicts: Iterable[str]) -> dict[str, str]:
    """Satisfied when all of it passed; a waiver is an accepted failure, and what nobody saw is none of both."""
    found = set(verdicts)
    if found <= ACCEPTED - {"waived"}:
        return {"state": "satisfied", "reason": "pass"}
    return {"state": "not-satisfied", "reason": "fail" if found & {"failed", "waived"} else "other"}


def _judged(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["verdict"] != "not-applicable"]


def of_items(run: RecordedRun, rows: list[dict[str, Any]], names: Names) -> list[dict[str, Any]]:
    """One finding for each item and target that was judged; its controls are properties."""
    served: dict[str, list[str]] = {}
    for control in run.plan["controls"]:
        for item in control["items"]:
            served.setdefault(item, []).append(control["id"])
    by_item: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in _judged(rows):
        by_item.setdefault((row["item"], row["target"]), []).append(row)
    findings = []
    for (item, target), judged in by_item.items():
        finding = _finding(("item", item, target), f"{item} on {target}", judged, names)
        finding["target"] |= {"type": "objective-id", "target-id": item}
        finding["props"] = [prop for one in served.get(item, []) for prop in props(control=one)] or props(item=item)
        risks = [{"risk-uuid": names.of("waiver", t, w["fingerprint"])} for t, w in waivers(run) if t == target]
        if risks and any(row["verdict"] == "waived" for row in judged):
            finding["related-risks"] = risks
        findings.append(finding)
    return findings


def of_controls(run: RecordedRun, rows: list[dict[str, Any]], names: Names) -> list[dict[str, Any]]:
    """One finding for each control that what was judged is evidence for."""
    findings = []
    for control in run.plan["controls"]:
        judged = [row for row in _judged(rows) if row["item"] in control["items"]]
        if judged:
            finding = _finding(("control", control["id"]), f"{control['id']} {control['title']}", judged, names)
            finding["target"] |= {"type": "statement-id", "target-id": f"{control_id(control['id'])}_smt"}
            findings.append(finding)
    return findings


def _finding(parts: tuple[str, ...], title: str, judged: Iterable[Mapping[str, Any]], names: Names) -> dict[str, Any]:
    judged = list(judged)
    told = [f"{row['check']}: {row['verdict']}" for row in judged]
    return {
        "uuid": names.of("finding", *parts),
        "title": one_line(title),
        "description": prose("; ".join(told)),
        "target": {"status": _status(row["verdict"] for row in judged)},
        "related-observations": [
            {"observation-uuid": names.of("check", row["target"], row["check"])} for row in judged
        ],
    }


def waivers(run: RecordedRun) -> list[tuple[str, dict[str, Any]]]:
    """The waivers that the run took in: those of the checks that are waived, by target."""
    waived = {key for key, line in run.verdicts.items() if line["verdict"] == "waived"}
    fingerprints = {line.get("fingerprint") for key, line in run.verdicts.items() if key in waived}
    return [
        (target, waiver)
        for target, found in run.plan["people"]["waivers"].items()
        for waiver in found
        if (waiver["check"], target) in waived and waiver["fingerprint"] in fingerprints
    ]
