"""A connection that does not come about is told in the words of what stood in its way, and in time."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest
from failing import SHORT_SECONDS, failure
from hostile_server import HostileServer

from fixtures.exchange import Client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


def test_a_refused_connection_names_the_host_and_the_tries(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        origin = f"http://127.0.0.1:{unused.getsockname()[1]}"
    failed = failure(client, f"{origin}/api/health", retries=2)

    assert failed.reason_word == "refused"
    assert str(failed).startswith(f"{origin} refused the connection (3 tries, ")


def test_a_name_server_that_hangs_is_left_behind(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait() and [])
    failed = failure(client, "http://paintbox.test/", seconds=SHORT_SECONDS)
    released.set()

    assert failed.reason_word == "timed-out"
    assert "http://paintbox.test could not be looked up within 0.5 s" in str(failed)


def test_an_address_without_a_way_to_it_is_unreachable(client: Client) -> None:
    failed = failure(client, "http://255.255.255.255/")  # the broadcast address takes no TCP

    assert failed.reason_word == "unreachable"
    assert "http://255.255.255.255 cannot be reached (" in str(failed)


def test_a_name_that_nobody_knows_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failed = failure(client, "http://paintbox.test/")

    assert failed.reason_word == "no-such-host"
    assert "http://paintbox.test has no address for paintbox.test (Name or service not known)" in str(failed)


def test_a_dead_address_does_not_use_up_the_time_of_the_next(
    hostile: HostileServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        dead = full.getsockname()
        waiting = [socket.socket() for _ in range(2)]
        for one in waiting:
            one.settimeout(0)
            one.connect_ex(dead)
        live = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", hostile.port))
        both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", dead), live]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
        seen = client.exchange("GET", "http://paintbox.test/ok", seconds=SHORT_SECONDS * 2)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both[:1])
        failed = failure(client, "http://paintbox.test:81/ok", seconds=SHORT_SECONDS)
        for one in waiting:
            one.close()

    assert (seen.status, seen.peer) == (200, f"127.0.0.1:{hostile.port}")
    assert failed.reason_word == "timed-out"
    assert "http://paintbox.test:81 did not take a connection within 0.5 s" in str(failed)


def test_a_proxy_that_is_silent_is_told_as_such(hostile: HostileServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"127.0.0.1:{silent.getsockname()[1]}"
        with Client(proxies={"https": f"http://{proxy}"}) as client:
            failed = failure(client, "https://paintbox.test/", seconds=SHORT_SECONDS)
    with Client(proxies={"https": hostile.url("")}) as client:
        denied = failure(client, "https://paintbox.test/")
    with Client(proxies={"http": "gopher://127.0.0.1"}) as client:
        unusable = failure(client, "http://paintbox.test/")

    assert (failed.reason_word, denied.reason_word, unusable.reason_word) == ("proxy-failed", "proxy-failed", "broken")
    assert f"https://paintbox.test was not asked: the proxy {proxy} did not take the request" in str(failed)
    assert "opened no tunnel" in str(denied)
