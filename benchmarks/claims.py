"""The 25 claims about an app over HTTP that every runner judges, and how its users would write them for it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Literal

from fixtures.twin.light_content import ICON, SCRIPT, STYLE


@dataclass(frozen=True)
class Claim:
    """`path` answers `status`, and a header line or the body has `text` in it."""

    path: str
    part: Literal["header", "body"]
    text: str
    status: int = 200


def _headers(path: str, *lines: str, status: int = 200) -> list[Claim]:
    return [Claim(path, "header", line, status) for line in lines]


def _body(path: str, *texts: str, status: int = 200) -> list[Claim]:
    return [Claim(path, "body", text, status) for text in texts]


CLAIMS = [
    *_headers("/", "X-Frame-Options: SAMEORIGIN", "X-Content-Type-Options: nosniff", "X-XSS-Protection: 1; mode=block"),
    *_headers("/", "Referrer-Policy: strict-origin-when-cross-origin", "Content-Type: text/html"),
    *_body("/", "<h1>Paintbox</h1>"),
    *_headers("/api/simple-health", "Content-Type: application/json", "Cache-Control: no-store"),
    *_body("/api/simple-health", '"status":"ok"', '"uptime":'),
    *_headers("/api/health", "X-Health-Status: healthy", "X-Content-Type-Options: nosniff"),
    *_body("/api/health", '"status":"healthy"', '"storage":'),
    *_headers("/api/metrics", "Content-Type: text/plain"),
    *_body("/api/metrics", "paintbox_uptime_seconds ", "paintbox_health_status 1"),
    *_headers("/.well-known/jwks.json", "Cache-Control: public", "X-JWKS-Source: aws"),
    *_body("/.well-known/jwks.json", '"keys":['),
    *_body("/api/.well-known/jwks.json", '"kty":"RSA"'),
    *_headers("/no-such-page", "X-Frame-Options: SAMEORIGIN", status=404),
    *_headers(SCRIPT, "Cache-Control: public, max-age=31536000, immutable"),
    *_headers(STYLE, "Content-Type: text/css"),
    *_headers(ICON, "Content-Type: image/svg+xml"),
]
PATHS = list(dict.fromkeys(claim.path for claim in CLAIMS))

RUNBOOK = '''"""The claims, as a chapter of the runbook: one look for each path, and a check for each claim."""

import pytest

from fixtures.looks import Observation, Seen, World, look
from fixtures.plan import item
from fixtures.subject import Subject, ask
from fixtures.transcript import Exchange

pytestmark = pytest.mark.smoke


def seen(world: World, path: str) -> Seen:
    exchange = ask(world, Subject("edge", world.target.url), "GET", path)
    return Seen(exchange.asked, exchange.as_json(), f"{exchange.status} in {exchange.seconds} s")


def header_lines(answer: Exchange) -> str:
    return "\\n".join(f"{name}: {value}" for name, value in answer.headers)


def body_lines(answer: Exchange) -> str:
    return answer.content.decode()
'''
RUNBOOK_LOOK = '''

@look("edge", seconds=20)
def answer_{path}(world: World) -> Seen:
    """Ask {where}."""
    return seen(world, {where!r})
'''
RUNBOOK_CHECK = '''

@item("HLT-1", expects="{{url}} answers as documented")
def test_{n}(answer_{path}: Observation) -> None:
    """{where} has it in its {part}."""
    answer = answer_{path}.read(Exchange.from_json)

    assert answer.status == {status}, f"{{answer.url}} answers {{answer.status}}"
    assert {text!r} in {part}_lines(answer), f"{{answer.url}} lacks it"
'''
PLAIN = """import os

import pytest
import requests


@pytest.fixture(scope="session")
def app():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def header_lines(answer):
    return "\\n".join(f"{name}: {value}" for name, value in answer.headers.items())


def body_lines(answer):
    return answer.text
"""
PLAIN_CHECK = """

def test_{n}(app):
    answer = app.get(os.environ["APP_URL"] + {where!r}, timeout=12)

    assert answer.status_code == {status}
    assert {text!r} in {part}_lines(answer)
"""
ROBOT = """*** Settings ***
Library    Collections
Library    RequestsLibrary
Suite Setup    Create Session    app    %{APP_URL}    timeout=12

*** Test Cases ***
"""
ROBOT_HEADER = """Claim {n}
    ${{answer}}=    GET On Session    app    {where}    expected_status={status}
    Should Contain    ${{answer.headers}}[{name}]    {value}

"""
ROBOT_BODY = """Claim {n}
    ${{answer}}=    GET On Session    app    {where}    expected_status={status}
    Should Contain    ${{answer.text}}    {text}

"""


def runbook() -> str:
    """A chapter for this runbook."""
    looks = "".join(RUNBOOK_LOOK.format(path=PATHS.index(path), where=path) for path in PATHS)
    return RUNBOOK + looks + "".join(RUNBOOK_CHECK.format(path=PATHS.index(c.path), **_facts(n, c)) for n, c in _each())


def plain() -> str:
    """A test file for pytest and requests, with one session for all."""
    return PLAIN + "".join(PLAIN_CHECK.format(**_facts(n, claim)) for n, claim in _each())


def robot() -> str:
    """A suite for Robot Framework and its library for requests, with one session for all."""
    return ROBOT + "".join(
        ROBOT_HEADER.format(**_facts(n, claim), name=claim.text.partition(": ")[0], value=claim.text.partition(": ")[2])
        if claim.part == "header"
        else ROBOT_BODY.format(**_facts(n, claim))
        for n, claim in _each()
    )


def check_http(program: str, port: int) -> str:
    """A shell script that starts the plugin once for each claim, as a monitoring server does."""
    lines = [
        [program, "-H", "127.0.0.1", "-p", str(port), "-u", claim.path, "-e", str(claim.status), "-t", "12"]
        + (["-d", claim.text] if claim.part == "header" else ["-s", claim.text])
        for claim in CLAIMS
    ]
    return "set -e\n" + "".join(f"{shlex.join(line)}\n" for line in lines)


def _each() -> list[tuple[int, Claim]]:
    return list(enumerate(CLAIMS, start=1))


def _facts(number: int, claim: Claim) -> dict[str, object]:
    return {"n": number, "where": claim.path, "status": claim.status, "text": claim.text, "part": claim.part}
