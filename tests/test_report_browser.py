"""What a real browser makes of the pages for people: nothing acts, nothing is asked for, everybody can read them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright
from records import full
from test_html_table import GREEN, HOSTILE, LOOK, MARKUP, SECRETS, table_of

from reports.html_report import render
from reports.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Dialog, Page
    from records import Draft

pytestmark = pytest.mark.slow

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PAYLOADS = [
    "<script>window.hit = 1</script>",
    "<img src=http://127.0.0.1:9/x.png onerror='window.hit = 1'>",
    "<svg onload='window.hit = 1'>",
    "<iframe src='javascript:window.hit = 1'></iframe>",
    "javascript:window.hit=1//",
    "'\" onmouseover='window.hit = 1' autofocus onfocus=window.hit=1 x=\"",
    "</style></title></textarea></template></details><script>window.hit = 1</script>",
    "<style>@import 'http://127.0.0.1:9/x.css'; body { display: none }</style>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'><base href='http://127.0.0.1:9/'>",
    "]]><!-- --><link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "{{ 7 * 7 }}{% include 'report.css' %}",
    "\u202egnp.exe\u2066 &lt;b&gt; \x00\x1b[31m \ud800",
]
CONTRAST = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).map(Number);
    return [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!colour.endsWith(", 0)")) return colour;
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), weak = {};
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("svg, style")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak[walker.currentNode.data.trim().slice(0, 40)] = ratio;
  }
  return weak;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is not on this computer, so no page was tried: apt-get install chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=FLAGS)


def written(folder: Path, draft: Draft) -> str:
    """The address of the report of a record."""
    run, path = draft.done(finished=False), folder / "report.html"
    path.write_text(render(run, summarise(run)), encoding="utf-8")
    return path.as_uri()


def tame(folder: Path) -> str:
    """The address of a report that tells everything there is to tell."""
    return written(folder, full())


class Watch:
    """A page, and everything that it tries to do."""

    def __init__(self, browser: Browser, url: str, *, guarded: bool) -> None:
        self.url = url
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        self.page = browser.new_page(bypass_csp=not guarded)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._dismiss)
        self.page.goto(url)

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def did(self) -> list[str]:
        """What it has done beyond being opened."""
        self.page.wait_for_timeout(50)
        own = ("data:", self.url)  # pictures of its own, and itself: an anchor or the order of its table follows
        return [*self.dialogs, *(url for url in (self.page.url, *self.asked) if not url.startswith(own))]


def opened(browser: Browser, url: str, **options: Any) -> Page:  # noqa: ANN401 - playwright's own options
    page = browser.new_page(**options)
    page.goto(url)
    return page


@pytest.mark.parametrize("guarded", [True, False], ids=["with-its-policy", "without-its-policy"])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_of_what_others_say_acts(browser: Browser, tmp_path: Path, payload: str, *, guarded: bool) -> None:
    url = written(tmp_path, full(payload))
    watch = Watch(browser, url, guarded=guarded)
    for summary in watch.page.locator("summary").all():
        summary.click()
    watch.page.locator(".case a").first.click()
    watch.page.mouse.move(200, 200)
    shown = watch.page.evaluate("document.body.textContent")

    assert watch.did() == []
    assert watch.page.evaluate("window.hit") is None
    assert shown.count(payload if payload.isprintable() else "gnp.exe") > 100


def test_the_table_of_pytest_html_acts_no_more(browser: Browser, tmp_path: Path) -> None:
    metadata = ("--metadata", f"key {MARKUP}", f"value {MARKUP}")
    table = table_of(tmp_path, LOOK + GREEN + HOSTILE, *metadata, **SECRETS)
    url = (tmp_path / "new" / "report.html").as_uri()
    watch = Watch(browser, url, guarded=False)
    watch.page.wait_for_selector("#results-table tbody tr")

    assert table.run.status == 1
    assert watch.did() == []
    assert watch.page.inner_text("#results-table").count(MARKUP) > 2
    assert f"value {MARKUP}" in watch.page.evaluate("document.body.textContent")


@pytest.mark.parametrize("width", [320, 400, 768, 1400])
def test_nothing_reaches_beyond_the_window(browser: Browser, tmp_path: Path, width: int) -> None:
    url = written(tmp_path, full("a-rather-long-word-that-cannot-be-broken-anywhere-" * 3))
    page = opened(browser, url, viewport={"width": width, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_its_ground(browser: Browser, tmp_path: Path, scheme: str) -> None:
    page = opened(browser, tame(tmp_path), color_scheme=scheme)

    assert page.evaluate(CONTRAST) == {}


def test_it_is_read_without_javascript(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tame(tmp_path), java_script_enabled=False)
    page.locator("summary").first.click()

    assert page.locator("script").count() == 0
    assert page.locator("#failed").inner_text().startswith("What failed")
    assert '"key": "value"' in page.locator("#looks").inner_text()


def test_it_is_read_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tame(tmp_path))
    page.keyboard.press("Tab")
    skip = page.locator(":focus")

    assert skip.inner_text() == "Skip to what was found"
    box = skip.bounding_box()
    assert box is not None
    assert box["x"] > 0
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] pre").inner_text().startswith("{")


def test_in_print_all_that_was_found_is_there(browser: Browser, tmp_path: Path) -> None:
    page = opened(browser, tame(tmp_path))
    page.emulate_media(media="print")
    text = page.locator("body").inner_text()

    assert [fact for fact in ("UNSIGNED", "observed 1", "remedy 1", "the lamp is out") if fact not in text] == []
    assert "What came back is not printed; record.jsonl has it." in text
    assert not page.locator("nav").is_visible()
    assert len(page.pdf()) > 10_000


@pytest.mark.parametrize("width", [400, 1400])
def test_links_lead_where_they_say(browser: Browser, tmp_path: Path, width: int) -> None:
    draft = full()
    for number in range(200):
        draft.check(f"CFG-{number % 99 + 1}", "failed" if number % 20 == 0 else "passed")
    page = opened(browser, written(tmp_path, draft), viewport={"width": width, "height": 600})
    places = {}
    for link in page.locator("nav a").all():
        link.click()
        page.wait_for_timeout(100)
        place = page.locator(link.get_attribute("href") or "").bounding_box()
        places[link.inner_text()] = place["y"] if place else None

    assert len(places) == 10
    assert {name: y for name, y in places.items() if y is None or not 0 <= y <= 400} == {}
