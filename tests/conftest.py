"""What all tests have in common: ears for Ctrl-C, and the kill table at the end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from kills import KILLED, shown

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

# A shell makes its background jobs deaf to Ctrl-C, and children inherit that: tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print which fault turned which check red."""
    if KILLED:
        terminalreporter.write(shown())
