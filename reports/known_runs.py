"""What is known of a target's runs, newest first: from their summaries, and of pruned ones from the ledger."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports import chain, ledger
from reports.terminal import why_closed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fixtures.target import Target


@dataclass(frozen=True)
class KnownRun:
    """One live run. `summary` is its own; or the facts of it that the ledger keeps, and `pruned` is when it went."""

    folder: Path
    phases: frozenset[str]
    summary: Mapping[str, Any]
    started: datetime
    finished: datetime | None
    pruned: str | None = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def gated(self) -> bool:
        """Whether a deploy may rest on it."""
        return self.summary["gate"] is True

    @property
    def sound(self) -> bool:
        """Whether a gate could have come of it: whole phases on clean checkouts, off the twin."""
        fit = self.summary["complete"] is True and self.summary["dirty"] is False
        return fit and (self.gated or self.summary["verdict"] != "passed")

    @property
    def why_closed(self) -> str:
        """Why it opens no gate, in a few words."""
        return why_closed(dict(self.summary))

    @property
    def release(self) -> int | None:
        """The number of the release that every machine ran."""
        told = self.summary["release"]
        return int(told[1:]) if told else None

    @property
    def on_twin(self) -> bool:
        """Whether it judged the twin under the target's name; of a pruned run nothing tells."""
        with suppress(OSError):
            return bool(chain.plan_of(self.folder).get("twin"))
        return False


def known_runs(reports: Path, target: Target) -> list[KnownRun]:
    """All runs that judged this target and its app, newest first. Replays judge nothing new, and are left out.

    What cannot be read proves nothing: it is left out, too.

    Raises:
        OSError: the folder cannot be listed.
    """
    found = []
    for folder in chain.runs(reports):
        if target.name in folder.name or "-targets-" in folder.name:
            with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
                found += _known(folder, json.loads((folder / "summary.json").read_bytes()), target)
    for name, entry in ledger.pruned(reports).items():
        with suppress(ValueError, TypeError, LookupError, AttributeError):
            found += _known(reports / name, entry, target, pruned=str(entry["pruned"]))
    return sorted(found, key=lambda run: (run.started, run.name), reverse=True)


def _known(folder: Path, summary: dict[str, Any], target: Target, pruned: str | None = None) -> list[KnownRun]:
    """The run, if it is live and judged the target."""
    named = chain.RUN.fullmatch(folder.name)
    facts = {name: summary[name] for name in ledger.KEPT} | {"app_commit": summary["app_commit"]}
    if facts["replay_of"] or (target.name, target.app) not in [(one["name"], one["app"]) for one in facts["targets"]]:
        return []
    run = KnownRun(
        folder=folder,
        phases=frozenset(named["what"].rpartition("-")[2].split("+") if named else ()),
        summary=facts if pruned else summary,
        started=_moment(facts["started"]),
        finished=_moment(facts["finished"]) if facts["finished"] else None,
        pruned=pruned,
    )
    _examine(run)
    return [run]


def _examine(run: KnownRun) -> None:
    """Notice here whatever the list of releases could not tell.

    Raises:
        ValueError, TypeError, LookupError: something has not the shape that it has in a summary.
    """
    texts = [run.summary["verdict"], run.summary["image_digest"] or "", run.summary["app_commit"] or ""]
    for row in () if run.pruned else run.summary["checks"]:
        texts += [row["check"], row["target"], row["verdict"], row["observed"] or ""]
    if not all(isinstance(text, str) for text in texts) or not isinstance(run.summary["counts"]["waived"], int):
        raise TypeError(run.name)
    _ = run.release, run.sound


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment
