"""Whatever a server does, the client says so in its own words, in time, and in little memory."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from failing import AMPLE_SECONDS, SHORT_SECONDS, failure
from hostile_server import HostileServer

from fixtures.exchange import Client, Reason
from fixtures.strict_json import NotJson

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
MEMORY_MB = 120


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


HURTFUL: list[tuple[str, Reason, str]] = [
    ("silent", "timed-out", "did not answer within 0.5 s"),
    ("slow-status-line", "timed-out", "did not finish its headers within 0.5 s"),
    ("slow-headers", "timed-out", "did not finish its headers within 0.5 s"),
    ("slow-100-continue", "timed-out", "did not finish its headers within 0.5 s"),
    ("slow-body", "timed-out", "did not finish its body within 0.5 s"),
    ("slow-chunks", "timed-out", "did not finish its body within 0.5 s"),
    ("slow-trailers", "timed-out", "did not finish its body within 0.5 s"),
    ("endless-body", "body-too-large", "sends more than 1048576 bytes of body"),
    ("endless-chunks", "body-too-large", "sends more than 1048576 bytes of body"),
    ("gzip-bomb", "body-too-large", "bytes that unpack to more than 1048576"),
    ("deflate-bomb", "body-too-large", "bytes that unpack to more than 1048576"),
    ("endless-redirect", "body-too-large", "sends more than 1048576 bytes of body"),
    ("endless-trailers", "too-many-headers", "sends more than 100 headers"),
    ("endless-status-line", "headers-too-large", "sends more than 64 KB of headers"),
    ("endless-header", "headers-too-large", "sends more than 64 KB of headers"),
    ("endless-100-continue", "endless-interim", "sends more than 20 interim answers"),
    ("thousands-of-100-continue", "endless-interim", "sends more than 20 interim answers"),
    ("headers-of-60-kb", "headers-too-large", "sends more than 64 KB of headers"),
    ("header-over-64-kb", "headers-too-large", "sends more than 64 KB of headers"),
    ("thousands-of-headers", "too-many-headers", "sends more than 100 headers"),
    ("body-longer", "bad-length", "sends more than the body it announced"),
    ("body-on-204", "bad-length", "sends more than the body it announced"),
    ("body-shorter", "bad-length", "ended its body 984 bytes before the length it gave"),
    ("negative-length", "bad-length", "gives its body the length '-15'"),
    ("conflicting-lengths", "bad-length", "gives its body the length '15, 5'"),
    ("length-of-letters", "bad-length", "gives its body the length '0x0f'"),
    ("length-and-chunks", "bad-length", "both a Content-Length and chunks"),
    ("chunk-without-size", "bad-chunk", "gives a chunk the size 'xyz'"),
    ("negative-chunk", "bad-chunk", "gives a chunk the size '-5'"),
    ("chunk-longer", "bad-chunk", "sends a chunk that is longer than the size it gave"),
    ("cut-chunk", "bad-chunk", "ended its body inside a chunk"),
    ("no-last-chunk", "bad-chunk", "ended its body before the last chunk"),
    ("gzip-as-transfer", "bad-encoding", "sends its body as 'gzip, chunked', which was not asked for"),
    ("bad-gzip", "bad-encoding", "says its body is gzip, and it is not"),
    ("cut-gzip", "bad-encoding", "sends a gzip body that does not end where it should"),
    ("gzip-and-more", "bad-encoding", "sends a gzip body that does not end where it should"),
    ("gzip-twice", "bad-encoding", "encodes its body as 'gzip, gzip'"),
    ("brotli", "bad-encoding", "encodes its body as 'br'"),
    ("reset", "reset", "reset the connection without an answer"),
    ("reset-in-headers", "reset", "reset the connection in the middle of its headers"),
    ("reset-in-body", "reset", "reset the connection in the middle of its body"),
    ("cut-headers", "reset", "closed the connection in the middle of its headers"),
    ("cut-status-line", "reset", "closed the connection in the middle of its headers"),
    ("empty-reply", "empty-reply", "closed the connection without an answer"),
    ("ssh-banner", "not-http", "not HTTP/1.0 or 1.1: 'SSH-2.0-OpenSSH_9.2p1 Debian-2'"),
    ("http-0.9", "not-http", "not HTTP/1.0 or 1.1: '<html>hello</html>'"),
    ("http-9.9", "not-http", "not HTTP/1.0 or 1.1: 'HTTP/9.9 200 OK'"),
    ("status-of-letters", "not-http", "not HTTP/1.0 or 1.1: 'HTTP/1.1 abc OK'"),
    ("status-999", "bad-status", "answers with status 999"),
    ("switching-protocols", "bad-status", "answers with status 101"),
    ("header-without-colon", "bad-headers", "sends a header line that is none: 'no colon here'"),
    ("redirect-loop", "redirect-loop", "redirects in a circle"),
    ("redirect-on-and-on", "too-many-redirects", "redirects more than 5 times"),
    ("redirect-off-host", "redirect-off-host", "redirects to another host, http://localhost:1"),
    ("redirect-off-port", "redirect-off-host", "redirects to another host, http://127.0.0.1:1"),
    ("redirect-to-file", "redirect-off-scheme", "redirects to 'file:///etc/passwd'"),
    ("redirect-to-nonsense", "redirect-off-scheme", "redirects to 'http://[::1'"),
    ("limited-for-ever", "rate-limited", "answers 429 and asks to wait 3600 s, longer than this look may take"),
    ("limited-until-2099", "rate-limited", "longer than this look may take"),
]


@pytest.mark.parametrize(("name", "word", "phrase"), HURTFUL, ids=[name for name, *_ in HURTFUL])
def test_a_hostile_server_is_told_in_its_own_words(
    hostile: HostileServer, client: Client, name: str, word: Reason, phrase: str
) -> None:
    seconds = SHORT_SECONDS if word == "timed-out" else AMPLE_SECONDS
    redirects = 0 if name == "endless-redirect" else 5
    failed = failure(client, hostile.url(name), seconds=seconds, follow_redirects=redirects)

    assert failed.reason_word == word
    assert hostile.url(name) in str(failed)
    assert phrase in str(failed)
    assert re.search(r" \(1 try, \d\.\d s\)$", str(failed))


GREEDY = ["endless-body", "endless-chunks", "gzip-bomb", "deflate-bomb", "headers-of-60-kb", "header-over-64-kb"]
GREEDY += ["endless-100-continue", "endless-header", "endless-trailers", "deep-json", "huge-integer"]
ASK = """
import json, re, sys
from fixtures.exchange import Client, ExchangeFailed
from fixtures.strict_json import NotJson
words = {}
for url in sys.argv[1:]:
    try:
        words[url] = Client().exchange("GET", url, seconds=5).json()
    except (ExchangeFailed, NotJson) as failed:
        words[url] = type(failed).__name__
peak_kb = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
print(json.dumps({"words": words, "peak_mb": int(peak_kb) / 1024}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_the_greediest_servers_get_little_memory(hostile: HostileServer) -> None:
    urls = [hostile.url(name) for name in GREEDY]
    asking = [sys.executable, "-c", ASK, *urls]
    done = subprocess.run(asking, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stdout)

    assert set(told["words"].values()) == {"ExchangeFailed", "NotJson"}
    assert told["peak_mb"] < MEMORY_MB


NO_JSON = [
    ("html", "(200, text/html) is not JSON: expecting value at line 1, column 1"),
    ("empty-json", "is not JSON: it is empty"),
    ("cut-json", "is not JSON: expecting ',' delimiter at line 1, column 15"),
    ("json-and-more", "is not JSON: extra data at line 1, column 17"),
    ("nan", "$.memory.used[1] has NaN"),
    ("infinity", "$.up has -Infinity"),
    ("huge-float", "$.up has a number too large to hold"),
    ("huge-integer", "$.up has an integer of 5000 digits"),
    ("duplicate-key", "$.checks has the key status twice"),
    ("deep-json", "has more than 64 levels"),
    ("65-levels", "has more than 64 levels"),
    ("latin-1-json", "byte 0xe9 at 12 is not UTF-8"),
    ("utf-16-json", "byte 0xff at 0 is not UTF-8"),
    ("byte-order-mark", "starts with a byte order mark"),
    ("half-a-surrogate-key", "$.a has half a surrogate pair in a key"),
    ("half-a-surrogate", "$.name has half a surrogate pair"),
]


@pytest.mark.parametrize(("name", "phrase"), NO_JSON, ids=[name for name, _ in NO_JSON])
def test_what_is_no_strict_json_says_where(hostile: HostileServer, client: Client, name: str, phrase: str) -> None:
    seen = client.exchange("GET", hostile.url(name), seconds=AMPLE_SECONDS)

    with pytest.raises(NotJson) as caught:
        seen.json()
    assert str(caught.value).startswith(f"the answer of {hostile.url(name)} (200, ")
    assert phrase in str(caught.value)
