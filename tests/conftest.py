"""What the tests show of themselves at the end: the kill table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kills import KILLED, shown

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print which fault turned which check red."""
    if KILLED:
        terminalreporter.write(shown())
