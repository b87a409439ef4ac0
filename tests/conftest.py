"""What all tests have in common: ears for Ctrl-C, names of a bearable length, and the kill table at the end."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from kills import KILLED, TABLE, shown

if TYPE_CHECKING:
    from collections.abc import Generator

    from _pytest.terminal import TerminalReporter

# A shell makes its background jobs deaf to Ctrl-C, and children inherit that: tests of Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)


LONGEST_ID = 60  # characters of a parameter in the name of a test; some are megabytes


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a long parameter by its beginning and its length."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_ID:
        return f"{val[:LONGEST_ID]!a}… of {len(val)}"
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give a report the kills of its test, so that they leave an xdist worker."""
    report = yield
    report.user_properties += [("kill", list(kill)) for kill in KILLED.items()]
    KILLED.clear()
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Gather kills, wherever their test ran."""
    TABLE.update(kill for name, kill in report.user_properties if name == "kill")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print which fault turned which check red."""
    if TABLE:
        terminalreporter.write(shown(TABLE))
