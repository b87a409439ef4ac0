"""What a person sees while a run goes on, and at its end."""

from __future__ import annotations

import os
import re
import textwrap
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from reports.signing import KEY_FILE, UNSIGNED, signed_by
from reports.summary import VERDICTS, phases_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from _pytest.terminal import TerminalReporter

    from reports.redaction import Redactor

WIDTH = 110
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)
LABEL = 11
MOST_NAMED = 3  # targets in the first line; the last lines name all
PROGRESS_SECONDS = 0.1


def failure(check: dict[str, Any], line: dict[str, Any], *, of_target: bool = False) -> list[str]:
    """A failed check as people read it at 3 am: claim, observed, expected, why, what to do, how to see it by hand.

    `of_target` names its target, too.
    """
    head = f"FAILED {_named(check, check['item'], of_target=of_target)} · {check['claim']}"
    seen_by = ", ".join(filter(None, (line.get("seen_by"), after(line["retries"]))))
    rows = [
        ("observed", line["observed"], f"({seen_by})" if seen_by else ""),
        ("expected", check["expected"], check["where"]),
        ("why", check["why"], ""),
        ("do", check["remedy"], f"runbook: {check['runbook']}" if check["runbook"] else ""),
        *(("see", command, "") for command in check["see"]),
        *((("waive", f"fingerprint {line['fingerprint']}", ""),) if line.get("fingerprint") else ()),
    ]
    return [head, *(told for label, text, note in rows if text for told in row(label, text, note))]


def after(retries: int) -> str:
    """How often a look was repeated before it brought this, in words; empty when it was not."""
    return f"after {retries} {'retry' if retries == 1 else 'retries'}" if retries else ""


def _named(check: dict[str, Any], name: str, *, of_target: bool) -> str:
    return f"{check['target']} · {name}" if of_target else name


def row(label: str, text: str, note: str = "") -> list[str]:
    """A labelled text, wrapped under itself, with a note at its right where there is room, else below."""
    width = WIDTH - LABEL - 2
    lines = [w for line in str(text).splitlines() for w in textwrap.wrap(line, width, break_on_hyphens=False) or [""]]
    lines = lines or [""]
    if note and len(lines) == 1 and len(lines[0]) + len(note) + 3 <= width:
        lines[0] = f"{lines[0]}{note:>{width - len(lines[0])}}"
    elif note:
        lines.append(note if note.startswith("(") else f"({note})")
    return [f"  {label if n == 0 else '':<{LABEL}}{line}" for n, line in enumerate(lines)]


def printable(text: str) -> str:
    """Text that cannot move the cursor, change colours or turn the reading direction: what endpoints say is hostile."""
    return UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class Screen:
    """Writes to the terminal through pytest's own reporter; without one (`-p no:terminal`) nothing is shown.

    A progress line, on a terminal only, tells what goes on.
    """

    def __init__(self, redactor: Redactor, reporter: TerminalReporter | None) -> None:
        self._redactor = redactor
        self._reporter = reporter
        self._lock = threading.RLock()
        self._total = 0
        self._done = 0
        self._drawn = False
        self._last = 0.0
        self._blind: dict[str, list[str]] = {}
        self._retried: dict[str, list[str]] = {}
        self._not_verified: list[str] = []
        self._several = False  # targets

    def _write(self, text: str, **markup: bool) -> None:
        if self._reporter is None:
            return
        with self._lock:
            self._wipe()
            self._reporter.write_line(printable(self._redactor.text(text)), **markup)

    def _wipe(self) -> None:
        if self._drawn and self._reporter is not None:
            self._reporter.write("\r\x1b[2K")
            self._drawn = False

    def progress(self, text: str) -> None:
        """Draw the progress line, at most ten times a second."""
        reporter = self._reporter
        if reporter is None or not reporter.isatty or os.environ.get("TERM") == "dumb":
            return
        with self._lock:
            if time.monotonic() - self._last < PROGRESS_SECONDS:
                return
            self._last = time.monotonic()
            self._wipe()
            shown = printable(self._redactor.text(f"{self._done}/{self._total} judged · {text}".replace("\n", " ")))
            reporter.write(shown[: reporter._tw.fullwidth - 1], flush=True)  # noqa: SLF001 - pytest's only way to the width
            self._drawn = True

    def planned(self, plan: dict[str, Any]) -> None:
        """Say what is about to be judged."""
        applying = [check for check in plan["checks"] if not check["missing_key"]]
        self._total = len(applying)
        looks = {name for check in applying for name in check["observations"]}
        phases = phases_of(plan["checks"])
        self._several = len(plan["targets"]) > 1
        names = ", ".join(f"{target['values']['app']} ({target['name']})" for target in plan["targets"][:MOST_NAMED])
        more = len(plan["targets"]) - MOST_NAMED
        names += f" and {more} more" if more > 0 else ""
        names += f", from {plan['place']}" if plan["place"] else ""
        commit = f", app at {plan['app_commit'][:10]}" if plan["app_commit"] else ""
        commit += " with uncommitted changes" if plan["dirty"] else ""
        replay = f", replay of {plan['replay_of']}" if plan["replay_of"] else ""
        size = f"{many(self._total, 'check')} on {many(len(looks), 'look')}"
        self._write(f"{phases} of {names}{commit}{replay}: {size}")

    def judged(self, check: dict[str, Any], line: dict[str, Any]) -> None:
        """Show a failure at once; gather what could not look under its cause."""
        self._done += line["verdict"] != "not-applicable"
        name = _named(check, check["check"], of_target=self._several)
        if line["verdict"] == "failed":
            first, *rest = failure(check, line, of_target=self._several)
            self._write("")
            self._write(first, red=True, bold=True)
            for text in rest:
                self._write(text)
        elif line["verdict"] == "waived":
            item = _named(check, check["item"], of_target=self._several)
            self._write(f"WAIVED {item} · {check['claim']}: {line['reason']}")
        elif line["verdict"] == "error" and check["sums_up"]:
            item = _named(check, check["item"], of_target=self._several)
            self._not_verified.append(f"{item} not verified: {line['reason']}")
        elif line["verdict"] == "error":
            self._blind.setdefault(line["reason"], []).append(name)
        elif line["verdict"] == "passed" and line["retries"]:
            self._retried.setdefault(after(line["retries"]), []).append(name)
        self.progress(name)

    def _together(self, what: str, checks: list[str], **markup: bool) -> None:
        """What holds for several checks, once, and their names under it."""
        self._write("")
        self._write(f"{many(len(checks), 'check')} {what}", **markup)
        for text in textwrap.wrap(", ".join(checks), WIDTH - 2, break_on_hyphens=False, break_long_words=False):
            self._write(f"  {text}")

    def round(self, facts: dict[str, Any]) -> None:
        """Say what a round of a run that waits has come to."""
        items = [_named(one, one["check"].partition("/")[0], of_target=self._several) for one in facts["not_green"]]
        words = f"round {facts['number']} · {facts['waited_seconds']:.1f} s · {counted(facts['counts'])}"
        self._write(f"{words}{': ' if items else ''}{', '.join(dict.fromkeys(items))}")

    def _waited(self, rounds: list[dict[str, Any]]) -> None:
        """How long it took until what was not green at first stayed green, and why the waiting ended."""
        last = rounds[-1]
        amiss = {(one["check"], one["target"]) for one in last["not_green"]}
        when = {(one["check"], one["target"]): line["waited_seconds"] for line in rounds for one in line["settled"]}
        self._write("")
        why = last["stopped"] or "the run ended before there was a reason to"
        self._write(f"waited {last['waited_seconds']:.1f} s, {many(len(rounds), 'round')}: {why}")
        settled: dict[float, list[str]] = {}
        for (check, target), seconds in when.items():
            if (check, target) not in amiss:
                settled.setdefault(seconds, []).append(_named({"target": target}, check, of_target=self._several))
        for seconds, names in settled.items():
            self._together(f"settled after {seconds:.1f} s", names)

    def finished(self, folder: Path, summary: dict[str, Any] | None, broken: str | None) -> None:
        """The last lines: what passed late, what could not look and why, what stays unverified, verdict, report."""
        for retries, checks in self._retried.items():
            self._together(f"passed {retries}", checks)
        for reason, checks in self._blind.items():
            self._together(f"could not look: {reason}", checks, yellow=True, bold=True)
        for text in self._not_verified:
            self._write("")
            self._write(text, yellow=True)
        if summary is not None and summary["rounds"]:
            self._waited(summary["rounds"])
        self._write("")
        if broken or summary is None:
            self._write(f"EVIDENCE BROKEN · {broken}", red=True, bold=True)
            return
        counts = counted(summary["counts"])
        gate = "gate open" if summary["gate"] else f"gate closed: {why_closed(summary)}"
        colour = {"passed": {"green": True}, "failed": {"red": True}}.get(summary["verdict"], {"yellow": True})
        self._write(f"{summary['verdict'].upper()} · {counts} · {summary['seconds']} s", bold=True, **colour)
        self._write(f"  {gate}")
        if self._several:
            for text in by_target(summary):
                self._write(f"  {text}")
        for app, count in summary["requests"].items():
            self._write(f"  {many(count, 'request')} to {app}")
        self._write(f"  evidence   {_near(folder)}")
        self._write(f"  report     {_near(folder / 'report.html')}")
        self._write(f"  {signature(summary)}")

    def annotated(self, lines: list[str]) -> None:
        """Lines that a CI system reads, each at the start of its own."""
        for line in lines:
            self._write(line)


def signature(summary: dict[str, Any]) -> str:
    """Who signed a run's evidence, or what it means that nobody did."""
    key = summary["signing_key"]
    return (
        f"signed     {signed_by(key)}" if key else f"unsigned   {UNSIGNED}; {KEY_FILE} names the key of those who sign"
    )


def many(number: int, thing: str) -> str:
    """`1 check`, `6 checks`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def counted(counts: Mapping[str, int]) -> str:
    """How many checks have each verdict, those that none has left out."""
    return " · ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts.get(verdict))


def by_target(summary: dict[str, Any]) -> list[str]:
    """A line for each target of a run, with its counts."""
    names = [target["name"] for target in summary["targets"]]
    width = max(LABEL, max(map(len, names)) + 2)
    verdicts = {name: Counter(row["verdict"] for row in summary["checks"] if row["target"] == name) for name in names}
    return [f"{name:<{width}}{counted(verdicts[name])}" for name in names]


def why_closed(summary: dict[str, Any]) -> str:
    """Why this run opens no gate, in a few words."""
    reasons = [
        (summary["verdict"] != "passed", f"the verdict is {summary['verdict']}"),
        (summary["replay_of"] is not None, "this is a replay"),
        (not summary["complete"], "only a part of the phase was selected"),
        (summary["dirty"] is None, "git cannot tell whether the checkout is clean"),
        (bool(summary["dirty"]), "the checkout has uncommitted changes"),
    ]
    return next((words for holds, words in reasons if holds), "the twin is not production")


def _near(folder: Path) -> str:
    try:
        return os.path.relpath(folder)
    except ValueError:  # another drive
        return str(folder)
