"""Releases beside what is known of each: its gate, the postdeploy run after it, waivers in force, and what is missing.

A gap is whatever an auditor has to ask about: no gate, a red one, none that can be told, a waiver that had run out, or
no green postdeploy run.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fixtures.people import PeopleError, Waiver
from reports import chain
from reports.record import utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures.fleet_releases import Release
    from fixtures.target import Target
    from reports.known_runs import KnownRun

COMMIT = "{commit}"
STATUSES = {  # what it means that a release did not come to a good end
    "failed": "failed: its deploy did not come through",
    "interrupted": "interrupted: its deploy was stopped half way",
    "running": "open: its deploy has not ended",
}


@dataclass(frozen=True)
class Known:
    """One release. `told_by` is the run that knows it, None where the platform told it now.

    Of one that only a summary knows, image and status are empty, and `at` is when that run began.
    """

    release: Release
    told_by: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Judgement:
    """A run beside a release."""

    run: KnownRun
    verdict: str

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "run": self.run.name,
            "verdict": self.verdict,
            "started": utc(self.run.started),
            "pruned": self.run.pruned,
        }


@dataclass(frozen=True)
class Gate:
    """What a release rests on. `state`: gated, red, none. `why` says why it is not gated."""

    state: str
    judgement: Judgement | None = None
    why: str | None = None


@dataclass
class Entry:
    """One release with all that is known of it. `gaps` are sentences; `notes` say what is no gap, but worth knowing."""

    known: Known
    commit: str | None
    digest: str | None
    gate: Gate
    postdeploy: Judgement | None
    waivers: list[dict[str, Any]] = field(default_factory=list)
    rolled_back_to: int | None = None
    rolled_back_by: int | None = None
    notes: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """`v43`."""
        return f"v{self.known.release.version}"

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `reports/schemas/releases.json` says."""
        release, gate = self.known.release, self.gate
        return {
            "version": self.name,
            "status": release.status or None,
            "at": utc(self.known.at) if self.known.at else None,
            "by": release.by,
            "image": release.image or None,
            "image_digest": self.digest,
            "commit": self.commit,
            "told_by": self.known.told_by,
            "gate": {
                "state": gate.state,
                "why": gate.why,
                "run": gate.judgement.as_json() if gate.judgement else None,
            },
            "postdeploy": self.postdeploy.as_json() if self.postdeploy else None,
            "waivers": self.waivers,
            "rolled_back_to": _version(self.rolled_back_to),
            "rolled_back_by": _version(self.rolled_back_by),
            "notes": self.notes,
            "gaps": self.gaps,
        }


def _digest(version: int, runs: Sequence[KnownRun]) -> str | None:
    """The digest of a release's image, as all machines told a run."""
    digests = (run.summary["image_digest"] for run in runs if run.release == version and not run.on_twin)
    return next((digest for digest in digests if digest), None)


def _version(number: int | None) -> str | None:
    return f"v{number}" if number else None


def entries(known: Sequence[Known], runs: Sequence[KnownRun], target: Target) -> list[Entry]:
    """Every release, newest first; `runs` are all of the target, newest first."""
    ordered = sorted(known, key=lambda one: one.release.version)
    back_to, back_by = rollbacks([one.release for one in ordered])
    found = []
    for place, one in enumerate(ordered):
        number, after = one.release.version, next(iter(ordered[place + 1 :]), None)
        commit = commit_of(one.release, target)
        gate = gate_of(one, commit, runs)
        entry = Entry(one, commit, _digest(number, runs), gate, postdeploy_of(one, after, runs))
        entry.rolled_back_to, entry.rolled_back_by = back_to.get(number), back_by.get(number)
        entry.notes = _notes(entry)
        entry.gaps = [*_gate_gaps(gate), *_put_waivers(entry, target), *_postdeploy_gaps(entry, after, runs)]
        found.append(entry)
    return found[::-1]


def commit_of(release: Release, target: Target) -> str | None:
    """The commit that the release's image names, as the target says images are tagged."""
    wanted = str(target.get("image.tag")) if target.has("image.tag") else ""
    if COMMIT not in wanted:
        return None
    pattern = re.escape(wanted).replace(re.escape(COMMIT), "([0-9a-f]{40})", 1)
    found = re.fullmatch(pattern, release.tag)
    return found[1] if found else None


def gate_of(one: Known, commit: str | None, runs: Sequence[KnownRun]) -> Gate:
    """The newest predeploy run of the commit that began before the release; one that could be a gate comes first."""
    if one.at is None or commit is None:
        return Gate("none", why=f"no gate can be told: {_untold(one.release)}")
    mine = [run for run in runs if "predeploy" in run.phases and run.summary["app_commit"] == commit]
    earlier = [run for run in mine if run.started < one.at]
    if not earlier:
        late = f": the first began after it, on {utc(mine[-1].started)}" if mine else ""
        return Gate("none", why=f"no predeploy run judged its commit before it{late}")
    return _opened(next((run for run in earlier if run.sound), earlier[0]), one.at)


def _untold(release: Release) -> str:
    if not release.image:
        return "what its image is called is not known"
    return "its image names no commit" if release.created else "the platform does not say when it was made"


def _opened(run: KnownRun, at: datetime) -> Gate:
    """What a predeploy run means to a release of this moment."""
    judgement = Judgement(run, run.summary["verdict"])
    if run.summary["verdict"] == "failed":
        return Gate("red", judgement, "its gate was red: the predeploy run before it failed")
    if not run.gated:
        return Gate("none", judgement, f"the predeploy run before it opened no gate: {run.why_closed}")
    if run.finished is None or run.finished > at:
        return Gate("none", judgement, "its gate was not open yet: the predeploy run ended after it was made")
    return Gate("gated", judgement)


def _gate_gaps(gate: Gate) -> list[str]:
    return [gate.why] if gate.why else []


def postdeploy_of(one: Known, after: Known | None, runs: Sequence[KnownRun]) -> Judgement | None:
    """The first postdeploy run, whole and brought to its end, that judged this release."""
    whole = (run for run in reversed(runs) if "postdeploy" in run.phases and run.summary["complete"] is True)
    found = (run for run in whole if run.finished and _of_release(run, one, after) and not run.on_twin)
    run = next(found, None)
    return Judgement(run, run.summary["verdict"]) if run else None


def _of_release(run: KnownRun, one: Known, after: Known | None) -> bool:
    """By the number that all machines told, where they told one; else by time, up to the release after it."""
    begun = one.at is not None and run.started >= one.at
    if run.release is not None:
        return run.release == one.release.version and (begun or one.at is None)
    return begun and (after is None or (after.at is not None and run.started < after.at))


def _postdeploy_gaps(entry: Entry, after: Known | None, runs: Sequence[KnownRun]) -> list[str]:
    """Of a release that came through; one that did not serves nobody, and its status is told."""
    if entry.postdeploy is None:
        if entry.known.release.status in STATUSES:
            return []
        smoke = next((r for r in runs if r.phases == {"smoke"} and _of_release(r, entry.known, after)), None)
        less = f"; smoke {smoke.summary['verdict']}, which is a part of it" if smoke else ""
        return [f"no complete postdeploy run judged it{less}"]
    words = {"passed": [], "failed": ["its postdeploy run failed"]}
    return words.get(entry.postdeploy.verdict, ["its postdeploy run could not judge everything"])


def _put_waivers(entry: Entry, target: Target) -> list[str]:
    """Put the waivers that the gate run rested on into the entry; what is wrong with them."""
    if entry.gate.judgement is None or entry.known.at is None:
        return []
    run = entry.gate.judgement.run
    if run.pruned:
        waived = run.summary["counts"]["waived"]
        return [f"its gate run was pruned: who accepted its {waived} waived failures is not known"] if waived else []
    gaps = []
    for row in run.summary["checks"]:
        if row["verdict"] == "waived" and row["target"] == target.name:
            waiver = _waiver(run, row, target.name)
            if waiver is None:
                gaps.append(f"{row['check']} was waived, and the record does not tell by whom")
                continue
            expired = entry.known.at.astimezone(UTC).date() > waiver.until
            entry.waivers.append(waiver.as_json() | {"expired": expired})
            if expired:
                gaps.append(f"the waiver of {waiver.check} by {waiver.owner} had run out on {waiver.until}")
    return gaps


def _waiver(run: KnownRun, row: dict[str, Any], target: str) -> Waiver | None:
    """The waiver that accepted a failure, as the run's plan has it."""
    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError, PeopleError):
        plan = chain.plan_of(run.folder)
        clock = datetime.fromisoformat(plan["clock"])
        for told in plan["people"]["waivers"][target]:
            waiver = Waiver.from_json(told)
            if waiver.accepts(row["check"], row["observed"] or "", clock):
                return waiver
    return None


def rollbacks(releases: Sequence[Release]) -> tuple[dict[int, int], dict[int, int]]:
    """By version: to which release one went back, and by which one was taken back. Oldest first.

    A release goes back when its image is that of an earlier one, and not of the one before it; those that did not come
    through change nothing.
    """
    back_to, back_by = dict[int, int](), dict[int, int]()
    through = [one for one in releases if one.complete and one.image]
    for place, release in enumerate(through):
        older = [one for one in through[:place] if _image(one) == _image(release)]
        if older and older[-1] is not through[place - 1]:
            back_to[release.version] = older[-1].version
            for between in releases:
                if older[-1].version < between.version < release.version:
                    back_by.setdefault(between.version, release.version)
    return back_to, back_by


def _image(release: Release) -> str:
    return release.image.partition("@")[0]


def _notes(entry: Entry) -> list[str]:
    status = entry.known.release.status
    told = STATUSES.get(status) or ("" if entry.known.release.complete else f"of status {status or 'unknown'}")
    run = entry.gate.judgement.run if entry.gate.judgement else None
    notes = [
        told,
        f"rolled back to {_version(entry.rolled_back_to)}" if entry.rolled_back_to else "",
        f"rolled back by {_version(entry.rolled_back_by)}" if entry.rolled_back_by else "",
        f"known from a run: {entry.known.told_by}" if entry.known.told_by else "",
        f"evidence of its gate pruned on {run.pruned[:10]}" if run and run.pruned else "",
    ]
    return [note for note in notes if note]
