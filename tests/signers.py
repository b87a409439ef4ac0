"""Keys that sign test runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class KeyPair:
    """The files of a key: `private` as `openssl genpkey` writes it, `public` as `openssl pkey -pubout` does."""

    private: Path
    public: Path

    @classmethod
    def make(cls, folder: Path, name: str = "signer") -> KeyPair:
        """A new key of this name."""
        key = Ed25519PrivateKey.generate()
        pair = cls(folder / f"{name}.pem", folder / f"{name}.pub")
        pair.private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pair.public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return pair
