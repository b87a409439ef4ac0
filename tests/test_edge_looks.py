"""Looks at the edge and what is read off them: samples, redirects, certificates, bursts, and hosts that mean harm."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from failing import SHORT_SECONDS
from hostile_server import HostileServer
from runs import environment, run_pytest
from worlds import LooseWorld

import fixtures.fleet
import fixtures.latency
from fixtures.certificate import Certificate
from fixtures.latency import LostRequests, ResponseTimes, rank
from fixtures.looks import CouldNotLook, Unreadable
from fixtures.passage import Passage
from fixtures.plain_http import PlainHttp
from fixtures.rate_limit import Burst, Refusal
from fixtures.target import load_target
from fixtures.tls import TlsFacts
from fixtures.twin import Twin
from fixtures.twin.http_server import Answer, Request, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runs import Finished

    from fixtures.looks import Json

assert fixtures.fleet.fly_machines  # the looks are declared
CLOCK = datetime(2026, 11, 24, 12, tzinfo=UTC)
SMOKE_REQUESTS = 40
HEALTH = {"asked": "", "tries": 1, "status": 200}  # the subject has answered: no look needs to ask that again


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


def base(server: HostileServer) -> str:
    """The server's URL, as targets have it."""
    return server.url("").rstrip("/")


@pytest.fixture
def world(tmp_path: Path, hostile: HostileServer) -> Iterator[Callable[..., LooseWorld]]:
    """Make a world whose target is the hostile server, with these values."""
    made: list[LooseWorld] = []

    def make(**values: Json) -> LooseWorld:
        here: dict[str, Json] = {
            "url": hostile.url("").rstrip("/"),
            "requests.timeout_seconds": SHORT_SECONDS,
            "requests.retries": 0,
        }
        target = load_target("production").with_values({**here, **values}, "this test")
        one = LooseWorld(tmp_path / str(len(made)), target=target)
        one.give("simple_health", HEALTH)
        made.append(one)
        return one

    yield make
    for one in made:
        with one:
            pass


# Samples


def sampled(monkeypatch: pytest.MonkeyPatch, world: LooseWorld, outcomes: list[float | str]) -> dict[str, Any]:
    """What the look records when the requests to its one path turn out like this, the cold one first."""
    left = iter(outcomes)
    monkeypatch.setattr(fixtures.latency, "_sample", lambda *_: next(left))
    value: Any = world.look("latency", "edge").value
    assert list(left) == []
    return {**value[0], "value": value}


@pytest.mark.parametrize(
    ("quick", "outcomes", "slow", "lost"),
    [
        (True, [9.0] + [0.1] * 5, [], []),
        (True, [0.1] * 4 + [3.0] + [0.1] * 6, [], []),  # one slow answer: as many samples as tell chance from a fault
        (True, [0.1] * 4 + ["it answers 502"] + [0.1] * 6, [], []),
        (
            True,
            [0.1, 3.0, 0.1, 3.0],
            ["2 of 3 requests to", "took 2 s or more; the slowest took 3.00 s, the very first one 0.10 s"],
            [],
        ),
        (True, [0.1, "it answers 502", 0.1, "it answers 502"], [], ["2 of 3 requests"]),
        (False, [0.1] * 11, [], []),
        (False, [0.1] * 10 + [2.0], [], []),
        (False, [0.1] * 9 + [2.0] * 2, ["2 of 10 requests to", "the slowest took 2.00 s"], []),
        (False, ["reset"] + [0.1] * 9 + ["it answers 502"], [], []),
        (False, [0.1] * 9 + [2.0, "it answers 502"], ["1 of 10 requests to", "took 2 s or more, 1 failed"], []),
    ],
)
def test_one_slow_or_lost_answer_is_chance_and_two_are_not(
    world: Callable[..., LooseWorld],
    monkeypatch: pytest.MonkeyPatch,
    *,
    quick: bool,
    outcomes: list[float | str],
    slow: list[str],
    lost: list[str],
) -> None:
    here = world(**{"latency.paths": ["/"]})
    here.quick = quick

    value = sampled(monkeypatch, here, outcomes)["value"]

    for words, told in (
        (slow, ResponseTimes.parse(value).slow(here.target.latency)),
        (lost, LostRequests.parse(value).beyond(here.target.latency)),
    ):
        assert len(told) == bool(words)
        assert all(word in sentence for word in words for sentence in told)


@pytest.mark.parametrize(
    ("late", "wanted"),
    [([], [5, 5, 5]), (["/b"], [5, 10, 5]), (["/a", "/c"], [9, 5, 9]), (["/a", "/b", "/c"], [8] * 3)],
)
def test_a_smoke_run_shares_a_few_more_among_all_paths(
    world: Callable[..., LooseWorld], monkeypatch: pytest.MonkeyPatch, late: list[str], wanted: list[int]
) -> None:
    here = world(**{"latency.paths": ["/a", "/b", "/c"]})
    here.quick = True
    asked: Counter[str] = Counter()

    def once_late(_world: object, _subject: object, path: str) -> float:
        asked[path] += 1
        return 3.0 if path in late and asked[path] == 3 else 0.1

    monkeypatch.setattr(fixtures.latency, "_sample", once_late)
    times = here.look("latency", "edge")
    expected = here.target.latency

    assert [one.count for one in times.read(ResponseTimes.parse).paths] == wanted
    assert sum(wanted) <= 3 * expected.smoke_samples + expected.smoke_spare_samples
    assert times.read(ResponseTimes.parse).slow(expected) == []


def test_samples_are_kept_for_reports(world: Callable[..., LooseWorld], monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(**{"latency.paths": ["/ok"], "latency.samples": 2})
    value = sampled(monkeypatch, here, [0.3, 0.1, 0.2])
    url = f"{here.target.url}/ok"

    assert value["value"] == [{"path": "/ok", "url": url, "cold_seconds": 0.3, "seconds": [0.1, 0.2], "failures": []}]


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (2, 2), (5, 5), (9, 9), (10, 9), (20, 18), (100, 90)])
def test_the_percentile_is_one_of_the_values(count: int, expected: int) -> None:
    assert rank(count, 90) == expected


@pytest.mark.parametrize(
    ("path", "failure"),
    [
        ("/reset", "reset the connection without an answer"),
        ("/endless-body", "sends more than 1048576 bytes of body"),
        ("/body-shorter", "ended its body 984 bytes before the length it gave"),
        ("/cut-headers", "closed the connection in the middle of its headers"),
        ("/nonsense", "it answers 404"),
    ],
)
def test_a_hostile_path_is_lost_not_slow(world: Callable[..., LooseWorld], path: str, failure: str) -> None:
    times = world(**{"latency.paths": ["/ok", path]}).look("latency", "edge")

    (lost,) = times.read(LostRequests.parse).beyond(load_target("production").latency)
    assert lost.startswith("2 of 2 requests to http://")
    assert failure in lost
    with pytest.raises(CouldNotLook, match=f"no request to .*{path} was answered: "):
        times.read(ResponseTimes.parse)


def test_a_path_that_never_answers_is_slow(world: Callable[..., LooseWorld]) -> None:
    here = world(**{"latency.paths": ["/silent"], "latency.limit_seconds": 0.4})
    times, expected = here.look("latency", "edge"), here.target.latency
    (told,) = times.read(ResponseTimes.parse).slow(expected)

    assert told.startswith("2 of 2 requests to ")
    assert "took 0.4 s or more; the slowest took 0.50 s" in told
    assert times.read(LostRequests.parse).beyond(expected) == []


def test_a_budget_that_is_spent_is_no_failure_of_the_app(world: Callable[..., LooseWorld]) -> None:
    times = world(**{"latency.paths": ["/ok"], "requests.maximum": 3}).look("latency", "edge")

    assert times.error is not None
    assert "the 3 requests that a run may send to paintbox are spent (this test [requests] maximum)" in times.error


# Plain HTTP


def exchange(status: int, name: str, value: str | None) -> dict[str, Any]:
    """A recorded exchange with http://a.example/x, with one header or none."""
    texts = ("reason", "asked", "body", "body_decoded_as", "content_encoding", "peer", "started")
    numbers = ("encoded_bytes", "decoded_bytes", "seconds", "first_byte_seconds")
    return {
        **dict.fromkeys(texts, ""),
        **dict.fromkeys(numbers, 0),
        "method": "GET",
        "url": "http://a.example/x",
        "http_version": "1.1",
        "reused": False,
        "tls": None,
        "status": status,
        "headers": [] if value is None else [[name, value]],
        "redirects": [],
    }


def led(status: int, location: str | None) -> tuple[str, ...]:
    """What is wrong with a redirect that should lead to https://a.example/x."""
    answer = exchange(status, "Location", location)
    return PlainHttp.parse({"secure": "https://a.example/x", "exchange": answer}).faults


@pytest.mark.parametrize(
    ("status", "location", "fault"),
    [
        (301, "https://a.example/x", None),
        (308, "https://A.example:443/x#top", None),
        (302, "https://a.example/x", "redirects by 302, which no client remembers"),
        (301, "/x", "leads to /x"),
        (301, "https://a.example/", "leads to https://a.example/"),
        (301, "https://b.example/x", "leads to https://b.example/x"),
        (301, "https://a.example:8443/x", "leads to https://a.example:8443/x"),
        (301, "https://a.example:port/x", "leads to"),
        (301, "http://[", "leads to a malformed URL"),
        (301, None, "answers 301 and leads nowhere"),
        (200, None, "answers 200 and leads nowhere"),
        (304, "https://a.example/x", "answers 304 and leads nowhere"),
    ],
)
def test_plain_http_must_lead_to_the_same_place(status: int, location: str | None, fault: str | None) -> None:
    faults = led(status, location)

    assert len(faults) == (fault is not None)
    assert all(str(fault) in one for one in faults)


@pytest.mark.parametrize("path", ["/reset", "/endless-header", "/ssh-banner", "/silent"])
def test_a_hostile_plain_side_is_not_judged(
    world: Callable[..., LooseWorld], hostile: HostileServer, path: str
) -> None:
    plain: dict[str, Json] = {"edge.plain_url": base(hostile), "health_checks.simple.path": path}
    seen = world(**plain).look("plain_http", "edge")

    assert seen.error is not None
    assert seen.error.startswith(base(hostile))


# Certificates


def shown(problem: str | None = None, days: float = 60) -> Certificate:
    """A certificate that ends so many days from now."""
    end = (CLOCK + timedelta(days=days)).isoformat()
    return Certificate("a.example", TlsFacts("TLSv1.3", "x", "CN=Some CA", ("a.example",), "", end, problem=problem))


@pytest.mark.parametrize(
    ("certificate", "distrust", "days"),
    [
        (shown(), None, 60),
        (shown(days=0.5), None, 0),
        (shown("tls-expired", days=-0.5), None, -1),  # the days tell
        (shown("tls-expired", days=60), "a certificate above it has expired", 60),
        (shown("tls-untrusted"), "no authority that clients trust", 60),
        (shown("tls-wrong-host"), "it is for another host: CN=Some CA made it for a.example", 60),
    ],
)
def test_distrust_and_days_are_told_apart(certificate: Certificate, distrust: str | None, days: int) -> None:
    told = certificate.distrust(CLOCK)

    assert certificate.days_left(CLOCK) == days
    assert (told is None) if distrust is None else distrust in str(told)


@pytest.mark.parametrize(
    ("minimum", "newest", "old"), [("1.2", "1.3", None), ("1.3", "1.3", "TLSv1.2"), ("1.3", "1.2", "TLSv1.2")]
)
def test_a_target_may_refuse_more_than_the_oldest_versions(
    world: Callable[..., LooseWorld], tmp_path: Path, minimum: str, newest: str, old: str | None
) -> None:
    import ssl  # noqa: PLC0415 - only here

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[newest]
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HostileServer(context) as server:
        here = world(**{"url": f"https://127.0.0.1:{server.port}", "certificate.minimum_tls": minimum})
        here.environment = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        certificate = here.look("handshakes", "edge").read(Certificate.parse)

    assert (certificate.facts.problem, certificate.facts.old_version) == (None, old)
    assert here.sent == 0


def test_a_target_without_https_has_no_certificate(world: Callable[..., LooseWorld]) -> None:
    assert "is no https URL: there is no certificate" in str(world().look("handshakes", "edge").error)


# Bursts


def machines(folder: Path) -> Json:
    """What the Fly CLI tells of the machines of a healthy twin."""
    with Twin() as twin, LooseWorld(folder, environment=twin.environment) as world:
        return world.look("fly_machines").value


def test_a_burst_ends_with_the_first_refusal(world: Callable[..., LooseWorld], tmp_path: Path) -> None:
    asked: list[str | None] = []

    def limited(request: Request) -> Answer:
        asked.append(request.headers.get("fly-force-instance-id"))
        refused = len(asked) > 4
        return Answer(429 if refused else 200, b"", (("Retry-After", "9"),) if refused else ())

    server = Server(limited)
    here = world(**{"url": f"http://127.0.0.1:{server.port}", "rate_limit.burst_requests": 22})
    here.give("fly_machines", machines(tmp_path / "fleet"))
    burst = here.look("burst", "edge")
    server.stop()

    assert burst.read(Burst.parse).statuses == (200, 200, 200, 200, 429)
    assert burst.read(Refusal.parse).retry_after == "9"
    assert len(asked) == here.sent == 5
    assert len(set(asked)) == 1
    assert asked[0]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("30", True),
        ("Tue, 24 Nov 2026 12:00:30 GMT", True),
        ("0", False),
        ("-1", False),
        ("soon", False),
        ("", False),
        ("9" * 5000, True),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_refusal_says_when_to_come_back(told: str, expected: bool) -> None:  # noqa: FBT001 - a table
    refusal = Refusal.parse({"refusal": exchange(429, "Retry-After", told), "url": "http://a.example/x"})

    assert (refusal.retry_after is not None) is expected


def test_without_a_refusal_there_is_nothing_to_read() -> None:
    with pytest.raises(Unreadable, match="there is no 429 to read"):
        Refusal.parse({"refusal": None, "url": "http://a.example"})


# The whole


def test_an_answer_that_a_proxy_made_tells_nothing_of_the_way() -> None:
    with pytest.raises(Unreadable, match="refused the connection"):
        Passage.parse({"failed": "https://a.example refused the connection"})


class SlowOnce(dict[str, float]):
    """Paths that are slow once, at this request, however often they are asked."""

    def __init__(self, paths: tuple[str, ...], number: int) -> None:
        super().__init__(dict.fromkeys(paths, 2.2))
        self.left = dict.fromkeys(paths, number)

    def get(self, path: str, default: Any = 0.0) -> Any:  # noqa: ANN401 - as dict has it
        """How slow a path is this time, seconds."""
        if path not in self.left:
            return default
        self.left[path] -= 1
        return default if self.left[path] else self[path]


def smoke_run(folder: Path, slow: SlowOnce) -> tuple[Finished, list[str]]:
    """A smoke run as if on production, and the methods of the requests that the edge saw."""
    with Twin() as twin:
        twin.state.app.slow_seconds = slow
        target = folder / "little.toml"
        target.write_text(
            f'extends = "production"\nurl = "{twin.url}"\n[edge]\nplain_url = "{twin.http_url}"\n', encoding="utf-8"
        )
        own = environment(**twin.environment, SSL_CERT_FILE=str(twin.ca_file))
        run = run_pytest("-m", "smoke", f"--target={target}", reports=folder / "runs", env=own)
        return run, [one.method for one in twin.state.asked if one.surface == "edge"]


def test_a_smoke_run_is_a_polite_guest(tmp_path: Path) -> None:
    run, asked = smoke_run(tmp_path, SlowOnce((), 0))

    assert set(run.verdicts().values()) == {"passed"}, run.text
    assert set(asked) <= {"GET", "HEAD", "OPTIONS"}
    assert len(asked) == run.summary["requests"]["paintbox"] <= SMOKE_REQUESTS


@pytest.mark.slow
def test_a_smoke_run_stays_polite_where_every_path_is_slow_once(tmp_path: Path) -> None:
    run, asked = smoke_run(tmp_path, SlowOnce(load_target("production").latency.paths, 6))
    (observation,) = (one for one in run.record.observations.values() if one["look"] == "latency")

    assert [len([s for s in path["seconds"] if s > 2]) for path in observation["value"]] == [1, 1, 1], run.text
    assert [len(path["seconds"]) for path in observation["value"]] == [8, 8, 8]
    assert set(run.verdicts().values()) == {"passed"}, run.text
    assert len(asked) <= SMOKE_REQUESTS


@pytest.mark.slow
def test_a_flaky_edge_is_told(tmp_path: Path) -> None:
    run = run_pytest("-m", "smoke", "-k", "MET-1", "--target=twin", "--twin-fault=edge-flaky", reports=tmp_path)

    assert re.search(r"\n  observed   2 of \d requests to https://\S+ failed: it answers 502", run.text), run.text
