"""A server on 127.0.0.1 that misbehaves on demand: `GET /endless-body` gets one.

So does every other name in `REPLIES` (bytes, sent at once) and `BEHAVIOURS`. Raw bytes: no library would send these.
"""

from __future__ import annotations

import gzip
import os
import re
import socket
import struct
import threading
import zlib
from collections import Counter
from contextlib import suppress
from functools import reduce
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from typing import Self

HEAD_LIMIT_BYTES = 64 * 1024
DRIP_SECONDS = 0.05  # often enough that no timeout of a single read ever fires
MEGABYTE = bytes(1024 * 1024)
TLS_RECORD = b"\x16"
KEPT_OPEN = {"ok", "repeated-headers", "chunked", "early-hints", "gzip", "echo", "redirect-here"}


def answer(body: bytes = b"", *headers: str, status: str = "200 OK", length: str | None = None) -> bytes:
    """A whole HTTP/1.1 answer; `length` is what it says of its body when that is not the truth."""
    told = [] if length == "" else [f"Content-Length: {length or len(body)}"]
    head = "\r\n".join([f"HTTP/1.1 {status}", *told, *headers, "", ""])
    return head.encode("latin-1") + body


def document(text: str | bytes) -> bytes:
    """An answer that says it is JSON."""
    return answer(text.encode() if isinstance(text, str) else text, "Content-Type: application/json")


def bomb(megabytes: int) -> bytes:
    """Zeros, deflated to a thousandth of their size: one block for each megabyte, all alike."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = packer.compress(MEGABYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * megabytes + packer.flush()


def gzip_bomb(megabytes: int) -> bytes:
    """The same as a valid gzip file (RFC 1952)."""
    checksum = reduce(lambda checksum, _: zlib.crc32(MEGABYTE, checksum), range(megabytes), 0)
    header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return header + bomb(megabytes) + struct.pack("<II", checksum, megabytes * len(MEGABYTE))


OPEN = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = "Content-Encoding: gzip"
MUCH = b"a" * 100_000
HELLO = b'{"status":"ok"}'

REPLIES: dict[str, Callable[[], bytes]] = {
    "ok": lambda: answer(HELLO, "Content-Type: application/json"),
    "repeated-headers": lambda: answer(
        HELLO, "Set-Cookie: a=1", "X-Odd: caf\xe9", "set-cookie: b=2", "X-Fold: a\r\n b"
    ),
    "no-length": lambda: OPEN + HELLO,
    "chunked": lambda: (
        CHUNKED + b"5;ext=1\r\n" + HELLO[:5] + b"\r\nA\r\n" + HELLO[5:] + b"\r\n0\r\nX-Trailer: 1\r\n\r\n"
    ),
    "early-hints": lambda: b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer(HELLO),
    "gzip": lambda: answer(gzip.compress(HELLO), GZIP),
    "deflate": lambda: answer(zlib.compress(HELLO), "Content-Encoding: deflate"),
    "bare-deflate": lambda: answer(zlib.compress(HELLO, wbits=-15), "Content-Encoding: deflate"),
    "latin-1-declared": lambda: answer(b"caf\xe9", "Content-Type: text/plain; charset=ISO-8859-1"),
    "odd-charset": lambda: answer("café".encode(), "Content-Type: text/plain; charset=punycode"),
    "binary": lambda: answer(b"\x89PNG\xff", "Content-Type: image/png"),
    "not-modified": lambda: answer(b"", "ETag: x", status="304 Not Modified", length="15"),
    # too much
    "gzip-bomb": lambda: answer(gzip_bomb(200), GZIP),
    "deflate-bomb": lambda: answer(bomb(200), "Content-Encoding: deflate"),
    "headers-of-60-kb": lambda: answer(HELLO, *[f"X-{n}: {'a' * 60_000}" for n in range(100)]),
    "header-over-64-kb": lambda: answer(HELLO, f"X-Large: {'a' * 70_000}"),
    "thousands-of-headers": lambda: answer(HELLO, *[f"X-{n}: 1" for n in range(5_000)]),
    "thousands-of-100-continue": lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000 + answer(HELLO),
    # lengths that lie
    "body-longer": lambda: answer(HELLO, length="5"),
    "body-shorter": lambda: answer(HELLO, length="999"),
    "negative-length": lambda: answer(HELLO, length="-15"),
    "conflicting-lengths": lambda: answer(HELLO, "Content-Length: 5"),
    "length-of-letters": lambda: answer(HELLO, length="0x0f"),
    "length-and-chunks": lambda: answer(b"0\r\n\r\n", "Transfer-Encoding: chunked"),
    "body-on-204": lambda: answer(HELLO, status="204 No Content"),
    "gzip-as-transfer": lambda: answer(gzip.compress(HELLO), "Transfer-Encoding: gzip, chunked", length=""),
    "chunk-without-size": lambda: CHUNKED + b"xyz\r\n" + HELLO,
    "negative-chunk": lambda: CHUNKED + b"-5\r\nabcde\r\n0\r\n\r\n",
    "chunk-longer": lambda: CHUNKED + b"3\r\nabcde\r\n0\r\n\r\n",
    "cut-chunk": lambda: CHUNKED + b"ff\r\nabc",
    "no-last-chunk": lambda: CHUNKED + b"3\r\nabc\r\n",
    # encodings that lie
    "bad-gzip": lambda: answer(b"this is not gzip", GZIP),
    "cut-gzip": lambda: answer(gzip.compress(HELLO * 100)[:-12], GZIP),
    "gzip-and-more": lambda: answer(gzip.compress(HELLO) + b"more", GZIP),
    "gzip-twice": lambda: answer(gzip.compress(gzip.compress(HELLO)), "Content-Encoding: gzip, gzip"),
    "brotli": lambda: answer(b"\x0b\x02\x80hello\x03", "Content-Encoding: br"),
    # not HTTP
    "empty-reply": lambda: b"",
    "ssh-banner": lambda: b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "http-0.9": lambda: b"<html>hello</html>\n",
    "http-9.9": lambda: b"HTTP/9.9 200 OK\r\n\r\n",
    "status-999": lambda: answer(HELLO, status="999 Whatever"),
    "status-of-letters": lambda: answer(HELLO, status="abc OK"),
    "switching-protocols": lambda: answer(b"", status="101 Switching Protocols", length=""),
    "header-without-colon": lambda: answer(HELLO, "X-Fine: 1", "no colon here", "X-Lost: 1"),
    "cut-headers": lambda: b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
    "cut-status-line": lambda: b"HTTP/1.1 20",
    # redirects that lead astray
    "redirect-here": lambda: answer(b"", "Location: /ok", status="302 Found"),
    "redirect-loop": lambda: answer(b"", "Location: /redirect-loop", status="302 Found"),
    "redirect-off-host": lambda: answer(b"", "Location: http://localhost:1/", status="302 Found"),
    "redirect-off-port": lambda: answer(b"", "Location: http://127.0.0.1:1/", status="302 Found"),
    "redirect-to-file": lambda: answer(b"", "Location: file:///etc/passwd", status="302 Found"),
    "redirect-to-nonsense": lambda: answer(b"", "Location: http://[::1", status="302 Found"),
    # status that asks for time
    "limited-for-ever": lambda: answer(b"", "Retry-After: 3600", status="429 Too Many Requests"),
    "limited-until-2099": lambda: answer(
        b"", "Retry-After: Thu, 01 Jan 2099 00:00:00 GMT", status="429 Too Many Requests"
    ),
    # JSON that is none
    "html": lambda: answer(b"<!doctype html><title>Sorry</title>", "Content-Type: text/html"),
    "empty-json": lambda: document(""),
    "cut-json": lambda: document('{"status":"ok"'),
    "json-and-more": lambda: document('{"status":"ok"} {"status":"down"}'),
    "nan": lambda: document('{"memory":{"used":[1,NaN]}}'),
    "infinity": lambda: document('{"up":-Infinity}'),
    "huge-float": lambda: document('{"up":1e999}'),
    "huge-integer": lambda: document('{"up":' + "9" * 5_000 + "}"),
    "duplicate-key": lambda: document('{"checks":{"status":"ok","status":"down"}}'),
    "deep-json": lambda: document("[" * 200_000),
    "65-levels": lambda: document("[" * 66 + "]" * 66),
    "latin-1-json": lambda: document('{"name":"café"}'.encode("latin-1")),
    "utf-16-json": lambda: document('{"name":"x"}'.encode("utf-16")),
    "byte-order-mark": lambda: document(b"\xef\xbb\xbf{}"),
    "half-a-surrogate-key": lambda: document('{"a":{"\\ud800":1}}'),
    "half-a-surrogate": lambda: document('{"name":"\\ud800"}'),
}


class Line:
    """One connection to a client: what a behaviour may do with it."""

    def __init__(self, connection: socket.socket, server: HostileServer) -> None:
        self._connection = connection
        self._stopping = server.stopping
        self.server: HostileServer = server
        self.head: str = ""

    def ask(self) -> str | None:
        """The name in the next request (its path), its head kept; None when there is no such request."""
        head = b""
        while b"\r\n\r\n" not in head and len(head) < HEAD_LIMIT_BYTES:
            block = self._connection.recv(4096)
            if block[:1] == TLS_RECORD and not head:
                self.send(answer(b"an HTTPS request to an HTTP server", status="400 Bad Request"))
                return None
            if not block:
                return None
            head += block
        self.head = head.decode("latin-1")
        return urlsplit(self.head.split(" ")[1]).path.strip("/")

    def send(self, data: bytes) -> Line:
        """Send it all, at once."""
        self._connection.sendall(data)
        return self

    def drip(self, data: bytes) -> Line:
        """Send it byte by byte, and slowly."""
        for byte in data:
            self.send(bytes([byte]))
            if self._stopping.wait(DRIP_SECONDS):
                break
        return self

    def pour(self, data: bytes) -> Line:
        """Send it again and again."""
        while not self._stopping.is_set():
            self.send(data)
        return self

    def hold(self) -> Line:
        """Do nothing, for as long as the server runs."""
        self._stopping.wait()
        return self

    def leak(self, data: bytes) -> Line:
        """Send it past TLS."""
        os.write(self._connection.fileno(), data)
        return self

    def reset(self) -> Line:
        """Hang up rudely, with an RST; a moment later, so that what was sent has been read."""
        self._stopping.wait(DRIP_SECONDS)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()
        return self


def flaky(line: Line) -> Line:
    """Reset two requests, answer the third."""
    return line.reset() if line.server.count("flaky") % 3 else line.send(REPLIES["ok"]())


def limited(line: Line) -> Line:
    """429 to the first request, with the Retry-After that the query gives; an answer to the next."""
    if line.server.count("limited") % 2 == 0:
        return line.send(REPLIES["ok"]())
    told = re.match(r"GET /limited\?(\S+)", line.head)
    return line.send(answer(b"", *([f"Retry-After: {told[1]}"] if told else []), status="429 Too Many Requests"))


def once(line: Line) -> Line:
    """Answer, keep the connection open, and close it at the next request."""
    line.send(REPLIES["ok"]()).ask()
    return line


BEHAVIOURS: dict[str, Callable[[Line], Line]] = {
    "silent": lambda line: line.hold(),
    "slow-status-line": lambda line: line.drip(b"HTTP/1.1 200 " + MUCH),
    "slow-headers": lambda line: line.drip(b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 1000),
    "slow-body": lambda line: line.send(answer(length="1000")).drip(MUCH),
    "slow-chunks": lambda line: line.send(CHUNKED).drip(b"1\r\na\r\n" * 1000),
    "slow-trailers": lambda line: line.send(CHUNKED + b"0\r\n").drip(b"X-A: 1\r\n" * 1000),
    "slow-100-continue": lambda line: line.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "endless-body": lambda line: line.send(OPEN).pour(MUCH),
    "endless-chunks": lambda line: line.send(CHUNKED).pour(b"186a0\r\n" + MUCH + b"\r\n"),
    "endless-trailers": lambda line: line.send(CHUNKED + b"0\r\n").pour(b"X-A: 1\r\n"),
    "endless-status-line": lambda line: line.send(b"HTTP/1.1 200 ").pour(MUCH),
    "endless-header": lambda line: line.send(b"HTTP/1.1 200 OK\r\nX-A: ").pour(MUCH),
    "endless-100-continue": lambda line: line.pour(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless-redirect": lambda line: line.send(b"HTTP/1.1 302 Found\r\nLocation: /ok\r\n\r\n").pour(MUCH),
    "redirect-on-and-on": lambda line: line.send(
        answer(b"", f"Location: ?{line.server.count('redirect')}", status="302 Found")
    ),
    "redirect-to": lambda line: line.send(
        answer(b"", f"Location: {unquote(line.head.split(' ')[1].partition('?')[2])}", status="301 Moved Permanently")
    ),
    "reset": lambda line: line.reset(),
    "reset-in-headers": lambda line: line.send(b"HTTP/1.1 200 OK\r\nX-A: ").reset(),
    "reset-in-body": lambda line: line.send(answer(b"half", length="8")).reset(),
    "plain-in-tls": lambda line: line.leak(answer(HELLO)),
    "flaky": flaky,
    "limited": limited,
    "once": once,
    "echo": lambda line: line.send(answer(line.head.encode("latin-1"))),
}


class HostileServer:
    """Serves `REPLIES` and `BEHAVIOURS` by name, over TLS when there is a context, until it is closed."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.stopping = threading.Event()
        self.hits: Counter[str] = Counter()
        self._tls = tls
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="hostile server")]
        self._threads[0].start()

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        """Where to ask for a behaviour."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/{name}"

    def count(self, name: str) -> int:
        """Count a hit, and say how many there were."""
        with self._lock:
            self.hits[name] += 1
            return self.hits[name]

    def __enter__(self) -> Self:
        """Close it at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up on everybody, and wait for the threads."""
        self.stopping.set()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()  # wakes the one who accepts
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.stopping.is_set():
                return connection.close()
            with self._lock:
                self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), name="hostile connection")
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        """Serve one connection; clients that hang up in the middle are what this is for."""
        with suppress(OSError), plain:
            if self._tls is None:
                self._converse(Line(plain, self))
                return
            with socket.socket(fileno=os.dup(plain.fileno())) as twin:  # `plain` stays, to be shut down at the end
                twin.settimeout(5)
                with self._tls.wrap_socket(twin, server_side=True) as secure:
                    self._converse(Line(secure, self))

    def _converse(self, line: Line) -> None:
        """Answer request after request while the answers allow it."""
        while (name := line.ask()) is not None:
            self.count("requests")
            if name in BEHAVIOURS:
                BEHAVIOURS[name](line)
            else:
                line.send(REPLIES.get(name, lambda: answer(status="404 Not Found"))())
            if name not in KEPT_OPEN:
                return
