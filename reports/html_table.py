"""The table of pytest-html (`--html=FILE`), filled from the record. A pytest plugin; without `--html` it does nothing.

pytest-html knows what pytest's reports told it: a check whose worker died, one that never ran and the exit status are
not among that, and ids, names and metadata go into its page as markup. Here it is a printer. It is taken off the live
reports, and at the end every check of the plan is put to it as one report of our making, with cells of ours. It prints
where nobody looks; what it printed is sealed and searched for secrets before it goes where the user says.

What this rests on in pytest-html 4, all of it without an underscore: its report is a plugin, a `BaseReport`, whose
hooks can be called; `pytest_html_report_title` hands out the data of the page; the page ends with its one script.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

from reports import derive
from reports.html_page import (
    COLUMNS,
    STYLE,
    TableError,
    details,
    facts,
    facts_table,
    header_cells,
    plain_page,
    plain_table,
    row_cells,
    sealed,
)
from reports.record import RecordError, read_record
from reports.redaction import Redactor
from reports.summary import BROKEN, summarise, write_atomically

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from fixtures.keeper import Keeper
    from reports.record import RecordedRun
    from reports.redaction import Json

Stage: TypeAlias = Literal["setup", "call", "teardown"]
Outcome: TypeAlias = Literal["passed", "failed", "skipped"]

PATH: pytest.StashKey[Path] = pytest.StashKey()  # where the user wants the table
DATA: pytest.StashKey[Any] = pytest.StashKey()  # pytest-html's ReportData

# Each verdict as stage, outcome and more of a pytest report. Categories of pytest-html are fixed, their labels ours.
REPORTED: dict[str, tuple[Stage, Outcome, dict[str, Any]]] = {
    "passed": ("call", "passed", {}),
    "signed-off": ("call", "passed", {}),
    "failed": ("call", "failed", {}),
    "error": ("setup", "failed", {}),
    "not-run": ("setup", "failed", {}),
    "not-applicable": ("call", "skipped", {}),
    "waived": ("call", "skipped", {"wasxfail": ""}),
}
LABELS = {
    "passed": "passed or signed off",
    "failed": "failed",
    "error": "error or not run",
    "skipped": "not applicable",
    "xfailed": "waived",
}
NOWHERE = ("", None, "")  # a report's place in a file, which the table does not show
# The rest of what pytest-metadata gathers is variables of CI systems, among them URLs with credentials.
SAFE_METADATA = frozenset({"Python", "Platform", "Packages", "Plugins"})


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have pytest-html print one file, with everything in it, to a folder of our own.

    Raises:
        pytest.UsageError: a style sheet is not there.
    """
    given = config.getoption("htmlpath", None)
    if not given or hasattr(config, "workerinput"):
        return
    for sheet in config.getoption("css"):
        if not Path(os.path.expandvars(sheet)).expanduser().is_file():
            raise pytest.UsageError(f"--css={sheet} is no file: name a style sheet, or leave the option out")
    folder = tempfile.TemporaryDirectory(prefix="runbook-html-")
    config.add_cleanup(folder.cleanup)
    config.stash[PATH] = Path(os.path.expandvars(given)).expanduser().absolute()
    config.option.htmlpath = str(Path(folder.name, "table.html"))
    config.option.self_contained_html = True


@pytest.hookimpl(wrapper=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, None, None]:
    """Take an older table away first: a run that dies must not leave last week's. Then take over the printer.

    Raises:
        pytest.UsageError: no table can be written there.
    """
    config = session.config
    path = config.stash.get(PATH, None)
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, plain_page("This run has not ended. Nothing has been judged."))
        except OSError as error:
            raise pytest.UsageError(f"--html={path} cannot be written ({error.strerror}): name another file") from error
    yield
    keeper = config.pluginmanager.get_plugin("runbook-keeper")
    if path is not None and keeper is not None:
        # Registered after the keeper, so around it: when the table is filled, the verdict of the run is settled.
        config.pluginmanager.register(Table(config, keeper), "runbook-html-table")


@pytest.hookimpl(optionalhook=True)
def pytest_html_report_title(report: Any) -> None:  # noqa: ANN401 - pytest-html has no types
    """Remember the data of the page."""
    report.config.stash[DATA] = report


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_header(cells: list[str]) -> None:
    """Our columns. Two of pytest-html's stay, hidden: its script filters by the one and names rows by the other."""
    cells[:] = [*header_cells(), *(cell.replace("<th ", "<th hidden ", 1) for cell in cells[:2])]


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_table_row(report: Any, cells: list[str]) -> None:  # noqa: ANN401 - a report of ours
    """The cells of a check, before those that the script needs."""
    cells[:] = [*row_cells(report.row), *(cell.replace("<td ", "<td hidden ", 1) for cell in cells[:2])]


class Table:
    """Fills the page from the record, and guards what leaves."""

    def __init__(self, config: pytest.Config, keeper: Keeper) -> None:
        from pytest_html.basereport import BaseReport  # noqa: PLC0415 - loaded for those who asked for the table only

        self._keeper = keeper
        self._path = config.stash[PATH]
        self._data = config.stash[DATA]
        self._redactor = Redactor.from_environment(os.environ)
        self._live: dict[str, list[tuple[str, str]]] = {}  # what pytest tells of a check and the record does not
        self._uncollected: list[pytest.CollectReport] = []
        self._planned = False
        self._printer = next(p for p in config.pluginmanager.get_plugins() if isinstance(p, BaseReport))
        config.pluginmanager.unregister(self._printer)

    # While the run goes on

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Show the plan (of a serial run)."""
        self._show_plan()

    @pytest.hookimpl(optionalhook=True, trylast=True)
    def pytest_xdist_node_collection_finished(self) -> None:
        """Show the plan (of a run with workers)."""
        self._show_plan()

    def _show_plan(self) -> None:
        """Write the page that stays if the run dies."""
        if self._keeper.record is not None and not self._planned:
            self._planned = True
            run = read_record(self._keeper.record.path)
            words = f"Run {run.plan['run']} has not ended: exit status 6, the gate is closed. What is planned:"
            write_atomically(self._path, plain_page(words, rows=summarise(run)["checks"]))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep pytest's own words, extras, and what was captured: the last stage has all of that."""
        told = self._live.setdefault(report.nodeid, [])
        if report.longrepr is not None:
            told.append((f"pytest, {report.when}", str(report.longrepr)))
        told += [extra_section(extra, self._redactor) for extra in getattr(report, "extras", ())]
        if report.when == "teardown":
            told += report.sections

    @pytest.hookimpl(trylast=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected."""
        if report.failed:
            self._uncollected.append(report)

    # At the end

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Print the table once the verdict is there; a table that cannot be trusted makes exit status 3."""
        yield
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        broken = self._publish(session)
        if broken:
            session.exitstatus = BROKEN
        if terminal is not None:
            line = f"EVIDENCE BROKEN · {broken}" if broken else f"  table      {os.path.relpath(self._path)}"
            terminal.write_line(line, red=bool(broken), bold=bool(broken))

    def _publish(self, session: pytest.Session) -> str | None:
        """Write the table where it belongs; gives why it is not there, if it is not."""
        run: RecordedRun | None = None
        try:
            run = read_record(self._keeper.record.path) if self._keeper.record else None
            page = self._page(session, run)
            self._examine(page)
            write_atomically(self._path, page)
        except (OSError, RecordError, TableError) as error:
            if run is not None:  # the other reports must not go on to say that all is well
                with suppress(OSError, RecordError, derive.LeakedError):
                    derive.reports(run.path.parent, self._redactor, key=self._keeper.settings.signing_key, broken=True)
            return f"{self._path} is not written: {error}"
        return None

    def _examine(self, page: str) -> None:
        found = self._redactor.scan(page.encode())
        if found:
            raise TableError(f"it would hold a secret ({', '.join(found)}): rotate the secret, report the leak")

    def _page(self, session: pytest.Session, run: RecordedRun | None) -> str:
        if run is None:
            return plain_page(f"Nothing was planned, so nothing was judged. Exit status {int(session.exitstatus)}.")
        summary = summarise(run, broken=self._keeper.broken is not None)
        rows = summary["checks"]
        self._data.title = f"{summary['verdict'].upper()} · {summary['run']}"
        self._data.data["initialSort"] = "original"  # the order of the runbook
        self._data.additional_summary["prefix"] += [STYLE, facts_table(facts(run, summary))]
        self._data.additional_summary["postfix"].append(f"<noscript>\n{plain_table(rows)}\n</noscript>")
        for category, label in LABELS.items():
            self._data.outcomes[category]["label"] = label
        self._data.set_data("environment", self._environment(session.config, run))
        for collected in self._uncollected:
            self._printer.pytest_collectreport(self._failed_collection(collected))
        for number, (check, row) in enumerate(zip(run.plan["checks"], rows, strict=True), start=1):
            self._printer.pytest_runtest_logreport(self._report(f"check-{number}", check, row))
            ended = pytest.TestReport(f"check-{number}", NOWHERE, {}, "passed", None, "teardown", row=row)
            self._printer.pytest_runtest_logreport(ended)
        self._printer.pytest_sessionfinish(session)
        return sealed(Path(session.config.option.htmlpath).read_text(encoding="utf-8"))

    def _environment(self, config: pytest.Config, run: RecordedRun) -> dict[str, Any]:
        """Versions, and what was typed for this table with `--metadata`; the script takes all of it for markup."""
        wanted = SAFE_METADATA | {name for name, _ in config.getoption("metadata")}
        known = {name: value for name, value in self._data.data["environment"].items() if name in wanted}
        redacted = self._redactor.data({"Runbook": run.plan["versions"]} | known)
        return {escape(name): _escaped(value) for name, value in redacted.items()} if isinstance(redacted, dict) else {}

    def _report(self, name: str, check: Mapping[str, Any], row: Mapping[str, Any]) -> pytest.TestReport:
        stage, outcome, more = REPORTED[row["verdict"]]
        told = self._live.get(check["nodeid"], [])
        sections = [(self._redactor.text(title), self._redactor.text(text)) for title, text in told]
        seconds = row["seconds"] or 0.0
        words = details(check, row)
        return pytest.TestReport(name, NOWHERE, {}, outcome, words, stage, sections, seconds, row=row, **more)

    def _failed_collection(self, report: pytest.CollectReport) -> pytest.CollectReport:
        claim = f"{self._redactor.text(report.nodeid)} can be collected"
        row = dict.fromkeys((*COLUMNS, "reason")) | {"verdict": "error", "claim": claim}
        words = self._redactor.text(str(report.longrepr))
        return pytest.CollectReport("collection", "failed", words, None, row=row)


def _escaped(value: Json) -> dict[str, str] | str:
    if isinstance(value, dict):
        return {escape(name): escape(str(member)) for name, member in value.items()}
    return escape(str(value))


def extra_section(extra: Mapping[str, Any], redactor: Redactor) -> tuple[str, str]:
    """An extra that a check attached, as text under its name: nothing of it is markup, nothing of it is a link."""
    content = extra["content"]
    if extra["format_type"] in {"image", "video"}:
        content = "left out: what is not text cannot be searched for secrets"
    elif isinstance(content, bytes):
        content = content.decode("utf-8", "replace")
    elif not isinstance(content, str):
        content = json.dumps(redactor.data(json.loads(json.dumps(content, default=str))), indent=2, ensure_ascii=False)
    return f"extra {extra['name']}", content
