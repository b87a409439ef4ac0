"""The report for people: everything that the record knows, nothing that could act, the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from engine import Bench
from records import Draft, full, target
from runs import ROOT, environment

from fixtures.catalogue import Catalogue, CatalogueError
from fixtures.contents import contents, errata
from fixtures.target import load_target
from reports.html_report import render
from reports.summary import summarise

if TYPE_CHECKING:
    from pathlib import Path

    from reports.record import RecordedRun

VOID = {"meta", "br", "rect", "path"}
IMPLIED_END = {"dt", "dd", "th", "td", "tr"}  # what HTML lets end without saying so
URLS = {"src", "href", "action", "formaction", "data", "poster", "srcset", "xlink:href", "background", "ping"}
HOSTILE = "<script>x()</script><img src=x onerror=x()>\"'></style></title><!--]]>{{ 7*7 }}javascript:x() "


class Page(HTMLParser):
    """A report as parsed: elements with their attributes, and what a person reads."""

    def __init__(self, run: RecordedRun) -> None:
        super().__init__()
        self.source = render(run, summarise(run))
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        """Keep what it says, but for the style."""
        if self.elements and self.elements[-1][0] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        """All that it says, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def of(self, tag: str) -> list[dict[str, str]]:
        """The attributes of the elements of this name."""
        return [attrs for name, attrs in self.elements if name == tag]

    def part(self, anchor: str) -> str:
        """What stands from this section on to the end of it, as source."""
        return self.source.partition(f'<section id="{anchor}"')[2].partition("</section>")[0]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(full().done())


def first_screen(draft: Draft, **options: bool) -> str:
    return Page(draft.done(**options)).text.partition("Skip to what was found")[2].partition("How the run went")[0]


def test_the_same_record_gives_the_same_bytes(page: Page) -> None:
    script = "from records import full; from reports.html_report import render; from reports.summary import summarise"
    again = f"{script}; import sys; run = full().done(); sys.stdout.buffer.write(render(run, summarise(run)).encode())"
    elsewhere = subprocess.run(
        [sys.executable, "-c", again],
        env=environment(PYTHONPATH=f"{ROOT}:{ROOT / 'tests'}", PYTHONHASHSEED="7", TZ="Asia/Tokyo"),
        capture_output=True,
        check=True,
    )

    assert elsewhere.stdout.decode() == page.source


def test_controls_show_what_the_run_is_evidence_for_and_what_nothing_serves(page: Page) -> None:
    words = re.sub(r"<[^>]+>", " ", page.part("controls"))
    told = " ".join(words.split())

    assert "judged title judged CFG-1 , CFG-2 1 passed · 1 failed" in told
    assert "Not judged in this run , but by items of other phases: elsewhere title elsewhere (EMG-1)" in told
    assert told.endswith("Uncovered , no item is evidence for: uncovered title uncovered")


def test_a_browser_may_apply_the_one_style_and_do_nothing_else(page: Page) -> None:
    style = page.source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(attrs["content"] for attrs in page.of("meta") if "http-equiv" in attrs)

    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_leads_to_a_place_on_the_page(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    links = [attrs["href"] for attrs in page.of("a")]
    labels = [name for _, attrs in page.elements for name in attrs.get("aria-labelledby", "").split()]

    assert len(ids) == len(set(ids))
    assert len(links) > 20
    assert [link for link in links if not link.startswith("#") or link[1:] not in ids] == []
    assert [label for label in labels if label not in ids] == []


def test_headings_and_landmarks_guide_who_does_not_see(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    tags = [tag for tag, _ in page.elements]

    assert page.of("html") == [{"lang": "en"}]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [tags.count(tag) for tag in ("header", "nav", "main", "footer")] == [1, 1, 1, 1]
    assert page.of("a")[0] == {"class": "skip", "href": "#main"}
    assert tags.count("title") == tags.count("svg") + 1


def test_elements_are_closed_in_the_order_they_were_opened(page: Page) -> None:
    open_, wrong = [], []
    for closing, tag in re.findall(r"<(/?)([a-z][a-z0-9]*)\b", re.sub(r"(?s)<style>.*?</style>", "", page.source)):
        if not closing:
            open_ += [tag] if tag not in VOID | IMPLIED_END else []
        elif tag not in IMPLIED_END and open_.pop() != tag:
            wrong.append(tag)

    assert (open_, wrong) == ([], [])


def test_whatever_others_say_is_text() -> None:
    page, tame = Page(full(HOSTILE).done()), Page(full("xyzzy ").done())

    assert [tag for tag, _ in page.elements] == [tag for tag, _ in tame.elements]
    assert [sorted(attrs) for _, attrs in page.elements] == [sorted(attrs) for _, attrs in tame.elements]
    assert {name for _, attrs in page.elements for name in attrs} & URLS == {"href"}
    assert [href for attrs in page.of("a") if not (href := attrs["href"]).startswith("#")] == []
    assert page.source.count("&lt;script&gt;") == tame.source.count("xyzzy ") > 100


@pytest.mark.parametrize(
    ("hidden", "told"), [("\u202e", r"\x202e"), ("\x00", r"\x00"), ("\x1b[2K", r"\x1b[2K"), ("\ud800", r"\xd800")]
)
def test_what_cannot_be_seen_is_spelled_out(hidden: str, told: str) -> None:
    page = Page(full(f"a{hidden}b").done())

    assert hidden not in page.source
    assert page.source.count(f"a{told}b") > 100
    assert page.source.encode()


def test_a_failure_says_all_that_is_needed_at_three_in_the_morning(page: Page) -> None:
    failed = page.part("failed")
    facts = ("CFG-2", "claim 1", "observed 1", "expected 1", "where 1", "why 1", "remedy 1", "see 1", "section 1")
    looked = ("cat file", "2026-11-24 10:39:06 UTC", "250 ms", "3 tries", "0123456789abcdef")

    assert [fact for fact in (*facts, *looked) if fact not in failed] == []
    assert "claim 0" not in failed


def test_the_worst_failure_comes_first() -> None:
    draft = Draft()
    for item, severity in (("CFG-1", "low"), ("CFG-2", "critical"), ("CFG-3", "medium")):
        draft.check(item, "failed", severity=severity)
    failed = Page(draft.done()).part("failed")

    assert re.findall(r"claim \d", failed) == ["claim 1", "claim 2", "claim 0"]


def test_a_cause_is_told_once_with_all_that_it_blinds() -> None:
    draft = Draft()
    lost = draft.look("darkness", error="the lamp is out", value=None)
    for number in range(11):
        draft.check(f"CFG-{number + 1}", "error", reason="the lamp is out", root=lost["id"])
    draft.check("CFG-12", "error", reason="the window is shut")
    blind = Page(draft.done()).part("blind")

    assert blind.count("the lamp is out") == 1
    assert "11 checks could not look" in blind
    assert "1 check could not look" in blind
    assert "cat darkness" in blind


def test_a_run_cut_short_says_what_is_missing() -> None:
    draft = full()
    run = draft.done(finished=False)
    missing = Page(run).part("not-run")

    assert "claim 6" in missing
    assert "the last line of its record is of" in missing
    assert "little/predeploy/never" in missing
    assert "The run was cut short" in first_screen(draft, finished=False)


def test_what_does_not_apply_names_the_missing_key(page: Page) -> None:
    assert "little lacks machines.maximum" in Page(full().done()).text
    assert "claim 4" in page.part("not-applicable")


def test_waivers_and_sign_offs_have_their_dates_and_owners(page: Page) -> None:
    people = page.part("people")
    told = ("CFG-4/test_3", "reason", "owner, approver", "2026-11-01 until 2026-12-01", "who", "what", "when, 31 days")

    assert [fact for fact in told if fact not in people] == []
    assert "accepts a failure" in people


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "The gate is open"),
        ({"dirty": True}, "closed: the checkout has uncommitted changes"),
        ({"dirty": None}, "git cannot tell whether anything is uncommitted"),
        ({"complete": False}, "a part of the phase: the rest was not judged"),
        ({"twin": True}, "closed: the twin is not production"),
        ({"twin": True, "twin_faults": ["jwks-away"]}, "broken on purpose: jwks-away"),
        ({"replay_of": "an older run"}, "a replay: the recording of an older run, judged again"),
        ({"app_commit": None}, "no checkout was judged"),
        ({"who": None, "ci": None, "place": None}, "somebody without a name"),
        ({}, "UNSIGNED"),
        ({}, "Frankfurt: runner-7, https://ci.example.invalid/jobs/1"),
        ({}, "took 2.5 s, exit status 0"),
        ({}, "not seen by this run"),
        ({}, "19 to paintbox"),
    ],
)
def test_the_first_screen_says_what_the_run_is_worth(change: dict[str, Any], says: str) -> None:
    draft = Draft()
    draft.plan |= change
    draft.look("answers", requests=19)
    draft.check("CFG-1", "passed")

    assert says in first_screen(draft)


def test_a_run_that_was_made_with_a_key_is_not_called_unsigned() -> None:
    draft = full()
    draft.plan["signing_key"] = {"id": "a1b2c3"}

    assert "a1b2c3" in first_screen(draft)
    assert "UNSIGNED" not in first_screen(draft)


def test_the_whole_runbook_is_there_judged_or_not(page: Page) -> None:
    runbook = page.part("runbook")
    items = re.findall(r'class="id">([A-Z]{3}-\d)<', runbook)

    assert items == ["CFG-1", "CFG-2", "CFG-3", "CFG-4", "CFG-5", "MNT-7", "CFG-6", "EMG-1"]
    assert 'class="item idle"' in runbook
    assert "no check in this run: </span>predeploy" in runbook
    assert 'href="#erratum-1">erratum 1</a>' in runbook
    assert "said <code>code</code> said" in page.part("errata")


def test_several_targets_are_told_apart() -> None:
    draft = Draft()
    draft.plan["targets"].append(target("staging", "easel", "https://easel.example.invalid"))
    draft.check("CFG-1", "failed")
    draft.check("CFG-1", "passed", target="staging", check="CFG-1/test_0")
    page = Page(draft.done())

    assert "on little" in page.part("failed")
    assert "on staging" not in page.part("failed")
    assert "on staging" in page.part("runbook")


def test_figures_can_be_read_without_seeing_them(page: Page) -> None:
    way = page.part("way")

    assert "starts after under 1 ms, takes 250 ms, in 3 tries" in way
    assert "3 requests, half of them within 200 ms, all within 300 ms" in way
    assert "state, cordoned" in way
    assert "servicecheck passing" in way
    assert "1 passed · 1 failed · 1 could not look · 1 never judged" in page.source


def test_rounds_of_a_run_that_waited_are_told() -> None:
    draft = Draft()
    later = draft.look("answers", id="little/predeploy/answers@2")
    draft.check("CFG-1", "passed", observations=[later["id"]])
    line = {
        "started": "2026-11-24T10:39:06.000Z",
        "seconds": 1.0,
        "counts": {"passed": 1},
        "not_green": [],
        "settled": [],
    }
    red = {"check": "CFG-1/test_0", "target": "little", "verdict": "failed", "reason": "too slow"}
    first = line | {
        "number": 1,
        "waited_seconds": 1.0,
        "counts": {"failed": 1},
        "not_green": [red],
        "stopped": None,
        "confirmed": False,
    }
    last = line | {"number": 2, "waited_seconds": 61.0, "settled": [red], "stopped": "it is green", "confirmed": True}
    run = draft.done()
    run.rounds.extend([first, last])
    page = render(run, summarise(run))
    rows = page.partition("Rounds: all looks made afresh")[2].partition("</table>")[0]

    assert "The verdicts of the run are those of the last one: it is green." in rows
    assert re.findall(r'data-label="Not green">(?:<span class="id">)?([\w-]+)', rows) == ["CFG-1", "none"]
    assert "1 min 1 s" in rows
    assert "answers · round 2" in page


def test_evidence_is_cut_and_says_how_much_is_left() -> None:
    draft = Draft()
    draft.look("file", value="x" * 20_000)
    draft.check("CFG-1", "passed")

    assert "12,002 more characters in the record" in Page(draft.done()).part("looks")


def test_thousands_of_checks_make_a_page_that_opens() -> None:
    draft = Draft()
    for number in range(600):
        draft.look(f"file {number}", value={"text": "x" * 20_000})
    looks = [line["id"] for line in draft.observations]
    for number in range(3_000):
        draft.check(f"CFG-{number % 99 + 1}", "failed" if number % 10 == 0 else "passed", observations=looks[:2])

    assert len(Page(draft.done()).source.encode()) < 5_000_000


def test_nothing_is_told_that_is_not_known(page: Page) -> None:
    assert not re.search(r">\s*(None|Undefined|True|False)\s*<", page.source)
    assert not re.search(r"\bNone\b", first_screen(Draft()))


@pytest.mark.slow
def test_a_run_and_its_replay_have_a_report_and_the_screen_names_it(tmp_path: Path) -> None:
    body = """
    @look("source", seconds=5)
    def greeting(world: World) -> Seen:
        return Seen("echo hello", {"words": ["hello"]}, "one greeting")

    @item("CFG-2", expects="{machines.memory_mb} MB")
    @pytest.mark.predeploy
    def test_red(greeting: Observation) -> None:
        '''The greeting is in German.'''
        assert greeting.value is None, "it is in English"
    """
    bench = Bench(tmp_path)
    run = bench.run(body, "-m", "predeploy")
    replay = bench.again(f"--replay={run.folder}")

    for done in (run, replay):
        assert done.folder is not None
        page = (done.folder / "report.html").read_text(encoding="utf-8")
        assert "it is in English" in page
        assert "The machines run with the configuration that the source asks for" in page
        assert re.search(rf"(?m)^  report     .*{done.folder.name}/report\.html$", done.text)
        assert page == render(done.record, done.summary)
    assert "a replay: the recording of" in page


def test_contents_are_the_catalogue_in_its_order_told_for_the_target() -> None:
    catalogue = Catalogue.load()
    told = contents(catalogue, load_target("production"))

    assert [item["id"] for item in told["items"]] == [item.id for item in catalogue.items]
    assert "Every machine has 2048 MB of memory" in [item["claim"] for item in told["items"]]
    assert {"JWK-1", "JWK-7"} <= {name for row in told["errata"] for name in row["items"]}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("| one | two | three |", "has 3 cells: give it 4"),
        ("| one | two | three | the fourth |", "names 'the fourth', which is no item"),
    ],
)
def test_a_mistake_in_the_errata_is_told_with_its_line(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "ERRATA.md"
    path.write_text(f"# Errata\n\n| the original says | a | b | items |\n|---|---|---|---|\n{row}\n", encoding="utf-8")

    with pytest.raises(CatalogueError, match=rf"ERRATA\.md:5 {says}"):
        errata(path)


def test_missing_errata_are_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        errata(tmp_path / "ERRATA.md")
