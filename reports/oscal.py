"""oscal.json: a run as OSCAL assessment results (NIST, version 1.2.1), for the tools that auditors have.

Checks become observations; items, and the controls that they are evidence for, become findings; waivers become risks
with deadlines, sign-offs attestations, the run and its rounds the assessment log. Every uuid is made from the run's
name and what it stands for, so the same record gives the same bytes.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any

from reports.signing import signed_by
from reports.summary import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.record import RecordedRun

VERSION = "1.2.1"
NAMES = uuid.UUID("6f0c9d3e-6b1a-5c55-9d0e-0f6b7e1f2a90")  # ours: uuids below it are stable from run to run
NAMESPACE = "https://paintbox.fly.dev/ns/runbook"  # of the properties that OSCAL has no field for
TOKEN = re.compile(r"[^A-Za-z0-9._-]+")
NIST = "nist-800-53:"
LONGEST = 1_000  # characters of a description; the record has the whole


class Names:
    """Stable uuids within one run."""

    def __init__(self, run: str) -> None:
        self._run = uuid.uuid5(NAMES, run)

    def of(self, kind: str, *parts: str) -> str:
        """The uuid of one thing of the run."""
        return str(uuid.uuid5(self._run, "\n".join((kind, *parts))))


def render(run: RecordedRun, summary: Mapping[str, Any]) -> str:
    """The document as text."""
    return json.dumps({"assessment-results": results(run, summary)}, indent=1, ensure_ascii=False) + "\n"


def results(run: RecordedRun, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The assessment results of a record, whole or cut short."""
    names = Names(summary["run"])
    last = _last_moment(run)
    return {
        "uuid": names.of("document"),
        "metadata": _metadata(run, summary, names, last),
        "import-ap": {"href": f"#{names.of('catalogue')}"},
        "results": [_result(run, summary, names, last)],
        "back-matter": {"resources": _resources(summary, names)},
    }


def _last_moment(run: RecordedRun) -> str:
    lines = [run.plan, *run.observations.values(), *run.verdicts.values(), *([run.finish] if run.finish else [])]
    return str(max(line["at"] for line in lines))


def _metadata(run: RecordedRun, summary: Mapping[str, Any], names: Names, last: str) -> dict[str, Any]:
    targets = ", ".join(f"{target['app']} ({target['name']})" for target in summary["targets"])
    people = [{"uuid": names.of("person", name), "type": "person", "name": name} for name in _people(run)]
    tool = {"uuid": names.of("tool"), "type": "organization", "name": "Paintbox runbook"}
    return {
        "title": f"Runbook of {_line(targets)}",
        "last-modified": last,
        "version": summary["run"],
        "oscal-version": VERSION,
        "roles": [{"id": "signatory", "title": "Signed an item off"}, {"id": "tool", "title": "Ran the checks"}],
        "parties": [tool, *people],
    }


def _people(run: RecordedRun) -> list[str]:
    people = run.plan["people"]
    owners = {waiver["owner"] for found in people["waivers"].values() for waiver in found}
    signers = {sign_off["who"] for found in people["sign_offs"].values() for sign_off in found}
    return sorted(_line(name) for name in owners | signers)


def _resources(summary: Mapping[str, Any], names: Names) -> list[dict[str, Any]]:
    commit = _line(summary["runbook_commit"] or "an unknown commit")
    return [
        {
            "uuid": names.of("catalogue"),
            "title": "The runbook",
            "description": f"runbook/catalogue.toml and runbook/controls.toml at {commit}",
        },
        {
            "uuid": names.of("record"),
            "title": "The record of the run",
            "rlinks": [{"href": "record.jsonl", "media-type": "application/jsonl"}],
        },
    ]


def _result(run: RecordedRun, summary: Mapping[str, Any], names: Names, last: str) -> dict[str, Any]:
    rows = summary["checks"]
    risks = [_risk(target, waiver, names) for target, waiver in _waivers(run)]
    attestations = [_attestation(target, sign_off, names) for target, sign_off in _sign_offs(run)]
    finished = {"end": summary["finished"]} if summary["finished"] else {}
    lists = {
        "observations": [_observation(run, row, names, last) for row in rows],
        "risks": risks,
        "findings": [*_item_findings(run, rows, names), *_control_findings(run, rows, names)],
        "attestations": attestations,
    }
    return {
        "uuid": names.of("result"),
        "title": f"{summary['run']}: {summary['verdict']}",
        "description": _counted(summary),
        "start": summary["started"],
        **finished,
        "props": _props(
            verdict=summary["verdict"],
            exit_status=summary["exit_status"],
            gate=summary["gate"],
            complete=summary["complete"],
            dirty=summary["dirty"],
            replay_of=summary["replay_of"],
            place=summary["place"],
            signed=signed_by(summary["signing_key"]),
            app_commit=summary["app_commit"],
            release=summary["release"],
            image_digest=summary["image_digest"],
        ),
        "reviewed-controls": _reviewed(run, rows),
        "assessment-log": {"entries": [_log_entry(run, summary, names)]},
        **{name: found for name, found in lists.items() if found},
    }


def _counted(summary: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{number} {verdict}" for verdict, number in summary["counts"].items() if number)
    whole = "whole" if summary["finished"] else "cut short: what was not judged is not-run"
    return f"{counts or 'nothing was judged'}; the run is {whole}"


def _props(**values: Any) -> list[dict[str, str]]:  # noqa: ANN401 - plain values of the summary
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
    return [
        {"name": name.replace("_", "-"), "ns": NAMESPACE, "value": _line(value)}
        for name, value in given.items()
        if value is not None and _line(value)
    ]


def _line(value: object) -> str:
    """Text on one line, as OSCAL demands of titles and properties: no white space at its ends."""
    return " ".join(str(value).split())[:LONGEST]


def _prose(value: object) -> str:
    return str(value).strip()[:LONGEST] or "(nothing)"


def _reviewed(run: RecordedRun, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    items = {row["item"] for row in rows}
    selections: dict[str, list[str]] = {}
    for control in run.plan["controls"]:
        if items.intersection(control["items"]):
            selections.setdefault(control["framework"], []).append(control_id(control["id"]))
    listed = [
        {"description": framework, "include-controls": [{"control-id": one} for one in ids]}
        for framework, ids in selections.items()
    ]
    return {"control-selections": listed or [{"description": "What was judged serves no control."}]}


def control_id(control: str) -> str:
    """A control's id as an OSCAL token: NIST's as its own catalogue writes it (`ia-5.7`), others as they are."""
    framework, _, name = control.partition(":")
    if f"{framework}:" == NIST:
        return name.lower().replace("(", ".").replace(")", "")
    return TOKEN.sub("_", name)


def _observation(run: RecordedRun, row: Mapping[str, Any], names: Names, last: str) -> dict[str, Any]:
    looks = [run.observations[one] for one in row["observations"] if one in run.observations]
    told = row["observed"] or row["reason"] or "never judged"
    evidence = [
        {"href": f"#{names.of('record')}", "description": _prose(f"{one['id']}: {one['asked'] or one['look']}")}
        for one in looks
    ]
    return {
        "uuid": names.of("check", row["target"], row["check"]),
        "title": _line(row["check"]),
        "description": _prose(f"{row['claim']}. Observed: {told}. Expected: {row['expected']}."),
        "props": _props(
            item=row["item"],
            target=row["target"],
            phase=row["phase"],
            severity=row["severity"],
            verdict=row["verdict"],
            retries=row["retries"] or None,
            reason=row["reason"],
        ),
        "methods": ["INTERVIEW" if row["verdict"] == "signed-off" else "TEST"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": names.of("tool")}]}],
        "collected": max((one["started"] for one in looks), default=last),
        **({"relevant-evidence": evidence} if evidence else {}),
    }


def _status(verdicts: Iterable[str]) -> dict[str, str]:
    """Satisfied when all of it passed; a waiver is an accepted failure, and what nobody saw is none of both."""
    found = set(verdicts)
    if found <= ACCEPTED - {"waived"}:
        return {"state": "satisfied", "reason": "pass"}
    return {"state": "not-satisfied", "reason": "fail" if found & {"failed", "waived"} else "other"}


def _judged(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["verdict"] != "not-applicable"]


def _item_findings(run: RecordedRun, rows: list[dict[str, Any]], names: Names) -> list[dict[str, Any]]:
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
        finding["props"] = [prop for one in served.get(item, []) for prop in _props(control=one)] or _props(item=item)
        risks = [{"risk-uuid": names.of("waiver", t, w["fingerprint"])} for t, w in _waivers(run) if t == target]
        if risks and any(row["verdict"] == "waived" for row in judged):
            finding["related-risks"] = risks
        findings.append(finding)
    return findings


def _control_findings(run: RecordedRun, rows: list[dict[str, Any]], names: Names) -> list[dict[str, Any]]:
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
        "title": _line(title),
        "description": _prose("; ".join(told)),
        "target": {"status": _status(row["verdict"] for row in judged)},
        "related-observations": [
            {"observation-uuid": names.of("check", row["target"], row["check"])} for row in judged
        ],
    }


def _waivers(run: RecordedRun) -> list[tuple[str, dict[str, Any]]]:
    """The waivers that the run took in: those of the checks that are waived, by target."""
    waived = {key for key, line in run.verdicts.items() if line["verdict"] == "waived"}
    fingerprints = {line.get("fingerprint") for key, line in run.verdicts.items() if key in waived}
    return [
        (target, waiver)
        for target, found in run.plan["people"]["waivers"].items()
        for waiver in found
        if (waiver["check"], target) in waived and waiver["fingerprint"] in fingerprints
    ]


def _sign_offs(run: RecordedRun) -> list[tuple[str, dict[str, Any]]]:
    """The statements that the run rests on, by target."""
    signed = {(key[0].partition("/")[0], key[1]) for key, v in run.verdicts.items() if v["verdict"] == "signed-off"}
    return [
        (target, sign_off)
        for target, found in run.plan["people"]["sign_offs"].items()
        for sign_off in found
        if (sign_off["item"], target) in signed
    ]


def _risk(target: str, waiver: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        "uuid": names.of("waiver", target, waiver["fingerprint"]),
        "title": _line(f"Waived: {waiver['check']} on {target}"),
        "description": _prose(waiver["reason"]),
        "statement": _prose(
            f"{waiver['owner']} owns this failure, {waiver['approver']} approved it, from {waiver['from']}."
        ),
        "props": _props(check=waiver["check"], fingerprint=waiver["fingerprint"], approver=waiver["approver"]),
        "status": "deviation-approved",
        "origins": [{"actors": [{"type": "party", "actor-uuid": names.of("person", _line(waiver["owner"]))}]}],
        "deadline": f"{waiver['until']}T23:59:59Z",
        "related-observations": [{"observation-uuid": names.of("check", target, waiver["check"])}],
    }


def _attestation(target: str, sign_off: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        "responsible-parties": [{"role-id": "signatory", "party-uuids": [names.of("person", _line(sign_off["who"]))]}],
        "parts": [
            {
                "uuid": names.of("sign-off", target, sign_off["item"], sign_off["when"], sign_off["who"]),
                "name": "sign-off",
                "ns": NAMESPACE,
                "title": _line(f"{sign_off['item']} on {target}"),
                "props": _props(
                    when=sign_off["when"], valid_for_days=sign_off["valid_for_days"], evidence=sign_off["evidence"]
                ),
                "prose": _prose(sign_off["what"]),
            }
        ],
    }


def _log_entry(run: RecordedRun, summary: Mapping[str, Any], names: Names) -> dict[str, Any]:
    who = f"{run.plan['who'] or 'somebody'} on {run.plan['host']}"
    finished = {"end": summary["finished"]} if summary["finished"] else {}
    return {
        "uuid": names.of("log"),
        "title": _line(f"pytest -m {summary['selection']['markers'] or '(everything)'}"),
        "description": _prose(f"Run by {who}; {len(run.observations)} observations, {len(run.verdicts)} verdicts."),
        "start": summary["started"],
        **finished,
        "logged-by": [{"party-uuid": names.of("tool"), "role-id": "tool"}],
    }
