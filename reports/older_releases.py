"""Releases that the platform tells no more: it lists the newest 25, and runs that looked earlier have seen others."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fixtures.fleet_releases import Release
from reports.record import utc
from reports.release_list import Known

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from reports.known_runs import KnownRun

LISTED = 25  # what flyctl asks for, and no option changes it
LOOK = "fly_releases"
MARK = f'"look":"{LOOK}"'.encode()  # as the record spells it, so that other lines need not be parsed


def older(listed: Sequence[Release], runs: Sequence[KnownRun], target: str) -> list[Known]:
    """Those before the platform's list, as runs know them: their looks at releases, else their summaries.

    Of the runs of one release the newest knows best what became of it.
    """
    oldest = min((one.version for one in listed), default=sys.maxsize)
    found: dict[int, Known] = {}
    newest: dict[int, KnownRun] = {}
    first: dict[int, KnownRun] = {}
    for run in runs:
        if run.release is not None and run.release < oldest + LISTED and not run.on_twin:
            newest.setdefault(run.release, run)
            first[run.release] = run
    for run in newest.values():
        for release in _seen(run.folder, target):
            if release.version < oldest:
                found.setdefault(release.version, Known(release, run.name, release.created))
    for version, run in first.items():
        if version < oldest and version not in found:
            found[version] = Known(Release(version, "", "", None), run.name, run.started)
    return list(found.values())


def _seen(folder: Path, target: str) -> list[Release]:
    """The releases that a run's record tells; none where it cannot be read."""
    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
        with (folder / "record.jsonl").open("rb") as file:
            lines = [json.loads(line) for line in file if MARK in line]
        mine = [one for one in lines if one["kind"] == "observation" and one["target"] == target and one["value"]]
        return [_release(told) for one in mine for told in one["value"]["releases"]]
    return []


def _release(told: dict[str, Any]) -> Release:
    release = Release.of(told)
    words = (release.status, release.image, release.by or "")
    aware = release.created is None or release.created.tzinfo is not None
    if not aware or not isinstance(release.version, int) or not all(isinstance(word, str) for word in words):
        raise TypeError(told)
    return release


def unknown(listed: Sequence[Release], known: Sequence[Known], since: datetime) -> list[str]:
    """Where releases may be missing from the list, in sentences. The platform's own part has none missing."""
    oldest = min(listed, key=lambda one: one.version, default=None)
    if oldest is None:
        return ["the platform lists no release, and runs have seen some: was the app made anew?"] if known else []
    if len(listed) < LISTED or oldest.created is None or oldest.created < since:
        return []
    before = sorted((one for one in known if one.release.version < oldest.version), key=lambda o: o.release.version)
    told = []
    numbers = [*(one.release.version for one in before if one.at and one.at >= since), oldest.version]
    reached = any(one.at and one.at < since for one in before) or numbers[0] == 1
    if not reached:
        first = next((one.at for one in before if one.release.version == numbers[0]), oldest.created)
        told.append(f"releases before v{numbers[0]} of {utc(first)} are not known: the platform lists {LISTED}")
    earlier = [one.release.version for one in before if one.at and one.at < since][-1:]
    for one, two in zip([*earlier, *numbers], [*earlier, *numbers][1:], strict=False):
        if two - one > 1:
            span = f"v{one + 1}" if two - one == 2 else f"v{one + 1} to v{two - 1}"  # noqa: PLR2004 - one between
            told.append(f"{span}: neither the platform nor a run tells")
    return told
