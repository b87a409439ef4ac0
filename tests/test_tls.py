"""TLS that is not as it should be is told apart, and its facts can be had all the same."""

from __future__ import annotations

import socket
import ssl
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from failing import AMPLE_SECONDS, SHORT_SECONDS, failure
from hostile_server import HostileServer

from fixtures import tls
from fixtures.connection import Trouble
from fixtures.exchange import Client, Exchange, ExchangeFailed, Reason
from fixtures.tls import Agreed, TlsFacts, tls_facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


HELLO_BYTES_MAX = 65536


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as client:
        yield client


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's context with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def test_tls_facts_come_with_the_exchange(authority: trustme.CA, bundle: str) -> None:
    context = serving(authority.issue_cert("127.0.0.1", "paintbox.test"))
    with HostileServer(context) as server, Client(verify=bundle) as client:
        first = client.exchange("GET", server.url("ok"), seconds=AMPLE_SECONDS)
        again = client.exchange("GET", server.url("ok"), seconds=AMPLE_SECONDS)

    assert first.tls is not None
    assert first.tls.version == "TLSv1.3"
    assert set(first.tls.names) == {"127.0.0.1", "paintbox.test"}
    assert "O=trustme" in first.tls.issuer
    assert first.tls.not_before < first.started < first.tls.not_after
    assert (again.reused, again.tls) == (True, first.tls)
    assert Exchange.from_json(first.as_json()) == first


def old_tls_only(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def bad_contexts(authority: trustme.CA) -> dict[Reason, ssl.SSLContext]:
    """One server context for each way of not being trusted."""
    past = datetime.now(UTC) - timedelta(days=1)
    expired = authority.issue_cert("127.0.0.1", not_before=past - timedelta(days=90), not_after=past)
    return {
        "tls-untrusted": serving(trustme.CA().issue_cert("127.0.0.1")),
        "tls-expired": serving(expired),
        "tls-wrong-host": serving(authority.issue_cert("elsewhere.test")),
        "tls-protocol": old_tls_only(serving(authority.issue_cert("127.0.0.1"))),
    }


BAD_TLS = {
    "tls-untrusted": "shows a certificate that is not trusted (unable to get local issuer certificate)",
    "tls-expired": "shows an expired certificate",
    "tls-wrong-host": "shows a certificate for another host",
    "tls-protocol": "cannot agree on TLS (",
}


@pytest.mark.parametrize("word", BAD_TLS)
def test_bad_tls_is_told_apart(authority: trustme.CA, bundle: str, word: Reason) -> None:
    with HostileServer(bad_contexts(authority)[word]) as server, Client(verify=bundle) as client:
        failed = failure(client, server.url("ok"))

    assert failed.reason_word == word
    assert str(failed).startswith(f"https://127.0.0.1:{server.port} {BAD_TLS[word]}")


@pytest.mark.parametrize("word", ["tls-untrusted", "tls-expired", "tls-wrong-host"])
def test_the_facts_of_a_bad_certificate_can_be_had(authority: trustme.CA, bundle: str, word: Reason) -> None:
    with HostileServer(bad_contexts(authority)[word]) as server:
        facts = tls_facts("127.0.0.1", server.port, seconds=AMPLE_SECONDS, ca=bundle)

    assert facts.problem == word
    assert facts.not_after
    assert facts.names == (("elsewhere.test",) if word == "tls-wrong-host" else ("127.0.0.1",))
    assert facts.old_version is None


def test_old_tls_is_found_beside_new(authority: trustme.CA, bundle: str) -> None:
    context = serving(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with HostileServer(context) as server:
        facts = tls_facts("127.0.0.1", server.port, seconds=AMPLE_SECONDS, ca=bundle)

    assert (facts.version, facts.problem, facts.old_version) == ("TLSv1.3", None, "TLSv1.1")


def test_https_on_an_http_port_is_told(hostile: HostileServer, client: Client) -> None:
    failed = failure(client, hostile.url("ok").replace("http:", "https:"))
    with pytest.raises(ExchangeFailed) as caught:
        tls_facts("127.0.0.1", hostile.port, seconds=AMPLE_SECONDS)

    assert (failed.reason_word, caught.value.reason_word) == ("tls-protocol", "tls-protocol")


def test_a_handshake_that_never_ends_is_left(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failed = failure(client, f"https://127.0.0.1:{silent.getsockname()[1]}/", seconds=SHORT_SECONDS)

    assert failed.reason_word == "timed-out"
    assert "did not finish the TLS handshake within 0.5 s" in str(failed)


@pytest.mark.parametrize("rude", [True, False], ids=["reset", "closed"])
def test_a_handshake_that_is_cut_is_a_reset(client: Client, *, rude: bool) -> None:
    def cut(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.recv(1)
        if not rude:  # unread data turns a close into a reset, so it is read
            connection.recv(HELLO_BYTES_MAX)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(cut, listener)
        failed = failure(client, f"https://127.0.0.1:{listener.getsockname()[1]}/")

    assert failed.reason_word == "reset"
    assert f"{'reset' if rude else 'closed'} the connection in the middle of TLS" in str(failed)


@pytest.mark.parametrize(
    ("name", "word", "phrase"),
    [
        ("plain-in-tls", "tls-protocol", "breaks TLS after the handshake"),
        ("no-length", "reset", "closed the connection in the middle of its body"),
    ],
)
def test_tls_that_breaks_later_is_told(
    authority: trustme.CA, bundle: str, name: str, word: Reason, phrase: str
) -> None:
    with HostileServer(serving(authority.issue_cert("127.0.0.1"))) as server, Client(verify=bundle) as client:
        failed = failure(client, server.url(name))

    assert failed.reason_word == word
    assert phrase in str(failed)


def test_a_connection_that_breaks_while_sending_is_a_reset(
    authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ssl.SSLEOFError

    with HostileServer(serving(authority.issue_cert("127.0.0.1"))) as server, Client(verify=bundle) as client:
        monkeypatch.setattr(ssl.SSLSocket, "sendall", broken)
        failed = failure(client, server.url("ok"))

    assert failed.reason_word == "reset"
    assert "closed the connection before it took the request" in str(failed)


def test_openssl_that_cannot_offer_old_tls_is_not_taken_for_a_refusal(
    authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    monkeypatch.setitem(tls.ANTIQUE, "1.2", context)
    with (
        HostileServer(serving(authority.issue_cert("127.0.0.1"))) as server,
        pytest.raises(ExchangeFailed, match="OpenSSL on this machine does not speak any"),
    ):
        tls_facts("127.0.0.1", server.port, seconds=AMPLE_SECONDS, ca=bundle)


def test_a_certificate_without_names_and_one_that_cannot_be_read() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old.test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )

    assert TlsFacts.of(Agreed("TLSv1.2", "x", signed)).names == ()
    with pytest.raises(Trouble, match="cannot be read"):
        TlsFacts.of(Agreed("TLSv1.2", "x", b"nonsense"))


def test_the_bundle_of_the_environment_is_used_when_asked_for(
    authority: trustme.CA, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    with HostileServer(serving(authority.issue_cert("127.0.0.1"))) as server, Client() as alone:
        failed = failure(alone, server.url("ok"))
        with Client(trust_env=True) as trusting:
            seen = trusting.exchange("GET", server.url("ok"), seconds=AMPLE_SECONDS)

    assert (failed.reason_word, seen.status) == ("tls-untrusted", 200)


def test_a_bundle_that_is_not_there_is_told(tmp_path: Path) -> None:
    with Client(verify=str(tmp_path / "none.pem")) as client:
        failed = failure(client, "https://127.0.0.1:1/")

    assert failed.reason_word == "tls-untrusted"
    assert f"the CA bundle {tmp_path / 'none.pem'} cannot be used" in str(failed)


def test_redirects_are_followed_when_asked_on_the_same_host_only(
    hostile: HostileServer, authority: trustme.CA, bundle: str
) -> None:
    with HostileServer(serving(authority.issue_cert("127.0.0.1"))) as secure, Client(verify=bundle) as client:
        upgraded = hostile.url(f"redirect-to?{secure.url('ok')}")
        seen = client.exchange("GET", upgraded, seconds=AMPLE_SECONDS, follow_redirects=1)
        left = client.exchange("GET", hostile.url("redirect-here"), seconds=AMPLE_SECONDS)
        posted = client.exchange("POST", hostile.url("redirect-here"), seconds=AMPLE_SECONDS, follow_redirects=1)
        downgraded = failure(
            client, secure.url(f"redirect-to?{hostile.url('ok')}"), seconds=AMPLE_SECONDS, follow_redirects=1
        )

    assert (seen.status, seen.url, seen.redirects) == (200, upgraded, ((301, secure.url("ok")),))
    assert seen.answered_url == secure.url("ok")
    assert (left.status, left.redirects) == (302, ())
    assert (posted.status, posted.redirects) == (302, ())
    assert downgraded.reason_word == "redirect-off-scheme"
    assert "redirects from https to http" in str(downgraded)
