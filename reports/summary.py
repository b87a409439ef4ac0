"""summary.json: the contract for programs, derived from the record alone.

It is written at plan time with every check not-run and exit status 6, and replaced at the end: a run that was killed
has told the truth. The shape is published in `reports/schemas/summary.json`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from reports import deployed
from reports.measures import measures

if TYPE_CHECKING:
    from pathlib import Path

    from reports.record import RecordedRun

SCHEMA = 1
VERDICTS = ("passed", "failed", "error", "not-run", "not-applicable", "waived", "signed-off")
ACCEPTED = frozenset({"passed", "not-applicable", "waived", "signed-off"})

PASSED, FAILED, INTERRUPTED, BROKEN, MISUSE, NOTHING, BLIND = 0, 1, 2, 3, 4, 5, 6
NEVER_JUDGED = "the run ended before this check was judged"
UNSETTLED = "the run waited, and what it saw had not settled when it ended"


def check_rows(run: RecordedRun) -> list[dict[str, Any]]:
    """Every planned check with its verdict, in the order of the runbook. A check without a verdict is not-run."""
    rows = []
    for planned in run.plan["checks"]:
        judged = run.verdicts.get((planned["check"], planned["target"])) or {
            "verdict": "not-run",
            "reason": NEVER_JUDGED,
        }
        rows.append(
            {
                key: planned[key]
                for key in ("check", "item", "target", "phase", "severity", "claim", "expected", "remedy")
            }
            | {
                "verdict": judged["verdict"],
                "observed": judged.get("observed"),
                "reason": judged.get("reason"),
                "observations": judged.get("observations", []),
                "retries": judged.get("retries", 0),
                "seconds": judged.get("seconds"),
            }
        )
    return rows


def phases_of(checks: list[dict[str, Any]]) -> str:
    """What planned checks are together: `predeploy`, `smoke`, `postdeploy+maintenance`, or `nothing`."""
    phases = "+".join(dict.fromkeys(check["phase"] for check in checks)) or "nothing"
    return "smoke" if checks and all(check["smoke"] for check in checks) else phases


def exit_status(verdicts: list[str], ended: int) -> int:
    """The exit status for these verdicts; `ended` is what stopped the run early (2, 3, 5), or 0."""
    if ended in {INTERRUPTED, BROKEN, MISUSE, NOTHING}:
        return ended
    if "failed" in verdicts:
        return FAILED
    if not ACCEPTED.issuperset(verdicts):
        return BLIND
    return NOTHING if all(v == "not-applicable" for v in verdicts) else PASSED


def requests(run: RecordedRun) -> dict[str, int]:
    """How many requests the run sent to each app. Those to a candidate stayed on this machine; a replay sends none."""
    if run.plan["replay_of"] is not None:
        return {}
    apps = {target["name"]: target["values"]["app"] for target in run.plan["targets"]}
    sent: Counter[str] = Counter()
    for observation in run.observations.values():
        if observation["subject"] != "candidate" and observation["requests"]:
            sent[apps[observation["target"]]] += observation["requests"]
    return dict(sorted(sent.items()))


def settled(rounds: list[dict[str, Any]]) -> bool:
    """Whether a run waited for nothing, or its last round was the last of as many green ones in a row as it wanted."""
    return not rounds or bool(rounds[-1]["confirmed"])


def verdict_of(status: int) -> str:
    """The verdict of a run with this exit status: anything but 0 and 1 is blind."""
    return {PASSED: "passed", FAILED: "failed"}.get(status, "blind")


def trouble(summary: dict[str, Any]) -> str | None:
    """Why a run as a whole is not to be relied on, whatever its verdicts; None where nothing speaks against it."""
    if summary["exit_status"] == BROKEN:
        return "the run calls its own evidence broken"
    if summary["finished"] is None:
        return "the run was cut short, or has not ended"
    if not settled(summary["rounds"]):
        return UNSETTLED
    return {
        INTERRUPTED: "the run was interrupted",
        MISUSE: "the run ended as misuse",
        NOTHING: "the run judged nothing",
    }.get(summary["exit_status"])


def summarise(run: RecordedRun, *, broken: bool = False) -> dict[str, Any]:
    """The summary of a record, whole or cut short. `broken` says that the evidence itself cannot be trusted."""
    plan, finish = run.plan, run.finish or {}
    rows = check_rows(run)
    verdicts = [row["verdict"] for row in rows]
    counts = Counter(verdicts)
    status = exit_status(verdicts, finish.get("ended", PASSED))
    if status == PASSED and (run.finish is None or not settled(run.rounds)):
        status = BLIND
    if broken:
        status = BROKEN
    verdict = verdict_of(status)
    gate = (
        verdict == "passed"
        and plan["complete"]
        and plan["dirty"] is False
        and plan["replay_of"] is None
        and not plan["twin"]
    )
    return {
        "schema": SCHEMA,
        "run": plan["run"],
        "verdict": verdict,
        "exit_status": status,
        "gate": gate,
        "complete": plan["complete"],
        "dirty": plan["dirty"],
        "replay_of": plan["replay_of"],
        "started": plan["at"],
        "finished": finish.get("at"),
        "seconds": finish.get("seconds"),
        "selection": plan["selection"],
        "place": plan["place"],
        "signing_key": plan["signing_key"] and plan["signing_key"]["id"],
        "runbook_commit": plan["runbook_commit"],
        "app_commit": plan["app_commit"],
        "release": deployed.release(run),
        "image_digest": deployed.image_digest(run),
        "targets": [
            {"name": target["name"], "app": target["values"]["app"], "url": target["values"]["url"]}
            for target in plan["targets"]
        ],
        "requests": requests(run),
        "rounds": run.round_facts(),
        "measures": measures(run),
        "counts": {name: counts.get(name, 0) for name in VERDICTS},
        "checks": rows,
    }


def write_atomically(path: Path, text: str) -> None:
    """Replace a file in one step, so that a reader sees the old or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except BaseException:  # a full disk, a Ctrl-C: the old file stays, and nothing beside it
        draft.unlink(missing_ok=True)
        raise


def render(summary: dict[str, Any]) -> str:
    """The text of `summary.json`."""
    return json.dumps(summary, indent=2, ensure_ascii=False) + "\n"


def write_summary(run: RecordedRun, folder: Path) -> None:
    """Write `summary.json` into the folder of a run that has just been planned."""
    write_atomically(folder / "summary.json", render(summarise(run)))
