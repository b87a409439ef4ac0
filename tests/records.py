"""Records written out by hand: any text in any place, without a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reports.record import RecordedRun

AT = "2026-11-24T10:39:06.000Z"
ENDED = "2026-11-24T10:39:08.500Z"


@dataclass
class Draft:
    """A record in the making. `say` is put to every text that a reader of a report could be shown."""

    prefix: str = ""
    plan: dict[str, Any] = field(default_factory=dict)
    observations: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Plan a run of nothing."""
        say = self.say
        self.plan = {
            "at": AT,
            "run": say("20261124T103906Z-little-predeploy"),
            "clock": AT,
            "runbook_commit": say("b" * 40),
            "app_commit": say("a" * 40),
            "dirty": False,
            "source": say("/srv/paintbox"),
            "replay_of": None,
            "who": say("ada"),
            "host": say("runner-7"),
            "ci": say("https://ci.example.invalid/jobs/1"),
            "versions": {say("python"): say("3.11.7")},
            "targets": [target(say("little"), say("paintbox"), say("https://paintbox.example.invalid"))],
            "selection": {"markers": say("predeploy"), "keywords": say("CFG")},
            "place": say("Frankfurt"),
            "twin": False,
            "twin_faults": [],
            "people": {"waivers": {}, "sign_offs": {}},
            "complete": True,
            "checks": [],
            "controls": [],
            "signing_key": None,
            "runbook": {"title": say("The runbook"), "version": say("2.0"), "items": [], "errata": []},
        }

    def say(self, text: str) -> str:
        """The text as this record tells it."""
        return self.prefix + text

    @property
    def target(self) -> str:
        """The name of the first target."""
        return str(self.plan["targets"][0]["name"])

    def check(self, item: str, verdict: str | None = None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Plan a check of an item of its own, on every observation so far; judge it, if there is a verdict."""
        say, number = self.say, len(self.plan["checks"])
        planned = {
            "check": say(f"{item}/test_{number}"),
            "item": say(item),
            "target": self.target,
            "phase": "predeploy",
            "smoke": False,
            "severity": "high",
            "claim": say(f"claim {number}"),
            "why": say(f"why {number}"),
            "expected": say(f"expected {number}"),
            "where": say(f"where {number}"),
            "remedy": say(f"remedy {number}"),
            "see": [say(f"see {number}")],
            "runbook": say(f"section {number}"),
            "observations": [line["id"] for line in self.observations],
            "missing_key": None,
            "nodeid": say(f"test_{number}"),
            "order": number,
        }
        planned |= {name: value for name, value in changes.items() if name in planned}
        self.plan["checks"].append(planned)
        if planned["item"] not in [told["id"] for told in self.plan["runbook"]["items"]]:
            self.item(item)
        if verdict is not None:
            looked = verdict in {"passed", "failed", "waived", "signed-off"}
            line = {
                "at": AT,
                "check": planned["check"],
                "target": planned["target"],
                "verdict": verdict,
                "observed": say(f"observed {number}") if looked else None,
                "reason": None if verdict == "passed" else say(f"reason {number}"),
                "root": None,
                "observations": planned["observations"],
                "retries": 0,
                "seconds": 0.001,
                "seen_by": None,
            }
            if verdict in {"failed", "waived"}:
                line["fingerprint"] = "0123456789abcdef"
            self.verdicts.append(line | {name: value for name, value in changes.items() if name in line})
        return planned

    def item(self, item: str, chapter: str = "Chapter") -> None:
        """Have an item in the runbook."""
        say = self.say
        told = {"id": say(item), "chapter": say(chapter), "claim": say(f"{item} holds"), "phases": [say("predeploy")]}
        self.plan["runbook"]["items"].append(told)

    def look(self, name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Have a look at something."""
        say = self.say
        line = {
            "at": AT,
            "id": say(f"little/predeploy/{name}"),
            "look": say(name),
            "surface": say("source"),
            "target": self.target,
            "subject": None,
            "asked": say(f"cat {name}"),
            "started": AT,
            "seconds": 0.25,
            "tries": 1,
            "value": {say("key"): say("value")},
            "summary": say(f"summary of {name}"),
            "error": None,
            "root": None,
            "requests": 0,
        } | changes
        self.observations.append(line)
        return line

    def done(self, *, finished: bool = True) -> RecordedRun:
        """The record as read back."""
        return RecordedRun(
            Path("record.jsonl"),
            plan=self.plan,
            observations={line["id"]: line for line in self.observations},
            verdicts={(line["check"], line["target"]): line for line in self.verdicts},
            finish={"at": ENDED, "ended": 0, "seconds": 2.5} if finished else None,
        )


def target(name: str, app: str, url: str) -> dict[str, Any]:
    """A target as a plan tells it."""
    return {"name": name, "path": "little.toml", "twin": False, "values": {"app": app, "url": url}, "origins": {}}


def full(prefix: str = "") -> Draft:
    """A record with every verdict and everything that a report may tell, each text after the prefix."""
    draft = Draft(prefix)
    say = draft.say
    draft.plan |= {"twin": True, "twin_faults": [say("vm-memory-too-small")], "replay_of": say("an older run")}
    draft.plan["targets"].append(target(say("other"), say("easel"), say("https://easel.example.invalid")))
    waiver = {
        "check": say("CFG-4/test_3"),
        "from": say("2026-11-01"),
        "until": say("2026-12-01"),
        "fingerprint": say("0f"),
    }
    people = {name: say(name) for name in ("reason", "owner", "approver")}
    sign_off = {name: say(name) for name in ("item", "who", "what", "when", "evidence")} | {"valid_for_days": 31}
    draft.plan["people"] = {"waivers": {draft.target: [waiver | people]}, "sign_offs": {draft.target: [sign_off]}}
    draft.look("file", tries=3)
    draft.check("CFG-1", "passed", retries=2)
    draft.check("CFG-2", "failed")
    lost = draft.look("darkness", error=say("the lamp is out"), value=None, summary="")
    draft.check("CFG-3", "error", root=lost["id"])
    draft.check("CFG-4", "waived")
    draft.check("CFG-5", "not-applicable", missing_key=say("machines.maximum"))
    draft.check("MNT-7", "signed-off")
    draft.look("latency", value=[{"path": say("/"), "cold_seconds": 0.9, "seconds": [0.1, 0.2, 0.3]}])
    facts: dict[str, Any] = {name: say(name) for name in ("id", "state", "region", "release")}
    facts["image"] = {"digest": say("sha256:0f")}
    results = [{"name": say("servicecheck"), "status": say("passing"), "output": say("ok")}]
    draft.look("machines", look="fly_machines", value={"machines": [facts | {"cordoned": True, "results": results}]})
    draft.check("CFG-6", observations=[say("little/predeploy/never")])
    draft.item("EMG-1", chapter="Emergencies")
    erratum = {name: say(f"{name} `code` {name}") for name in ("said", "happens", "here")}
    served = {"judged": [say("CFG-1"), say("CFG-2")], "elsewhere": [say("EMG-1")], "uncovered": []}
    draft.plan["controls"] = [
        {"id": f"{say('soc2')}:{say(name)}", "framework": say("SOC 2"), "title": say(f"title {name}"), "items": items}
        for name, items in served.items()
    ]
    draft.plan["runbook"]["errata"].append(erratum | {"items": [say("CFG-2")]})
    return draft
