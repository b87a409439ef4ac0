"""The summary names release and image only where every machine runs the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports import deployed
from reports.record import RecordedRun

DIGEST = f"sha256:{'a' * 64}"


def recorded(*machines: tuple[str | None, str | None], later: str = "") -> RecordedRun:
    value = {"machines": [{"release": release, "image": {"digest": digest}} for release, digest in machines]}
    look: dict[str, Any] = {"look": "fly_machines", "value": value}
    return RecordedRun(Path(), {}, observations={f"twin/postdeploy/fly_machines{later}": look})


@pytest.mark.parametrize(
    ("run", "release", "digest"),
    [
        (recorded(("43", DIGEST), ("43", DIGEST)), "v43", DIGEST),
        (recorded(("43", DIGEST), ("42", DIGEST)), None, DIGEST),
        (recorded(("43", DIGEST), ("43", None)), "v43", None),
        (recorded((None, None)), None, None),
        (recorded(), None, None),
        (RecordedRun(Path(), {}), None, None),
        (RecordedRun(Path(), {}, observations={"x": {"look": "fly_machines", "value": None}}), None, None),
    ],
)
def test_what_every_machine_runs_is_what_was_judged(run: RecordedRun, release: str | None, digest: str | None) -> None:
    assert (deployed.release(run), deployed.image_digest(run)) == (release, digest)


def test_of_a_run_that_waited_the_last_round_counts() -> None:
    run = recorded(("43", DIGEST), later="@2")
    run.observations = recorded(("42", DIGEST)).observations | run.observations
    run.rounds = [{"number": 1}, {"number": 2}]

    assert deployed.release(run) == "v43"
