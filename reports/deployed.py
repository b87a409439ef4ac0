"""Which release and which image a run has judged: what every machine runs, as the looks at the fleet saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.record import RecordedRun


def release(run: RecordedRun) -> str | None:
    """`v43`; None where no look tells, or where machines differ."""
    numbers = {machine.get("release") for machine in _machines(run)}
    number = numbers.pop() if len(numbers) == 1 else None
    return f"v{number}" if number else None


def image_digest(run: RecordedRun) -> str | None:
    """`sha256:…`; None where no look tells, or where machines differ."""
    digests = {machine["image"].get("digest") for machine in _machines(run)}
    return digests.pop() if len(digests) == 1 else None


def _machines(run: RecordedRun) -> list[dict[str, Any]]:
    looks = [one for one in run.judged_observations().values() if one["look"] == "fly_machines" and one["value"]]
    return [machine for one in looks for machine in one["value"]["machines"]]
