"""attestation.json: what a run found, as a statement that others can check without knowing this project.

An in-toto Statement v1 with the predicate test-result v0.1, in a DSSE envelope (`reports.signing`). Its subjects are
the app's commit, its image, and every other file of the run. A reader who knows the predicate alone must never be
misled, so what speaks against a run stands in `result`, and what was not really judged is no subject: an attestation
of a replay, or of a checkout that differs from its commit, names neither commit nor image.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import rfc8785

from reports.summary import phases_of

if TYPE_CHECKING:
    from pathlib import Path

    from reports.record import RecordedRun

NAME = "attestation.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://in-toto.io/attestation/test-result/v0.1"
DETAILS = "paintbox-runbook"
DIGEST = re.compile(r"sha256:([0-9a-f]{64})$")


def result(summary: dict[str, Any]) -> str:
    """PASSED, WARNED or FAILED: what was not wholly judged is FAILED, what people or patience let pass is WARNED."""
    if summary["verdict"] != "passed" or not summary["complete"] or summary["finished"] is None:
        return "FAILED"
    return "WARNED" if any(map(_is_warning, summary["checks"])) else "PASSED"


def _is_warning(row: dict[str, Any]) -> bool:
    return row["verdict"] == "waived" or bool(row["verdict"] == "passed" and row["retries"])


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a run but the attestation itself, by name.

    Raises:
        OSError: a file cannot be read.
    """
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != NAME and path.is_file()
    }


def statement(run: RecordedRun, summary: dict[str, Any], files: dict[str, str]) -> bytes:
    """The statement about a run whose files have these SHA-256 digests, in RFC 8785 form: the same for the same run."""
    return rfc8785.dumps(
        {
            "_type": STATEMENT_TYPE,
            "subject": [*_judged(summary), *({"name": n, "digest": {"sha256": d}} for n, d in files.items())],
            "predicateType": PREDICATE_TYPE,
            "predicate": {
                "result": result(summary),
                "configuration": _configuration(run.plan),
                **({"url": run.plan["ci"]} if run.plan["ci"] else {}),
                **_tests(summary),
                DETAILS: _details(run, summary),
            },
        }
    )


def _judged(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """What the run judged, as subjects: commit and image, where it can speak for them."""
    if summary["dirty"] is not False or summary["replay_of"] is not None:
        return []
    image = DIGEST.search(summary["image_digest"] or "")
    commit = summary["app_commit"]
    return [
        *([{"name": "image", "digest": {"sha256": image[1]}}] if image else []),
        *([{"name": "app", "digest": {"gitCommit": commit}}] if commit else []),
    ]


def _configuration(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What decided how was judged. The first name tells which test this is: `predeploy of production`."""
    files = [{"name": one["name"], "digest": {"sha256": one["sha256"]}} for one in plan["configuration"]]
    test = f"{phases_of(plan['checks'])} of {'+'.join(target['name'] for target in plan['targets'])}"
    return [{**files[0], "name": test, "annotations": {"file": files[0]["name"]}}, *files[1:]] if files else []


def _tests(summary: dict[str, Any]) -> dict[str, list[str]]:
    """The ids of the checks by what became of them; with the target's name where there are several."""
    several = len(summary["targets"]) > 1
    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for row in summary["checks"]:
        name = f"{row['check']} of {row['target']}" if several else row["check"]
        if _is_warning(row):
            tests["warnedTests"].append(name)
        elif row["verdict"] in {"passed", "signed-off"}:
            tests["passedTests"].append(name)
        elif row["verdict"] != "not-applicable":
            tests["failedTests"].append(name)
    return tests


def _details(run: RecordedRun, summary: dict[str, Any]) -> dict[str, Any]:
    told = ("run", "verdict", "gate", "exit_status", "complete", "dirty", "replay_of", "place", "started", "finished")
    return {key: summary[key] for key in (*told, "runbook_commit", "app_commit", "counts")} | {
        "targets": [target["name"] for target in summary["targets"]],
        "twin": run.plan["twin"],
        "closing_hash": run.closing_hash,
        "previous_runs": run.plan["previous_runs"],
        "signing_key": run.plan["signing_key"],
    }
