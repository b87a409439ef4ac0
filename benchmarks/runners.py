"""The same 25 checks of one app over HTTP by four runners, each with its usual reports: pytest with requests is 1.00.

One of them sends a request for every check, as people write it; ours looks once at each of the nine paths.
"""

from __future__ import annotations

import shutil
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import claims
from benchmarks.timing import ROOT, Case, compare, python, table
from fixtures.twin import Twin
from fixtures.twin.light_app import LightApp

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.twin.http_server import Answer, Request
    from fixtures.twin.records import Machine
    from fixtures.twin.state import State

DELAYS_SECONDS = (0.0, 0.1)
PLUGIN = "check_http"
PLUGIN_FOLDERS = "/usr/lib/nagios/plugins:/usr/lib64/nagios/plugins:/usr/lib/monitoring-plugins"
TARGET = 'extends = "production"\nurl = "{url}"\n[edge]\nplain_url = "{url}"\n'


class SlowApp(LightApp):
    """The light app, every answer of it later by this much, and without a limit of requests."""

    def __init__(self, state: State, seconds: float) -> None:
        super().__init__(state)
        self.seconds = seconds
        state.app.limits_rate = False
        state.edge.redirects = False  # plain HTTP, so that nobody's handling of certificates is timed

    def answer(self, machine: Machine, request: Request) -> Answer | None:
        """What the light app answers, after a while."""
        self.state.stopping.wait(self.seconds)
        return super().answer(machine, request)


def main(folder: Path, rounds: int) -> str:
    """Time them on an app that answers at once, and on one that takes its time."""
    tables = [] if plugin() else [f"{PLUGIN} (Debian's monitoring-plugins) is not here: its row is missing"]
    for delay in DELAYS_SECONDS:
        with Twin(upstream=partial(SlowApp, seconds=delay)) as twin:
            place = folder / f"{delay * 1000:.0f}-ms"
            cases = [*pythons(place, twin.http_url), *monitoring(place, twin.http_url)]
            seconds = compare(cases, rounds)
        tables.append(f"{len(claims.CLAIMS)} checks, {delay * 1000:.0f} ms a response\n{table(seconds, cases[0].name)}")
    return "\n\n".join(tables)


def plugin() -> str | None:
    """The program, where it is installed."""
    return shutil.which(PLUGIN) or shutil.which(PLUGIN, path=PLUGIN_FOLDERS)


def pythons(folder: Path, url: str) -> list[Case]:
    """The runners that are at hand; each finds its suite in a folder of its own."""
    for name, file, text in (
        ("plain", "test_claims.py", claims.plain()),
        # Hypothesis is here for our own tests: at the end its plugin loads all of it, which nobody else's run would.
        ("plain", "pytest.ini", "[pytest]\naddopts = -p no:hypothesispytest\n"),
        ("robot", "claims.robot", claims.robot()),
        ("runbook", "test_claims.py", claims.runbook()),
        ("runbook", "app.toml", TARGET.format(url=url)),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / file).write_text(text, encoding="utf-8")
    report = ("--html=report.html", "--self-contained-html", "--junitxml=junit.xml")
    app, book = {"APP_URL": url}, folder / "runbook"
    ours = (
        *("-m", "pytest", "-p", "conftest", f"--config-file={ROOT / 'pytest.ini'}", f"--rootdir={book}"),
        *("-m", "smoke", f"--target={book / 'app.toml'}", f"--reports={folder / 'runs'}", str(book)),
    )
    return [
        Case("pytest and requests, HTML and JUnit", python("-m", "pytest", "-q", *report), folder / "plain", env=app),
        Case("Robot Framework, log, report and XML", python("-m", "robot", "claims.robot"), folder / "robot", env=app),
        Case("the runbook, with its evidence", python(*ours)),
    ]


def monitoring(folder: Path, url: str) -> list[Case]:
    """The plugin of a monitoring server, where it is installed."""
    program = plugin()
    if program is None:
        return []
    (folder / "monitoring").mkdir(parents=True)
    script = folder / "monitoring" / "claims.sh"
    script.write_text(claims.check_http(program, int(url.rpartition(":")[2])), encoding="utf-8")
    return [Case(f"{PLUGIN}, its lines", ["/bin/sh", str(script)], folder)]
