"""The table of pytest-html tells what the record tells: every check, the verdict of the run, nobody else's markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from engine import Bench

from reports import html_page, html_table
from reports.html_page import TableError, plain_page, sealed
from reports.redaction import Redactor

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

SECRET = "fo1_kQ9vZp3XcanaryR7tLw2Yd"
SECRETS = {"FLY_API_TOKEN": SECRET, "BUILD_URL": f"https://user:{SECRET}@ci.example/job/1"}
MARKUP = "<img src=x onerror=alert(1)>"

LOOK = """
@look("source", seconds=5)
def greeting(world: World) -> Seen:
    return Seen("echo hello", {"words": ["hello"]}, "one greeting")
"""

GREEN = """
@item("CFG-2", expects="{machines.memory_mb} MB on every machine")
@pytest.mark.predeploy
def test_one(greeting: Observation) -> None:
    '''The greeting is polite.'''
    assert "hello" in str(greeting.value)

@item("CFG-1", expects="{machines.cpus} CPUs")
@pytest.mark.predeploy
def test_two(greeting: Observation) -> None:
    '''The greeting is short.'''
    assert len(str(greeting.value)) < 1000
"""

HOSTILE = f"""
@look("source", seconds=5)
def darkness(world: World) -> Seen:
    raise Unseen("the lamp is out: plug it in {MARKUP}")

@item("CFG-3", expects="light")
@pytest.mark.predeploy
def test_light(darkness: Observation) -> None:
    '''There is light.'''
    assert darkness.read(str)

@item("CFG-4", expects="a soft limit of {{concurrency.soft_limit}}")
@pytest.mark.predeploy
@pytest.mark.parametrize("hostile", ["{MARKUP}"], ids=["{MARKUP}"])
def test_red(greeting: Observation, hostile: str, extras: list[object]) -> None:
    '''The greeting is {MARKUP}.'''
    import logging, pytest_html
    print("printed {MARKUP}", os.environ["FLY_API_TOKEN"])
    logging.getLogger("app").warning("logged %s", os.environ["FLY_API_TOKEN"])
    extras.append(pytest_html.extras.html("{MARKUP} as an extra"))
    extras.append(pytest_html.extras.url("javascript:alert(2)", name="{MARKUP}"))
    extras.append(pytest_html.extras.json({{"password": "hunter2hunter2", "plain": 1}}, name="an answer"))
    extras.append(pytest_html.extras.text("token " + os.environ["FLY_API_TOKEN"]))
    extras.append(pytest_html.extras.png("iVBORw0KGgo="))
    assert greeting.value is None, "it is in {MARKUP}"

@item("CFG-5", expects="{{machines.maximum}} machines at most")
@pytest.mark.predeploy
def test_unset(greeting: Observation) -> None:
    '''Nobody asked for this.'''
    assert greeting.value

@look("source", seconds=5, cost=9)
def late(world: World) -> Seen:
    time.sleep(0.3)
    return Seen("sleep", 1, "late")

@item("CFG-6", expects="patience")
@pytest.mark.predeploy
def test_late(late: Observation) -> None:
    '''It is worth the wait.'''
    assert late.value
"""


class Elements(HTMLParser):
    """The elements of a piece of HTML, with their attributes, and the text of its cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, dict(attrs)))
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        """Keep the text of the last cell."""
        if self.elements and self.elements[-1][0] in {"td", "th"}:
            self.cells[-1] += data.rstrip("\n")

    @property
    def tags(self) -> set[str]:
        """The names of the elements."""
        return {tag for tag, _ in self.elements}


@dataclass(frozen=True)
class Page:
    """The table as a browser would take it."""

    text: str
    run: Finished
    blob: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, run: Finished) -> Page:
        """Read a table as a browser does."""
        text = path.read_text(encoding="utf-8")
        holders = [attrs["data-jsonblob"] for _, attrs in Elements(text).elements if "data-jsonblob" in attrs]
        return cls(text, run, json.loads(holders[0] or "") if holders else {})

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows that the script of the page shows."""
        return [row for rows in self.blob["tests"].values() for row in rows]

    def cells(self, row: dict[str, Any]) -> list[str]:
        """The visible cells of a row."""
        parsed = Elements("".join(row["resultsTableRow"]))
        shown = ["hidden" not in attrs for _, attrs in parsed.elements]
        return [cell for cell, visible in zip(parsed.cells, shown, strict=True) if visible]

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdict by item, as the script of the page shows them."""
        return {cells[1]: cells[0] for cells in map(self.cells, self.rows)}

    @property
    def facts(self) -> dict[str, str]:
        """What the summary says."""
        cells = Elements(self.text.partition('additional-summary prefix">')[2].partition("</table>")[0]).cells
        return dict(zip(cells[::2], cells[1::2], strict=True))

    @property
    def plain_rows(self) -> list[list[str]]:
        """What a reader without JavaScript sees: the cells of each check."""
        cells = Elements(self.text.partition("<noscript>")[2].partition("</noscript>")[0]).cells
        return [cells[i : i + 6] for i in range(6, len(cells), 6)]


def table_of(folder: Path, body: str, *arguments: str, **changes: str | None) -> Page:
    path = folder / "new" / "report.html"
    run = Bench(folder).run(body, "-m", "predeploy", f"--html={path}", *arguments, **changes)
    return Page.of(path, run)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "little.toml").write_text('extends = "production"\nunset = ["machines.maximum"]\n')
    return table_of(
        folder,
        LOOK + GREEN + HOSTILE,
        "--maxfail=2",
        *("--metadata", f"key {MARKUP}", f"value {MARKUP}", "--metadata", "build_token", "hunter2hunter2"),
        **SECRETS,
    )


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Page:
    body = LOOK + GREEN.replace('assert "hello" in str(greeting.value)', "os._exit(0)")
    return table_of(tmp_path_factory.mktemp("crashed"), body, "-n", "2")


def test_every_check_of_the_plan_has_its_row_in_the_order_of_the_runbook(mixed: Page) -> None:
    rows = [[row["verdict"], row["item"], row["claim"]] for row in mixed.run.summary["checks"]]

    assert mixed.run.status == 1, mixed.run.text
    assert [mixed.cells(row)[:3] for row in mixed.rows] == rows
    assert [row[:3] for row in mixed.plain_rows] == rows
    assert mixed.blob["initialSort"] == "original"
    assert mixed.verdicts == {
        "CFG-1": "passed",
        "CFG-2": "passed",
        "CFG-3": "error",
        "CFG-4": "failed",
        "CFG-5": "not-applicable",
        "CFG-6": "not-run",
    }


def test_a_row_says_what_was_observed_and_expected_or_why_nothing_was(mixed: Page) -> None:
    cells = {cells[1]: cells for cells in map(mixed.cells, mixed.rows)}

    assert cells["CFG-2"][2:5] == ["The greeting is polite", "one greeting", "2048 MB on every machine"]
    assert float(cells["CFG-2"][5]) >= 0
    assert cells["CFG-3"][3] == f"the lamp is out: plug it in {MARKUP}"
    assert "machines.maximum" in cells["CFG-5"][3]
    assert cells["CFG-6"][3] == "the run ended before this check was judged"


def test_the_scripts_filters_find_every_row(mixed: Page) -> None:
    results = {mixed.cells(row)[1]: row["result"] for row in mixed.rows}

    assert results == {
        "CFG-1": "Passed",
        "CFG-2": "Passed",
        "CFG-3": "Error",
        "CFG-4": "Failed",
        "CFG-5": "Skipped",
        "CFG-6": "Error",
    }
    assert len({row["testId"] for row in mixed.rows}) == 6
    assert "2 passed or signed off" in mixed.text
    assert "2 error or not run" in mixed.text
    assert "1 not applicable" in mixed.text


def test_the_summary_says_what_the_run_is_worth(mixed: Page) -> None:
    summary, facts = mixed.run.summary, mixed.facts

    assert facts["verdict"] == "failed"
    assert facts["exit status"] == "1: at least one check failed"
    assert facts["gate"] == "closed: the verdict is failed"
    assert facts["checks"] == ("2 passed · 1 failed · 1 error · 1 not-run · 1 not-applicable · 0 waived · 0 signed-off")
    assert facts["target"] == "little: paintbox at https://paintbox.fly.dev"
    assert facts["selection"] == "-m 'predeploy'"
    assert facts["run"] == summary["run"]
    assert facts["runbook commit"] == summary["runbook_commit"] or "unknown"
    assert facts["started"].endswith("Z")
    assert f'<title id="head-title">FAILED · {summary["run"]}</title>' in mixed.text


def test_nothing_that_others_said_is_markup(mixed: Page) -> None:
    cells = "".join(cell for row in mixed.rows for cell in row["resultsTableRow"])
    logs = "".join(row["log"] for row in mixed.rows)
    environment = mixed.blob["environment"]
    values = [
        value for known in environment.values() for value in (known.values() if isinstance(known, dict) else [known])
    ]

    assert MARKUP in "".join(Elements(cells).cells)
    assert Elements(cells).tags == {"td"}
    assert "printed &lt;img" in logs
    assert not Elements(logs).tags
    assert not Elements("".join([*environment, *values])).tags
    assert environment[f"key {MARKUP}".replace("<", "&lt;").replace(">", "&gt;")].startswith("value &lt;img")
    assert sum(tag == "script" for tag, _ in Elements(mixed.text).elements) == 1
    assert not Elements(mixed.text.replace("</template>", "", 0).partition('<div class="summary">')[2]).tags & {
        "img",
        "svg",
    }


def test_extras_are_text_and_nothing_of_them_can_be_clicked(mixed: Page) -> None:
    log = next(row["log"] for row in mixed.rows if row["result"] == "Failed")

    assert all(row["extras"] == [] for row in mixed.rows)
    assert "&lt;img src=x onerror=alert(1)&gt; as an extra" in log
    assert "javascript:alert(2)" in log
    assert "&quot;plain&quot;: 1" in log
    assert "left out: what is not text" in log
    assert "javascript:" not in "".join(str(attrs) for _, attrs in Elements(mixed.text).elements if "href" in attrs)


def test_no_secret_is_in_it(mixed: Page) -> None:
    log = next(row["log"] for row in mixed.rows if row["result"] == "Failed")

    assert log.count("[redacted:") >= 4
    assert SECRET not in mixed.text
    assert "hunter2" not in mixed.text
    assert Redactor.from_environment(SECRETS).scan(mixed.text.encode()) == []
    assert mixed.blob["environment"]["build_token"].startswith("[redacted")


def test_of_the_metadata_safe_facts_stay(mixed: Page) -> None:
    assert set(mixed.blob["environment"]) == {
        *("Runbook", "Python", "Platform", "Packages", "Plugins"),
        *("key &lt;img src=x onerror=alert(1)&gt;", "build_token"),
    }


def test_a_browser_may_run_the_one_script_and_nothing_else(mixed: Page) -> None:
    script = mixed.text[mixed.text.rindex("<script>") + 8 : mixed.text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(
        attrs["content"] or ""
        for tag, attrs in Elements(mixed.text).elements
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )

    assert f"script-src 'sha256-{digest}'" in policy.split("; ")
    assert "default-src 'none'" in policy.split("; ")
    assert mixed.text.index("Content-Security-Policy") < mixed.text.index("<style")
    assert '<html lang="en">' in mixed.text
    assert not re.search(r"<(?:link|script)[^>]+(?:href|src)=", mixed.text)


@pytest.mark.slow
def test_a_worker_that_dies_leaves_the_row_of_its_check(crashed: Page) -> None:
    assert crashed.run.status == 6, crashed.run.text
    assert crashed.verdicts == {"CFG-1": "passed", "CFG-2": "error"}
    assert "the process that judged this check died" in "".join(crashed.cells(crashed.rows[1]))
    assert crashed.facts["exit status"].startswith("6: ")
    assert crashed.facts["verdict"] == "blind"


def test_ctrl_c_is_told_and_so_is_what_never_ran(tmp_path: Path) -> None:
    page = table_of(tmp_path, LOOK + GREEN.replace("assert len(", "raise KeyboardInterrupt; assert len("))

    assert page.run.status == 2, page.run.text
    assert set(page.verdicts) == {"CFG-1", "CFG-2"}
    assert "not-run" in page.verdicts.values()
    assert page.facts["verdict"] == "blind"
    assert page.facts["exit status"] == "2: interrupted"
    assert page.facts["gate"] == "closed: the verdict is blind"


def test_a_process_that_is_gone_leaves_no_older_table(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "report.html").write_text("all green, last week")
    page = table_of(tmp_path, LOOK + GREEN.replace("assert len(", "os._exit(0); assert len("))

    assert "last week" not in page.text
    assert f"Run {page.run.summary['run']} has not ended: exit status 6, the gate is closed." in page.text
    assert page.text.count("not-run") == 2
    assert "<script" not in page.text


def test_a_secret_in_it_keeps_it_back_and_is_exit_status_three(tmp_path: Path) -> None:
    (tmp_path / "own.css").write_text(f"/* {SECRET} */")
    page = table_of(tmp_path, LOOK + GREEN, f"--css={tmp_path / 'own.css'}", FLY_API_TOKEN=SECRET)

    assert page.run.status == 3, page.run.text
    assert page.run.summary["exit_status"] == 3
    assert page.run.summary["gate"] is False
    assert page.run.folder is not None
    assert 'name="exit_status" value="3"' in (page.run.folder / "junit.xml").read_text(encoding="utf-8")
    assert "EVIDENCE BROKEN" in page.run.text
    assert "FLY_API_TOKEN" in page.run.text
    assert SECRET not in page.text + page.run.text
    assert "has not ended" in page.text


def test_a_place_where_nothing_can_be_written_is_misuse(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("in the way")
    stash = pytest.Stash()
    stash[html_table.PATH] = tmp_path / "new" / "report.html"
    session: Any = SimpleNamespace(config=SimpleNamespace(stash=stash))

    with pytest.raises(pytest.UsageError, match=r"report.html cannot be written .*: name another file"):
        next(html_table.pytest_sessionstart(session))


def test_what_cannot_be_collected_has_a_row(tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "test_broken.py").write_text("raise RuntimeError('<b>broken</b>')\n")
    page = table_of(tmp_path, LOOK + GREEN)

    assert page.run.status == 3, page.run.text
    assert set(page.verdicts.values()) == {"error", "not-run"}
    assert any("test_broken.py can be collected" in page.cells(row)[2] for row in page.rows)
    assert "&lt;b&gt;broken" in "".join(row["log"] for row in page.rows)


def test_nobody_who_did_not_ask_pays(pytestconfig: pytest.Config) -> None:
    before = pytestconfig.getoption("htmlpath", None)
    html_table.pytest_configure(pytestconfig)

    assert before is None, "this test stands for a run without --html"
    assert html_table.PATH not in pytestconfig.stash


def test_an_unknown_page_is_not_vouched_for() -> None:
    with pytest.raises(TableError, match="install that one"):
        sealed("<html><head></head><script>alert(1)</script></html>")


def test_a_page_without_a_verdict_runs_nothing_and_escapes() -> None:
    row = dict.fromkeys((*html_page.COLUMNS, "reason"), MARKUP) | {"seconds": None}
    page = Elements(plain_page(MARKUP, rows=[row]))

    assert not page.tags & {"img", "script"}
    assert MARKUP in page.cells
