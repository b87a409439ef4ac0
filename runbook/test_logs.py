"""Logs: what the app and the platform say of the last minutes, as far back as the buffer goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.logs import Logs
    from fixtures.target import Target

pytestmark = pytest.mark.postdeploy


@item("MET-8", expects="no more than {logs.allowance_lines} lines like {logs.patterns}")
def test_logs_hold_no_trouble(logs: Logs, expected: Target) -> None:
    """The log buffer holds no lines of errors, slow answers or time-outs.

    They are there before users report them. The buffer holds about the newest hundred lines: the span that was really
    seen is part of the evidence, and an empty buffer is none.
    """
    found = logs.trouble

    assert found.count <= expected.logs.allowance_lines, f"{found.told} ({logs.span})"


@item(
    "MET-5",
    expects="no line about an answer of 5xx in the log buffer",
    needs=["logs.server_error_pattern"],
)
def test_no_5xx_in_the_log_buffer(logs: Logs) -> None:
    """No line in the log buffer tells of an answer of 5xx.

    Each one is a user who got an error, also where the edge tried again and hid it. The edge's own count is looked at
    separately; the buffer says which request it was.
    """
    found = logs.server_errors

    assert not found.count, f"{found.told} ({logs.span})"
