"""The log buffer: whatever the CLI prints is bounded and told, and nothing that is not a whole look is ever green."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from worlds import LooseWorld

from fixtures.log_stream import log_stream
from fixtures.logs import OFFENDERS_KEPT, TEXT_KEPT, Logs
from fixtures.looks import CouldNotLook, Unreadable
from fixtures.target import load_target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.looks import Observation

SECONDS = 0.6


def line(message: str, *, stamp: str = "2026-11-24T11:59:00.123456789Z", **more: Any) -> str:  # noqa: ANN401 - any JSON
    """A line as flyctl prints it: an indented object."""
    told = {"level": "info", "instance": "148e4d9", "message": message, "region": "sjc", "timestamp": stamp, **more}
    return json.dumps(told, indent=4) + "\n"


@pytest.fixture
def listened(tmp_path: Path) -> Callable[..., Observation]:
    """What the look sees when the CLI prints this and then does that."""

    def look(printed: str | bytes, then: str = "") -> Observation:
        (tmp_path / "printed").write_bytes(printed if isinstance(printed, bytes) else printed.encode())
        cli = tmp_path / "flyctl"
        cli.write_text(f"#!/bin/sh\ncat {shlex.quote(str(tmp_path / 'printed'))}\n{then}\n")
        cli.chmod(0o755)
        target = load_target("production").with_values({"logs.deadline_seconds": SECONDS}, "this test")
        with LooseWorld(tmp_path, target=target, environment={"FLYCTL_BIN": str(cli)}) as world:
            return world.look("log_buffer")

    return look


def test_the_span_that_was_seen_is_told(listened: Callable[..., Observation]) -> None:
    seen = listened(
        line("one", stamp="2026-11-24T11:00:00Z", instance="a") + line("two", stamp="2026-11-24T13:30:00+02:00")
    ).read(Logs.parse)

    assert seen.span == "of 2 lines of 2 machines, 2026-11-24T11:00:00.000Z to 2026-11-24T11:30:00.000Z"
    assert (seen.trouble.count, seen.server_errors.count, seen.torn) == (0, 0, False)


@pytest.mark.parametrize(
    ("text", "more", "trouble", "server_error"),
    [
        ("all is well", {}, 0, 0),
        ('{"level":"info","errors":0,"slowest_ms":3}', {}, 0, 0),
        ('{"msg":"saved","error":null}', {}, 0, 0),
        ("done, error: false, error=0", {}, 0, 0),
        ('{"error":"no key"}', {}, 1, 0),
        ("error=0x1f", {}, 1, 0),
        ("ERROR: no key", {}, 1, 0),
        ("upstream timed out", {}, 1, 0),
        ("a time-out", {}, 1, 0),
        ("\x1b[31merror\x1b[0m", {}, 1, 0),
        ("said by the platform", {"level": "error"}, 1, 0),
        ("GET /api/health 503 in 41 ms", {}, 0, 1),
        ('10.0.0.1 - "POST /x HTTP/1.1" 500 -', {}, 0, 1),
        ('{"method":"GET","status":502}', {}, 0, 1),
        ('{"method":"GET","statusCode": "504"}', {}, 0, 1),
        ('{"status":200,"ms":512}', {}, 0, 0),
        ("GET /posts/500 200 in 3 ms", {}, 0, 0),
        ("by the proxy", {"meta": {"HTTP": {"Response": {"status_code": 502}}}}, 0, 1),
        ("by the proxy", {"meta": {"HTTP": {"Response": {"status_code": 0}}}}, 0, 0),
        ("by the proxy", {"meta": {"HTTP": "strange"}}, 0, 0),
    ],
)
def test_lines_of_trouble_are_found(
    listened: Callable[..., Observation], text: str, more: dict[str, Any], trouble: int, server_error: int
) -> None:
    seen = listened(line(text, **more)).read(Logs.parse)

    assert (seen.trouble.count, seen.server_errors.count) == (trouble, server_error)


def test_of_many_offenders_few_and_of_long_ones_the_beginning_are_kept(listened: Callable[..., Observation]) -> None:
    seen = listened("".join(line(f"error {number} {'x' * 9000}") for number in range(90)))
    kept = seen.value["trouble"] if isinstance(seen.value, dict) else {}

    assert seen.read(Logs.parse).trouble.count == 90
    assert len(json.dumps(seen.value)) < OFFENDERS_KEPT * (TEXT_KEPT + 200)
    assert isinstance(kept, dict)


def test_what_came_before_the_deadline_counts(listened: Callable[..., Observation]) -> None:
    seen = listened(line("error one") + line("torn")[:-30], "exec sleep 60").read(Logs.parse)

    assert (seen.lines, seen.trouble.count, seen.torn) == (1, 1, True)
    assert "not all of it" in seen.span


def test_the_middle_of_very_long_output_is_left_out_and_told(listened: Callable[..., Observation]) -> None:
    seen = listened("".join(line(f"{number} {'x' * 50_000}") for number in range(200))).read(Logs.parse)

    assert 60 < seen.lines < 100
    assert seen.torn


NOTHING_SEEN = [
    ("", "exec sleep 60", "no log line was seen within 0.6 s"),
    ("", "", "no log line was seen within 0.6 s"),
    ("\n\n", "", "no log line was seen"),
    (line("torn")[:40], "exec sleep 60", "no log line was seen"),
    (line("whole"), "echo 'Error: Could not find App' >&2; exit 1", "failed: Could not find App"),
    ("", "echo 'Error: unauthorized' >&2; exit 1", "failed: unauthorized"),
    (line("torn")[:40], "", "prints no log line but"),
    (line("one") + "Update available!\n" + line("two"), "", "prints no log line but 'Update available!"),
    ("[]\n", "", "prints JSON that is no log line: []"),
    ("{}\n", "", "prints JSON that is no log line: {}"),
    ('{"message": 1, "timestamp": "2026-11-24T11:00:00Z"}\n', "", "prints JSON that is no log line"),
    (line("x", stamp="yesterday"), "", "gives a log line the time 'yesterday', which is none"),
    (line("x", stamp="2026-11-24T11:00:00"), "", "which is none"),
    ("[" * 100_000, "", "prints no log line but"),
    (b"\x00\xff\xfe\x1b[2J", "", "prints no log line but"),
    ("<html>502 Bad Gateway</html>", "", "prints no log line but '<html>502"),
]


@pytest.mark.parametrize(("printed", "then", "sentence"), NOTHING_SEEN)
def test_nothing_seen_is_an_error_and_never_an_absence(
    listened: Callable[..., Observation], printed: str | bytes, then: str, sentence: str
) -> None:
    seen = listened(printed, then)

    assert seen.error is not None
    assert sentence in seen.error
    assert "\n" not in seen.error
    assert len(seen.error) < 500
    with pytest.raises(CouldNotLook):
        seen.read(Logs.parse)


def test_garbage_without_an_end_ends_at_the_deadline(listened: Callable[..., Observation]) -> None:
    seen = listened("", "exec yes '{\"message\": '")

    assert seen.error is not None
    assert "prints no log line" in seen.error


def test_without_a_cli_it_says_so(tmp_path: Path) -> None:
    with LooseWorld(tmp_path, environment={"FLYCTL_BIN": str(tmp_path / "nothing")}) as world:
        seen = world.look("log_buffer")

    assert seen.error is not None
    assert "which is no program" in seen.error


def test_only_the_edges_of_what_was_left_out_may_be_torn() -> None:
    cut = line("one") + line("two")[:30] + "\n[… 99 bytes left out …]\n" + line("three")[40:] + line("four")

    assert [one.message for one in log_stream(cut, ended=True).lines] == ["one", "four"]
    with pytest.raises(Unreadable):
        log_stream("rubbish\n" + cut, ended=True)
    with pytest.raises(Unreadable):
        log_stream(cut + "rubbish\n", ended=True)
