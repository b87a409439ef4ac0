"""An exchange comes whole, says how it came about, and stays within what it may use."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from failing import AMPLE_SECONDS, GRACE_SECONDS, SHORT_SECONDS, failure
from hostile_server import HELLO, HostileServer

from fixtures.budget import Budget
from fixtures.exchange import Client, Exchange, ExchangeFailed
from fixtures.looks import Unreadable
from fixtures.target import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


HEALTHY = ["ok", "repeated-headers", "no-length", "chunked", "early-hints", "gzip", "deflate", "bare-deflate"]


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_answer_comes_whole(hostile: HostileServer, client: Client, name: str) -> None:
    seen = client.exchange("GET", hostile.url(name), seconds=AMPLE_SECONDS)

    assert (seen.status, seen.reason, seen.http_version) == (200, "OK", "HTTP/1.1")
    assert seen.json() == {"status": "ok"}
    assert seen.decoded_bytes == len(HELLO)
    assert 0 < seen.first_byte_seconds <= seen.seconds < AMPLE_SECONDS
    assert Exchange.from_json(json.loads(json.dumps(seen.as_json()))) == seen


def test_headers_are_kept_as_they_came(hostile: HostileServer, client: Client) -> None:
    seen = client.exchange("GET", hostile.url("repeated-headers"), seconds=AMPLE_SECONDS)

    assert seen.headers[1:] == (("Set-Cookie", "a=1"), ("X-Odd", "café"), ("set-cookie", "b=2"), ("X-Fold", "a b"))
    assert seen.values("SET-COOKIE") == ["a=1", "b=2"]
    assert seen.header("x-odd") == "café"
    assert seen.header("x-missing") is None


def test_bodies_say_how_they_were_read(hostile: HostileServer, client: Client) -> None:
    names = ("gzip", "latin-1-declared", "odd-charset", "binary", "not-modified")
    seen = [client.exchange("GET", hostile.url(name), seconds=AMPLE_SECONDS) for name in names]

    assert [(one.content, one.body_decoded_as) for one in seen] == [
        (HELLO, "utf-8"),
        ("café".encode("latin-1"), "iso-8859-1"),
        ("café".encode(), "utf-8"),
        (b"\x89PNG\xff", "base64"),
        (b"", "utf-8"),
    ]
    assert seen[0].content_encoding == "gzip"
    assert seen[0].encoded_bytes > seen[0].decoded_bytes


def test_a_body_that_was_not_kept_is_not_mistaken_for_an_empty_one(hostile: HostileServer, client: Client) -> None:
    seen = client.exchange("GET", hostile.url("ok"), seconds=AMPLE_SECONDS, keep_body=False)

    assert seen.decoded_bytes == len(HELLO)
    with pytest.raises(Unreadable, match="was not kept"):
        seen.json()


def test_a_record_that_holds_no_exchange_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="not a recorded exchange"):
        Exchange.from_json({"status": 200})


def test_connections_are_kept_open_and_asked_anew_when_they_were_closed(hostile: HostileServer, client: Client) -> None:
    first = client.exchange("GET", hostile.url("ok"), seconds=AMPLE_SECONDS)
    second = client.exchange("GET", hostile.url("once"), seconds=AMPLE_SECONDS)
    third = client.exchange("GET", hostile.url("ok"), seconds=AMPLE_SECONDS)

    assert [first.reused, second.reused, third.reused] == [False, True, False]
    assert third.tries == 1


def test_nothing_of_the_environment_is_used_unasked(
    hostile: HostileServer, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password canary\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    seen = client.exchange("GET", hostile.url("echo"), seconds=AMPLE_SECONDS)
    with Client(trust_env=True) as trusting:
        failed = failure(trusting, hostile.url("echo"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        known = trusting.exchange("GET", hostile.url("echo"), seconds=AMPLE_SECONDS)
        own = trusting.exchange(
            "GET", hostile.url("echo"), seconds=AMPLE_SECONDS, headers={"authorization": "Bearer mine"}
        )

    assert "Authorization" not in seen.body
    assert failed.reason_word == "proxy-failed"
    assert "was not asked: the proxy 127.0.0.1:1 refused the connection" in str(failed)
    assert "Authorization: Basic" in known.body
    assert "Bearer mine" in own.body
    assert "Basic" not in own.body


def test_cookies_are_not_kept(hostile: HostileServer, client: Client) -> None:
    client.exchange("GET", hostile.url("repeated-headers"), seconds=AMPLE_SECONDS)
    seen = client.exchange("GET", hostile.url("echo"), seconds=AMPLE_SECONDS)

    assert "cookie" not in seen.body.lower()


def test_sentences_and_commands_hold_no_secrets(hostile: HostileServer, client: Client) -> None:
    url = hostile.url("reset?token=canary").replace("://", "://someone:canary@")
    with pytest.raises(ExchangeFailed) as caught:
        client.exchange(
            "POST", url, seconds=AMPLE_SECONDS, headers={"Authorization": "canary", "Accept": "*/*"}, body=b"canary"
        )
    asked = caught.value.asked

    assert "canary" not in str(caught.value)
    assert str(caught.value).startswith(f"{hostile.url('reset')}?token=… reset the connection")
    assert asked.startswith("curl --include --request POST --header 'Authorization: …' --header 'Accept: */*'")
    assert "someone" not in asked


def test_a_header_that_cannot_be_sent_is_told_without_its_value(hostile: HostileServer, client: Client) -> None:
    for value in ("canary\n", "canary\u2028"):
        with pytest.raises(ExchangeFailed) as caught:
            client.exchange("GET", hostile.url("ok"), seconds=AMPLE_SECONDS, headers={"Authorization": value})

        assert caught.value.reason_word == "bad-request"
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://host/",
        "http://",
        "http://[::1",
        "http://host:99999/",
        "file:///etc",
        f"http://{'ü' * 70}/",
    ],
)
def test_what_is_no_url_is_not_asked(client: Client, url: str) -> None:
    assert failure(client, url).reason_word == "bad-url"


def test_faults_that_pass_are_tried_again_and_counted(hostile: HostileServer, client: Client) -> None:
    hostile.hits["flaky"] = 0
    seen = client.exchange("GET", hostile.url("flaky"), seconds=AMPLE_SECONDS, retries=2, backoff_seconds=0.01)
    failed = failure(client, hostile.url("flaky"), seconds=AMPLE_SECONDS, retries=1)

    assert (seen.status, seen.tries) == (200, 3)
    assert failed.tries == 2
    assert "(2 tries, " in str(failed)


def test_a_post_that_may_have_been_read_is_not_repeated(hostile: HostileServer, client: Client) -> None:
    with pytest.raises(ExchangeFailed, match=r"\(1 try, "):
        client.exchange("POST", hostile.url("reset"), seconds=AMPLE_SECONDS, retries=2, body=b"once")


def test_a_post_that_changes_nothing_is_repeated(hostile: HostileServer, client: Client) -> None:
    url = hostile.url("reset")
    with pytest.raises(ExchangeFailed, match=r"\(3 tries, "):
        client.exchange("POST", url, seconds=AMPLE_SECONDS, retries=2, backoff_seconds=0.01, repeatable=True)


@pytest.mark.parametrize("told", ["", "?0", "?0.2", "?soon"])
def test_429_is_waited_out_and_told(hostile: HostileServer, client: Client, told: str) -> None:
    hostile.hits["limited"] = 0
    seen = client.exchange("GET", hostile.url(f"limited{told}"), seconds=AMPLE_SECONDS, backoff_seconds=0.05)

    assert (seen.status, seen.tries, seen.waited_seconds) == (200, 2, 0.05)
    assert seen.seconds < seen.waited_seconds + GRACE_SECONDS


def test_429_is_an_answer_for_those_who_want_it(hostile: HostileServer, client: Client) -> None:
    seen = client.exchange("GET", hostile.url("limited-for-ever"), seconds=AMPLE_SECONDS, wait_out_429=False)

    assert (seen.status, seen.retry_after_seconds, seen.waited_seconds) == (429, 3600, 0)


def test_retry_after_is_read_in_seconds_and_as_a_date(hostile: HostileServer, client: Client) -> None:
    seen = client.exchange("GET", hostile.url("ok"), seconds=AMPLE_SECONDS)
    soon = datetime.now(UTC) + timedelta(seconds=30)
    dated = [
        soon.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Mon, 01 Jan 2001 00:00:00 GMT",
        "7",
        "-7",
        "9" * 400,
        "soon",
        "",
    ]
    given = [Exchange.from_json({**seen.as_json(), "headers": [["Retry-After", text]]}) for text in dated]

    assert 25 < given[0].retry_after_seconds <= 30
    assert [one.retry_after_seconds for one in given[1:]] == [0, 7, 0, float("inf"), 0, 0]


def test_closing_the_client_ends_a_wait(hostile: HostileServer) -> None:
    client = Client()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.exchange, "GET", hostile.url("limited?20"), seconds=30)
        hostile.hits["limited"] = 0
        while not hostile.hits["limited"]:
            threading.Event().wait(0.01)
        client.close()

        assert isinstance(waiting.exception(timeout=5), ExchangeFailed)


def test_the_budget_holds_for_all_threads(hostile: HostileServer, client: Client, tmp_path: Path) -> None:
    hostile.hits.clear()
    budget = Budget(tmp_path, load_target("production").with_values({"requests.maximum": 10}, "here"))

    def ask() -> Exchange:
        return client.exchange("GET", hostile.url("ok"), seconds=AMPLE_SECONDS, sending=budget.take)

    with ThreadPoolExecutor(8) as pool:
        failures = [one.exception() for one in [pool.submit(ask) for _ in range(15)] if one.exception()]
    sentence = "the 10 requests that a run may send to paintbox are spent (here [requests] maximum)"

    assert hostile.hits["requests"] == 10
    assert [str(one).partition(" (1 try")[0] for one in failures] == [
        f"http://127.0.0.1:{hostile.port} was not asked: {sentence}"
    ] * 5


def test_a_budget_that_cannot_be_counted_is_spent(hostile: HostileServer, client: Client, tmp_path: Path) -> None:
    budget = Budget(tmp_path / "gone", load_target("production"))

    with pytest.raises(ExchangeFailed, match=r"was not asked: .*requests-paintbox cannot count the request \(No such"):
        client.exchange("GET", hostile.url("ok"), seconds=AMPLE_SECONDS, sending=budget.take)


def test_time_that_is_over_is_told(hostile: HostileServer, client: Client) -> None:
    assert failure(client, hostile.url("ok"), seconds=0).reason_word == "timed-out"


def test_a_request_that_nobody_takes_is_given_up(hostile: HostileServer, client: Client) -> None:
    with pytest.raises(ExchangeFailed, match=r"did not take the request within 0\.5 s") as caught:
        client.exchange("POST", hostile.url("silent"), seconds=SHORT_SECONDS, body=bytes(32 * 1024 * 1024))
    assert caught.value.reason_word == "timed-out"


def test_a_head_request_reads_no_body(hostile: HostileServer, client: Client) -> None:
    seen = client.exchange("HEAD", hostile.url("not-modified"), seconds=AMPLE_SECONDS)

    assert (seen.status, seen.header("content-length"), seen.content) == (304, "15", b"")
    assert seen.asked == f"curl --head {hostile.url('not-modified')}"


def test_many_threads_share_a_client(hostile: HostileServer, client: Client) -> None:
    failing = {"reset", "bad-gzip"}
    names = [*HEALTHY, *failing] * 4
    with ThreadPoolExecutor(8) as pool:
        asked = {pool.submit(client.exchange, "GET", hostile.url(name), seconds=AMPLE_SECONDS): name for name in names}
        failed = [name for one, name in asked.items() if one.exception() is not None]

    assert sorted(failed) == sorted([*failing] * 4)
