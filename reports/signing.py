"""The key that signs a run, and the envelope that carries its signature: DSSE 1.0.2 with ed25519 (RFC 8032).

Envelopes are made and checked with `cryptography` alone: a library for them would add a quarter of a second to every
run. That other people's tools agree is shown in `tests/test_attestation.py`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY = "RUNBOOK_SIGNING_KEY"
KEY_FILE = "RUNBOOK_SIGNING_KEY_FILE"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
UNSIGNED = "proves nothing against its owner"
MAKE_ONE = "make one with: openssl genpkey -algorithm ed25519 -out FILE"


class UnusableKey(Exception):
    """A key cannot be used: one sentence that names where it came from and the way out, and never shows it."""


class NoEnvelope(Exception):
    """The content of a file is no envelope: one sentence."""


@dataclass(frozen=True)
class SigningKey:
    """A private key. `pem` is its text, which no artefact may hold."""

    private: Ed25519PrivateKey
    pem: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> SigningKey | None:
        """The key that the environment gives, as PEM text or as the file that has it; None when it gives none.

        Raises:
            UnusableKey: both are given, the file cannot be read, or there is no ed25519 key in it.
        """
        text, file = environ.get(KEY, ""), environ.get(KEY_FILE, "")
        if text and file:
            raise UnusableKey(f"{KEY} and {KEY_FILE} are both set: unset one, so that it is clear who signs")
        if not text and not file:
            return None
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - 30 ms that a run nobody signs does not pay
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - as above
            Ed25519PrivateKey,
        )
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - as above

        where = KEY if text else f"{KEY_FILE}={file}"
        pem = text or _text_of(Path(file), where)
        try:
            private = load_pem_private_key(pem.encode(), password=None)
        except TypeError:
            raise UnusableKey(f"{where} is encrypted: give it without a passphrase, as a run cannot ask") from None
        except (ValueError, UnsupportedAlgorithm):
            raise UnusableKey(f"{where} holds no private key in PEM (PKCS #8): {MAKE_ONE}") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise UnusableKey(f"{where} holds a key of another kind than ed25519: {MAKE_ONE}")
        return cls(private, pem)

    @property
    def public(self) -> Ed25519PublicKey:
        """What others check signatures with."""
        return self.private.public_key()

    def secrets(self) -> list[tuple[str, str]]:
        """What redaction must know: the key as a whole, and each line of its content."""
        lines = [line for line in self.pem.splitlines() if line and not line.startswith("-----")]
        return [(KEY, part) for part in (self.pem.strip(), *lines)]

    def as_json(self) -> dict[str, str]:
        """What the plan tells about the key: `id`, and the public key as hex."""
        return {"id": key_id(self.public), "public": self.public.public_bytes_raw().hex()}


def _text_of(path: Path, where: str) -> str:
    try:
        return path.read_bytes().decode("ascii", "replace")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such path"
        raise UnusableKey(f"{where} cannot be read ({reason}): name the file of the key") from None


def signed_by(key: str | None) -> str:
    """Who signs a run, in words; `key` is the id in its summary."""
    return f"by key {key}" if key else f"by nobody: it {UNSIGNED}"


def key_id(public: Ed25519PublicKey) -> str:
    """The SHA-256 of a public key, as the tools of in-toto and TUF compute it."""
    value = {"public": public.public_bytes_raw().hex()}
    described = rfc8785.dumps({"keytype": "ed25519", "scheme": "ed25519", "keyval": value})
    return hashlib.sha256(described).hexdigest()


def public_key(told: Mapping[str, str]) -> Ed25519PublicKey:
    """The public key that a plan tells.

    Raises:
        UnusableKey: it is none, or has another id.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(told["public"]))
    except ValueError:
        raise UnusableKey("the plan's public key is none") from None
    if key_id(public) != told["id"]:
        raise UnusableKey("the plan's public key has another id than the plan says")
    return public


def trusted_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file.

    Raises:
        UnusableKey: the file cannot be read, or there is no ed25519 public key in it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - as above

    pem = _text_of(path, str(path))
    try:
        public = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise UnusableKey(f"{path} holds no ed25519 public key in PEM: openssl pkey -in KEY -pubout -out {path.name}")
    return public


@dataclass(frozen=True)
class Envelope:
    """A signed statement: its bytes, and (key id, signature) pairs, none when nobody has signed."""

    payload: bytes
    signatures: tuple[tuple[str, bytes], ...] = ()

    @classmethod
    def seal(cls, payload: bytes, key: SigningKey | None) -> Envelope:
        """Sign a payload; without a key the envelope has no signature, and no tool will accept it as signed."""
        unsigned = cls(payload)
        if key is None:
            return unsigned
        return cls(payload, ((key_id(key.public), key.private.sign(unsigned.authenticated())),))

    def authenticated(self) -> bytes:
        """What is signed: the pre-authentication encoding of DSSE."""
        kind = PAYLOAD_TYPE.encode()
        return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(self.payload), self.payload)

    def signed_with(self, key: Ed25519PublicKey) -> bool:
        """Whether one of the signatures is this key's. What they say about their keys is a hint and not looked at."""
        return any(_verifies(key, signature, self.authenticated()) for _, signature in self.signatures)

    def text(self) -> str:
        """The envelope as it stands in its file."""
        signatures = [{"keyid": name, "sig": base64.b64encode(sig).decode()} for name, sig in self.signatures]
        payload = base64.b64encode(self.payload).decode()
        whole = {"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": signatures}
        return json.dumps(whole, indent=2) + "\n"

    @classmethod
    def parse(cls, content: bytes) -> Envelope:
        """The envelope in a file.

        Raises:
            NoEnvelope: there is none, or it is written otherwise than `text` writes it.
        """
        try:
            whole: Any = json.loads(content)
            signatures = tuple(
                (str(one["keyid"]), base64.b64decode(one["sig"], validate=True)) for one in whole["signatures"]
            )
            envelope = cls(base64.b64decode(whole["payload"], validate=True), signatures)
        except (ValueError, TypeError, LookupError, RecursionError, binascii.Error) as error:
            raise NoEnvelope("it is no DSSE envelope") from error
        if envelope.text().encode() != content:
            raise NoEnvelope("it is not written as a run writes it")
        return envelope


def _verifies(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
