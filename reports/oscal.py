"""oscal.json: a run as OSCAL assessment results (NIST, version 1.2.1), for the tools that auditors have.

Checks become observations; items, and the controls that they are evidence for, become findings; waivers become risks
with deadlines, sign-offs attestations, the run and its rounds the assessment log. Every uuid is made from the run's
name and what it stands for, so the same record gives the same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reports import oscal_findings
from reports.oscal_parts import NAMESPACE, Names, control_id, one_line, props, prose
from reports.signing import signed_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reports.record import RecordedRun

VERSION = "1.2.1"


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
        "title": f"Runbook of {one_line(targets)}",
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
    return sorted(one_line(name) for name in owners | signers)


def _resources(summary: Mapping[str, Any], names: Names) -> list[dict[str, Any]]:
    commit = one_line(summary["runbook_commit"] or "an unknown commit")
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
    risks = [_risk(target, waiver, names) for target, waiver in oscal_findings.waivers(run)]
    attestations = [_attestation(target, sign_off, names) for target, sign_off in _sign_offs(run)]
    finished = {"end": summary["finished"]} if summary["finished"] else {}
    lists = {
        "observations": [_observation(run, row, names, last) for row in rows],
        "risks": risks,
        "findings": [*oscal_findings.of_items(run, rows, names), *oscal_findings.of_controls(run, rows, names)],
        "attestations": attestations,
    }
    return {
        "uuid": names.of("result"),
        "title": f"{summary['run']}: {summary['verdict']}",
        "description": _counted(summary),
        "start": summary["started"],
        **finished,
        "props": props(
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


def _observation(run: RecordedRun, row: Mapping[str, Any], names: Names, last: str) -> dict[str, Any]:
    looks = [run.observations[one] for one in row["observations"] if one in run.observations]
    told = row["observed"] or row["reason"] or "never judged"
    evidence = [
        {"href": f"#{names.of('record')}", "description": prose(f"{one['id']}: {one['asked'] or one['look']}")}
        for one in looks
    ]
    return {
        "uuid": names.of("check", row["target"], row["check"]),
        "title": one_line(row["check"]),
        "description": prose(f"{row['claim']}. Observed: {told}. Expected: {row['expected']}."),
        "props": props(
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
        "title": one_line(f"Waived: {waiver['check']} on {target}"),
        "description": prose(waiver["reason"]),
        "statement": prose(
            f"{waiver['owner']} owns this failure, {waiver['approver']} approved it, from {waiver['from']}."
        ),
        "props": props(check=waiver["check"], fingerprint=waiver["fingerprint"], approver=waiver["approver"]),
        "status": "deviation-approved",
        "origins": [{"actors": [{"type": "party", "actor-uuid": names.of("person", one_line(waiver["owner"]))}]}],
        "deadline": f"{waiver['until']}T23:59:59Z",
        "related-observations": [{"observation-uuid": names.of("check", target, waiver["check"])}],
    }


def _attestation(target: str, sign_off: Mapping[str, Any], names: Names) -> dict[str, Any]:
    return {
        "responsible-parties": [
            {"role-id": "signatory", "party-uuids": [names.of("person", one_line(sign_off["who"]))]}
        ],
        "parts": [
            {
                "uuid": names.of("sign-off", target, sign_off["item"], sign_off["when"], sign_off["who"]),
                "name": "sign-off",
                "ns": NAMESPACE,
                "title": one_line(f"{sign_off['item']} on {target}"),
                "props": props(
                    when=sign_off["when"], valid_for_days=sign_off["valid_for_days"], evidence=sign_off["evidence"]
                ),
                "prose": prose(sign_off["what"]),
            }
        ],
    }


def _log_entry(run: RecordedRun, summary: Mapping[str, Any], names: Names) -> dict[str, Any]:
    who = f"{run.plan['who'] or 'somebody'} on {run.plan['host']}"
    finished = {"end": summary["finished"]} if summary["finished"] else {}
    return {
        "uuid": names.of("log"),
        "title": one_line(f"pytest -m {summary['selection']['markers'] or '(everything)'}"),
        "description": prose(f"Run by {who}; {len(run.observations)} observations, {len(run.verdicts)} verdicts."),
        "start": summary["started"],
        **finished,
        "logged-by": [{"party-uuid": names.of("tool"), "role-id": "tool"}],
    }
