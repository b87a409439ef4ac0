"""JWKS: the public keys by which other services verify this one's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.health import Timing
    from fixtures.key_set import KeySet, KeySetAnswer
    from fixtures.key_set_writes import KeySetWrites
    from fixtures.target import Target


@item("JWK-1", expects="200 and a JSON content type from {paths.jwks}")
@pytest.mark.smoke
def test_jwks_answers(jwks_answer: KeySetAnswer) -> None:
    """The key set is there, and is served as JSON.

    Only GET proves it: HEAD answers 200 whatever the state.
    """
    assert not jwks_answer.faults, "; ".join(jwks_answer.faults)


@item("MET-4", expects="{paths.jwks} within {latency.limit_seconds} s")
@pytest.mark.smoke
def test_jwks_is_quick(jwks_timing: Timing, expected: Target) -> None:
    """The key set can be fetched in time; that it is there at all is JWK-1.

    Whoever waits for it keeps a user waiting, or gives up and rejects the token.
    """
    limit = expected.latency.limit_seconds

    assert jwks_timing.seconds <= limit, f"{jwks_timing.url} took {jwks_timing.seconds:.2f} s"


@item("JWK-2", expects="one key or more in {paths.jwks}")
@pytest.mark.smoke
def test_jwks_holds_a_key(jwks: KeySet) -> None:
    """The key set holds a key: an empty one is valid, and verifies nothing."""
    assert jwks.keys, f"{jwks.url} holds no key"


@item("JWK-2", expects="for every key kty, kid, use = sig, and an alg of {jwks.algorithms}")
@pytest.mark.smoke
def test_every_key_says_what_it_is_for(jwks: KeySet, expected: Target) -> None:
    """Every key says what it is, and that it is for signatures by an algorithm that is allowed (RFC 7517, 4)."""
    # One that must not be published at all is left to JWK-3.
    unclear = [
        f"{key.name} has kty {key.kty}, kid {key.kid}, use {key.use}, alg {key.alg}"
        for key in jwks.keys
        if not key.private_members
        and (not key.kty or not key.kid or key.use != "sig" or key.alg not in expected.jwks.algorithms)
    ]

    assert not unclear, "; ".join(unclear)


@item("JWK-2", expects="a kid of its own for every key", needs=["paths.jwks"])
@pytest.mark.smoke
def test_key_ids_are_unique(jwks: KeySet) -> None:
    """No two keys share an id: a client takes either of them, and rejects half of the tokens (RFC 7517, 4.5)."""
    assert not jwks.doubled, f"{jwks.url} has more than one key {', '.join(jwks.doubled)}"


@item("JWK-3", expects="public members only in {paths.jwks}")
@pytest.mark.smoke
def test_jwks_publishes_no_private_key(jwks: KeySet) -> None:
    """The key set holds public members only: a private or symmetric one lets anyone mint tokens."""
    leaked = [f"{key.name} with {', '.join(key.private_members)}" for key in jwks.keys if key.private_members]

    assert not leaked, f"{jwks.url} publishes {'; '.join(leaked)}"


@item("JWK-4", expects="keys that load", needs=["paths.jwks"])
@pytest.mark.postdeploy
def test_every_key_loads(jwks: KeySet) -> None:
    """Every key can be loaded from what is published of it: one that cannot verifies nothing."""
    defects = [f"{key.name}: {key.defect}" for key in jwks.keys if key.defect]

    assert not defects, "; ".join(defects)


@item("JWK-4", expects="RSA of {jwks.rsa_minimum_bits} bits or more, or a curve of {jwks.curves}")
@pytest.mark.postdeploy
def test_every_key_is_strong(jwks: KeySet, expected: Target) -> None:
    """Every key is strong enough: a weak one can be computed from what is published."""
    loaded = [key for key in jwks.keys if key.thumbprint]
    least = (expected.jwks.rsa_minimum_bits, expected.jwks.curves)
    weak = {key.name: key.strength for key in loaded if key.is_weaker(*least)}

    assert not weak, f"{jwks.url} has weak keys: {weak}"


@item("JWK-5", expects="the same keys from {paths.jwks} and {paths.jwks_api}")
@pytest.mark.postdeploy
def test_rewrite_serves_the_same_set(jwks: KeySet, jwks_api: KeySet) -> None:
    """Both URLs serve the same set.

    One of them may answer 200 with keys that are built into the source while the other fails.
    """
    told = [f"{one.url}: {sorted(key.name for key in one.keys)} from {one.source}" for one in (jwks, jwks_api)]

    assert jwks.identity == jwks_api.identity, "; ".join(told)


@item("JWK-6", expects="{paths.jwks} cached for {jwks.cache_maximum_seconds} s at most")
@pytest.mark.postdeploy
def test_caches_let_go_of_a_withdrawn_key(jwks: KeySet, expected: Target) -> None:
    """Caches must ask again soon: a key that was withdrawn is trusted for as long as they hold it."""
    limit = expected.jwks.cache_maximum_seconds

    assert jwks.lifetime_seconds <= limit, f"a cache may serve {jwks.url} {jwks.cached}"


@item("JWK-6", expects="4xx to POST on {paths.jwks} and {paths.jwks_api}")
@pytest.mark.postdeploy
def test_jwks_refuses_writes(jwks_writes: KeySetWrites) -> None:
    """Nobody can write to the key set: whoever could would add a key of their own."""
    assert not jwks_writes.taken, f"not refused: {jwks_writes.taken}"


@item("JWK-6", expects="no writing method in the answer to OPTIONS on {paths.jwks}")
@pytest.mark.postdeploy
def test_jwks_offers_no_writing_method(jwks_writes: KeySetWrites) -> None:
    """The endpoint does not even say that it takes writes, to clients or to pages of other origins."""
    assert not jwks_writes.allowed, f"OPTIONS offers {', '.join(jwks_writes.allowed)}"


@item("JWK-7", expects="{jwks.source_header} one of {jwks.sources}")
@pytest.mark.postdeploy
def test_keys_come_from_aws(jwks: KeySet, expected: Target) -> None:
    """The keys come from AWS, as the app itself says: built-in ones reject every real token."""
    header, sources = expected.jwks.source_header, expected.jwks.sources

    assert jwks.source in sources, f"{jwks.url} says {header}: {jwks.source}"


@item("JWK-7", expects="no key named {jwks.fallback_key_ids}")
@pytest.mark.postdeploy
def test_no_key_is_built_in(jwks: KeySet, expected: Target) -> None:
    """None of the keys is one that is built into the source, whatever the app says of where they come from."""
    built_in = [key.name for key in jwks.keys if key.kid in expected.jwks.fallback_key_ids]

    assert not built_in, f"{jwks.url} serves {', '.join(built_in)}, built into the source"
