"""report.html: a run for people, in one file that runs nothing, asks for nothing, and can be printed.

Made from the record alone, so that a run that was killed and a replay have one, and the same record gives the same
bytes. All that it tells is hostile: every value passes through `shown`, then through the template's own escaping; the
only links are to places on the page itself; a browser is told to run nothing, load nothing, and to apply one style.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from reports.html_page import MEANING
from reports.html_story import Story
from reports.signing import UNSIGNED
from reports.summary import ACCEPTED, BLIND, FAILED, PASSED
from reports.terminal import many, why_closed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

    from reports.record import RecordedRun

NAME = "report.html"
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z")
MINUTE = 60.0
SHORT_COMMIT = 12  # digits of a commit that people compare
WORDS = {  # what a verdict is called where it is counted
    "passed": "passed",
    "failed": "failed",
    "error": "could not look",
    "not-run": "never judged",
    "not-applicable": "not applicable",
    "waived": "waived",
    "signed-off": "signed off",
}


def render(run: RecordedRun, summary: Mapping[str, Any]) -> str:
    """The page of a run, whole or cut short. `summary` is the run's, as `reports.summary` makes it."""
    # Like the template engine, these are loaded only where a page is made.
    from reports import html_controls, html_figures, page_templates  # noqa: PLC0415 - see above

    story = Story(run, summary)
    style = (page_templates.TEMPLATES / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template().render(
        story=story,
        summary=summary,
        plan=run.plan,
        style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        unsigned=UNSIGNED,
        lead=lead(story),
        gate="open" if summary["gate"] else f"closed: {why_closed(dict(summary))}",
        timeline=html_figures.timeline(story),
        latencies=html_figures.latencies(story),
        machines=html_figures.machines(story),
        controls=html_controls.frameworks(story),
        scale=html_figures.SCALE,
    )


def lead(story: Story) -> str:
    """What became of the run, in a sentence."""
    status = story.summary["exit_status"]
    total = many(len(story.checks), "check")
    if status not in {PASSED, FAILED, BLIND}:
        return f"{total}: {MEANING[status]}"
    if story.counts == [("passed", len(story.checks))]:
        return f"{'' if len(story.checks) == 1 else 'All '}{total} passed"
    told = [f"{number:,} {WORDS[verdict]}" for verdict, number in story.counts if verdict not in ACCEPTED]
    return f"Of {total}, {', '.join(told)}" if told else f"{total}: {MEANING[status]}"


@cache
def _template() -> Template:
    from markupsafe import Markup  # noqa: PLC0415 - comes with the template engine

    from reports import page_templates  # noqa: PLC0415 - a part of a run's start that only its end needs

    environment = page_templates.environment()
    environment.filters |= {"moment": moment, "duration": duration, "counted": many, "short": short}
    environment.globals |= {"words": WORDS, "ours": Markup}
    return environment.get_template("report.html")


def moment(text: str) -> str:
    """A moment of the record for people: `2026-11-24 10:39:06 UTC`."""
    found = MOMENT.fullmatch(text)
    return f"{found[1]} {found[2]} UTC" if found else text


def duration(seconds: float) -> str:
    """A duration for people, in the unit that suits it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "under 1 ms"  # noqa: PLR2004 - a millisecond
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return f"{seconds // MINUTE:.0f} min {seconds % MINUTE:.0f} s"


def short(commit: str) -> str:
    """A commit or a digest as people compare it."""
    return commit[:SHORT_COMMIT]
