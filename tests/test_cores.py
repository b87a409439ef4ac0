"""Heavy looks queue for the machine's cores, and no longer than the run lasts."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fixtures.looks import LOOKS, Look, Seen
from fixtures.pool import Key, Pool
from fixtures.share import Share
from reports.redaction import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

JOIN_SECONDS = 30.0


def test_a_look_that_finds_no_core_ends_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = Look("heavy", "build", 60.0, 1, 1, lambda _world: Seen("", None, ""), (), by_subject=False, last=False)
    monkeypatch.setitem(LOOKS, "heavy", heavy)
    redactor = Redactor.from_environment({})
    share, key = Share(tmp_path, redactor), Key("heavy", "little", "predeploy")
    pool = Pool(share, redactor, shared=False, kept=lambda _observation: None, progress=lambda _text: None)
    before = set(threading.enumerate())

    with ExitStack() as others:
        for core in share.cores(64):
            others.enter_context(core.acquire(blocking=False))
        pool.start([key], run_deadline_seconds=0.1)
        for thread in set(threading.enumerate()) - before:
            thread.join(JOIN_SECONDS)

    assert set(threading.enumerate()) <= before
    assert pool.observation(key).error == "the run reached its deadline before heavy came back"
