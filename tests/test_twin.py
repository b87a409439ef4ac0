"""The twin in health: what its edge, its app and its platform answer, over real sockets."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import ssl
import sys
import time
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.twin import Twin
from fixtures.twin.faults import inject
from fixtures.twin.http_server import Answer
from fixtures.twin.upstream import ProcessUpstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fixtures.twin.http_server import Request
    from fixtures.twin.records import Machine
    from fixtures.twin.state import State

HEADERS = {
    "x-frame-options": "SAMEORIGIN",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "1; mode=block",
    "referrer-policy": "strict-origin-when-cross-origin",
}


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin(machines=3) as running:
        yield running


@pytest.fixture
def fresh() -> Iterator[Twin]:
    with Twin(machines=3) as running:
        yield running


def ask(
    twin: Twin, target: str, method: str = "GET", *, url: str = "", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    place = urllib.parse.urlsplit(url or twin.url)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if place.scheme == "https":
        trust = ssl.create_default_context(cafile=str(twin.ca_file))
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(place.netloc, timeout=20, context=trust)
    else:
        connection = http.client.HTTPConnection(place.netloc, timeout=20)
    try:
        connection.request(method, target, headers=names)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def platform(twin: Twin, target: str, method: str = "GET") -> Any:  # noqa: ANN401 - any JSON
    status, _, body = ask(twin, target, method, url=twin.api_url, authorization="Bearer twin-token")
    assert status == 200, body
    return json.loads(body)


def test_it_starts_fast() -> None:
    start = time.process_time()
    with Twin():
        assert time.process_time() - start < 0.3


@pytest.mark.parametrize(
    "path", ["/", "/api/simple-health", "/nothing-here", "/paintbox.svg", "/.well-known/jwks.json"]
)
def test_every_kind_of_answer_has_the_security_headers(twin: Twin, path: str) -> None:
    _, headers, _ = ask(twin, path)
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    assert "x-powered-by" not in headers


def test_the_edge_leaves_its_mark(twin: Twin) -> None:
    _, headers, _ = ask(twin, "/")
    assert headers["server"].startswith("Fly/")
    assert headers["via"] == "1.1 fly.io"
    assert headers["fly-request-id"].endswith("-sjc")


CERTIFICATES = {
    "certificate-expired": "certificate has expired",
    "certificate-wrong-host": "IP address mismatch",
    "certificate-untrusted": "certificate verify failed",
}


@pytest.mark.parametrize("fault", CERTIFICATES)
def test_a_wrong_certificate_is_not_trusted(fault: str) -> None:
    with Twin(faults=[fault]) as twin, pytest.raises(ssl.SSLCertVerificationError, match=CERTIFICATES[fault]):
        ask(twin, "/")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("faults", "agreed"), [((), None), (("tls-old",), "TLSv1.1")])
def test_old_tls_is_spoken_only_when_that_is_the_fault(faults: tuple[str, ...], agreed: str | None) -> None:
    with Twin(faults=faults) as twin:
        old = ssl.create_default_context(cafile=str(twin.ca_file))
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        old.check_hostname = False
        old.set_ciphers("ALL:@SECLEVEL=0")
        address = ("127.0.0.1", urllib.parse.urlsplit(twin.url).port or 0)
        version = None
        plain = socket.create_connection(address, 5)
        with contextlib.suppress(ssl.SSLError, ConnectionError), plain, old.wrap_socket(plain) as secure:
            version = secure.version()
    assert version == agreed


def test_plain_http_is_led_to_https(twin: Twin) -> None:
    status, headers, _ = ask(twin, "/x?y=1", url=twin.http_url)
    assert (status, headers["location"]) == (301, f"{twin.url}/x?y=1")


def test_health_has_the_shape_of_the_real_app(twin: Twin) -> None:
    status, headers, body = ask(twin, "/api/health")
    told = json.loads(body)
    assert (status, headers["x-health-status"], told["status"]) == (200, "healthy", "healthy")
    assert {name: part["status"] for name, part in told["checks"].items()} == dict.fromkeys(
        ("memory", "jwks", "storage"), "pass"
    )
    assert set(told) == {"status", "timestamp", "service", "version", "environment", "uptime", "memory", "checks"}


def test_the_key_set_holds_public_keys_and_the_rewrite_serves_the_same(twin: Twin) -> None:
    _, headers, body = ask(twin, "/.well-known/jwks.json")
    assert headers["x-jwks-source"] == "aws"
    assert [set(key) for key in json.loads(body)["keys"]] == [{"kty", "use", "kid", "alg", "n", "e"}] * 2
    assert ask(twin, "/api/.well-known/jwks.json")[2] == body


def test_a_repeated_request_is_answered_with_304(twin: Twin) -> None:
    _, headers, _ = ask(twin, "/")
    status, again, body = ask(twin, "/", if_none_match=headers["etag"])
    assert (status, body, again["etag"]) == (304, b"", headers["etag"])


def test_text_is_compressed_when_asked_for(twin: Twin) -> None:
    _, headers, body = ask(twin, "/", accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == ask(twin, "/")[2]


def test_cors_grants_the_apps_own_origins_only(twin: Twin) -> None:
    preflight = {"access_control_request_method": "GET"}
    _, own, _ = ask(twin, "/api/health", "OPTIONS", origin="https://paintbox.fly.dev", **preflight)
    _, foreign, _ = ask(twin, "/api/health", "OPTIONS", origin="https://foreign.example", **preflight)
    assert own["access-control-allow-origin"] == "https://paintbox.fly.dev"
    assert "access-control-allow-origin" not in foreign


def test_writes_are_refused(twin: Twin) -> None:
    status, headers, _ = ask(twin, "/api/.well-known/jwks.json", "POST")
    assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_a_head_request_to_the_key_set_always_says_200(fresh: Twin) -> None:
    assert ask(fresh, "/api/.well-known/jwks.json", "HEAD")[0] == 200


def test_a_burst_is_met_with_429(fresh: Twin) -> None:
    machine = fresh.state.machines[0].id
    answers = [ask(fresh, "/api/.well-known/jwks.json", fly_force_instance_id=machine) for _ in range(12)]
    assert [status for status, _, _ in answers] == [200] * 10 + [429] * 2
    assert 0 < int(answers[-1][1]["retry-after"]) <= 60


def test_requests_are_spread_over_the_machines() -> None:
    asked: list[str] = []

    class Listening:
        def answer(self, machine: Machine, request: Request) -> Answer:
            asked.append(f"{machine.id} {request.headers['x-forwarded-proto']}")
            return Answer(200)

        def close(self) -> None:
            asked.append("closed")

    with Twin(machines=3, upstream=lambda _: Listening()) as twin:
        for _ in range(6):
            ask(twin, "/")
        ids = [machine.id for machine in twin.state.machines]
    assert sorted(asked) == sorted([*(f"{each} https" for each in ids * 2), "closed"])


SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{os.environ['NAME']} {self.headers['fly-region']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.HTTPServer((os.environ["HOSTNAME"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def test_a_real_process_can_stand_behind_each_machine(tmp_path: Path) -> None:
    def processes(state: State) -> ProcessUpstream:
        return ProcessUpstream(state, [sys.executable, "-c", SERVER], tmp_path, lambda machine: {"NAME": machine.name})

    with Twin(machines=2, upstream=processes) as twin:
        answers = {ask(twin, "/x?y=1")[2].decode() for _ in range(4)}
        assert answers == {f"{machine.name} sjc /x?y=1" for machine in twin.state.machines}


def test_a_process_that_does_not_start_is_a_502(tmp_path: Path) -> None:
    def processes(state: State) -> ProcessUpstream:
        return ProcessUpstream(state, [sys.executable, "-c", ""], tmp_path, lambda _: {})

    with Twin(upstream=processes) as twin:
        assert ask(twin, "/")[0] == 502


def test_a_forced_machine_answers_and_an_unknown_one_does_not(twin: Twin) -> None:
    asked = twin.state.machines[1]
    _, _, body = ask(twin, "/api/simple-health", fly_force_instance_id=asked.id)
    assert json.loads(body)["uptime"] == pytest.approx(
        (twin.state.now() - asked.booted).total_seconds() if asked.booted else 0, abs=3
    )
    assert ask(twin, "/", fly_force_instance_id="148e00000000ff")[0] == 502


def test_a_sleeping_machine_wakes_for_a_request(fresh: Twin) -> None:
    for machine in fresh.state.machines:
        machine.state = "stopped"
    assert ask(fresh, "/")[0] == 200
    assert [machine.state for machine in fresh.state.machines].count("started") == 1
    assert fresh.state.machines[0].events[1].source == "proxy"


def test_nothing_serves_when_no_machine_may_wake(fresh: Twin) -> None:
    inject(fresh.state, "no-machine-running")
    assert ask(fresh, "/")[0] == 503


def test_the_platform_wants_the_token(twin: Twin) -> None:
    assert ask(twin, "/v1/apps/paintbox/machines", url=twin.api_url)[0] == 401
    assert ask(twin, "/v1/apps/paintbox/machines", url=twin.api_url, authorization="Bearer wrong")[0] == 401


def test_machines_are_as_fly_toml_asks(twin: Twin) -> None:
    told = platform(twin, "/v1/apps/paintbox/machines")
    assert [each["config"]["guest"] for each in told] == [{"cpu_kind": "shared", "cpus": 2, "memory_mb": 2048}] * 3
    assert {each["state"] for each in told} == {"started"}
    assert {check["status"] for each in told for check in each["checks"]} == {"passing"}
    assert {check["name"] for check in told[0]["checks"]} == {
        "servicecheck-00-http-8080",
        "servicecheck-01-http-8080",
        "tcp",
    }


def test_each_machine_has_a_volume_with_a_snapshot_of_today(twin: Twin) -> None:
    volumes = platform(twin, "/v1/apps/paintbox/volumes")
    assert sorted(each["attached_machine_id"] for each in volumes) == sorted(
        machine.id for machine in twin.state.machines
    )
    snapshots = platform(twin, f"/v1/apps/paintbox/volumes/{volumes[0]['id']}/snapshots")
    assert max(each["created_at"] for each in snapshots) > twin.state.ago(hours=24).strftime("%Y-%m-%dT")


QUERIES = {
    'sum by (status) (increase(fly_edge_http_responses_count{app="paintbox",status=~"5.."}[1h]))': [],
    'sum(increase(fly_edge_http_responses_count{app="paintbox"}[1h]))': [4611.0],
    'sum(increase(fly_edge_http_responses_count{app="other"}[1h]))': [],
    'max_over_time(fly_instance_exit_oom{app="paintbox"}[1d]) > 0': [],
    '100 * (1 - fly_instance_memory_mem_available{app="paintbox"} / fly_instance_memory_mem_total{app="paintbox"})': [
        12.0
    ]
    * 3,
}


@pytest.mark.parametrize("query", QUERIES)
def test_metrics_answer_what_the_runbook_asks(twin: Twin, query: str) -> None:
    told = platform(twin, f"/prometheus/personal/api/v1/query?{urllib.parse.urlencode({'query': query})}")
    assert [float(each["value"][1]) for each in told["data"]["result"]] == QUERIES[query]


def test_a_fault_can_heal(fresh: Twin) -> None:
    inject(fresh.state, "app-broken", heal_after_seconds=0.2)
    assert ask(fresh, "/")[0] == 500
    assert fresh.state.wait_until(lambda: not fresh.state.app.broken, 5)
    assert ask(fresh, "/")[0] == 200
