"""What the subject answers, as checks see it: the twin's app, healthy, and with one thing wrong each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from answered import exchange
from worlds import LooseWorld

import fixtures.answers
from fixtures.answers import EVERY_KIND, Answers
from fixtures.cors import Cors
from fixtures.delivery import Delivery
from fixtures.headers import Pages, by_value
from fixtures.health import DeepHealth, SimpleHealth, Timing
from fixtures.key_set import KeySet, KeySetAnswer, published
from fixtures.key_set_writes import KeySetWrites
from fixtures.looks import CouldNotLook, Json, Observation, Unreadable
from fixtures.target import load_target
from fixtures.twin import Twin
from reports.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.target import Target

assert fixtures.answers.answers  # the looks are declared


@pytest.fixture
def target_without(tmp_path: Path) -> Callable[..., Target]:
    """The twin's target without some of its keys."""

    def load(*unset: str) -> Target:
        file = tmp_path / "little.toml"
        file.write_text(f'extends = "twin"\nunset = {json.dumps(unset)}\n', encoding="utf-8")
        return load_target(str(file))

    return load


@pytest.fixture
def seen(tmp_path: Path, target_without: Callable[..., Target]) -> Callable[..., Observation]:
    """Look at the twin's edge, with faults."""

    def look(*faults: str, name: str = "answers", unset: tuple[str, ...] = (), **values: Json) -> Observation:
        with Twin(machines=1, faults=faults) as twin:
            target = target_without(*unset).with_values({"url": twin.url, **values}, "the running twin")
            with LooseWorld(
                tmp_path / twin.ca_file.parent.name, target=target, environment={"SSL_CERT_FILE": str(twin.ca_file)}
            ) as world:
                return world.look(name, "edge")

    return look


def test_every_kind_of_answer_is_asked_for_once(seen: Callable[..., Observation]) -> None:
    answers = seen().read(Answers.parse)

    assert set(EVERY_KIND) == set(answers.exchanges)
    assert len({(e.method, e.url, e.headers) for e in answers.exchanges.values()}) == len(answers.exchanges)
    assert answers.failed == {}


def test_a_healthy_app_has_no_offender(seen: Callable[..., Observation]) -> None:
    answers = seen()
    pages, delivery = answers.read(Pages.parse), seen(name="answers_again").read(Delivery.parse)
    cors, writes = seen(name="cross_origin").read(Cors.parse), seen(name="write_attempts").read(KeySetWrites.parse)

    assert pages.without_header("x-frame-options", "sameorigin") == {}
    assert pages.with_header("X-Powered-By") == {}
    assert set(pages.transport_security_seconds().values()) == {31536000}
    assert (delivery.uncompressed, delivery.sent_again, delivery.source_map.status) == ([], [], 404)
    assert (len(cors.own), len(cors.foreign)) == (2, 2)
    assert cors.refused == cors.granted == cors.unlimited == []
    assert (len(writes.answers), writes.taken, writes.allowed) == (2, {}, ())
    assert answers.read(KeySetAnswer.parse).faults == ()
    assert answers.read(DeepHealth.parse).faults(["memory", "jwks"]) == []
    assert answers.read(keys_of).identity == answers.read(keys_behind).identity


TARGET = load_target("production")


def keys_of(value: object) -> KeySet:
    return published(value, "jwks", TARGET)


def keys_behind(value: object) -> KeySet:
    return published(value, "jwks_api", TARGET)


def simple_of(value: object) -> SimpleHealth:
    return SimpleHealth.of(value, TARGET)


LOOKS: dict[object, str] = {
    Delivery.parse: "answers_again",
    Cors.parse: "cross_origin",
    KeySetWrites.parse: "write_attempts",
}


@pytest.mark.parametrize(
    ("fault", "parse", "found"),
    [
        ("header-missing-on-404", Pages.parse, lambda p: by_value(p.without_header("X-Frame-Options", "SAMEORIGIN"))),
        (
            "referrer-policy-weak",
            Pages.parse,
            lambda p: set(p.without_header("Referrer-Policy", "no-referrer").values()),
        ),
        ("powered-by", Pages.parse, lambda p: sorted(p.with_header("x-powered-by"))),
        ("hsts-short", Pages.parse, lambda p: set(p.transport_security_seconds().values())),
        ("no-compression", Delivery.parse, lambda d: d.uncompressed),
        ("no-etag", Delivery.parse, lambda d: d.sent_again),
        ("source-maps-served", Delivery.parse, lambda d: d.source_map.status),
        ("cors-foreign-origin", Cors.parse, lambda c: len(c.granted)),
        ("cors-own-origin-refused", Cors.parse, lambda c: len(c.refused)),
        ("cors-wildcard-with-credentials", Cors.parse, lambda c: len(c.unlimited)),
        ("post-offered", KeySetWrites.parse, lambda w: w.allowed),
        ("post-accepted", KeySetWrites.parse, lambda w: list(w.taken.values())),
        ("jwks-content-type", KeySetAnswer.parse, lambda a: a.faults[0].rpartition("comes as ")[2]),
        ("jwks-away", KeySetAnswer.parse, lambda a: a.faults[0].rpartition(" ")[2]),
        ("jwks-cached-for-a-year", keys_of, lambda k: k.cached),
        ("jwks-no-cache-control", keys_of, lambda k: k.cached),
        ("jwks-duplicate-kid", keys_of, lambda k: k.doubled),
        ("jwks-empty", keys_of, lambda k: k.keys),
        ("jwks-weak", keys_of, lambda k: [key.strength for key in k.keys if key.is_weaker(2048, ("P-256",))]),
        ("health-degraded", DeepHealth.parse, lambda h: h.faults(["memory"])[1:]),
        ("health-unhealthy", DeepHealth.parse, lambda h: h.faults(["memory", "queue"])[1:2]),
    ],
)
def test_one_fault_is_seen_by_the_view_that_shows_it(
    seen: Callable[..., Observation], fault: str, parse: Callable[[Any], Any], found: Callable[[Any], Any]
) -> None:
    expected = {
        "header-missing-on-404": "nothing on missing page, missing api",
        "referrer-policy-weak": {"'unsafe-url'"},
        "powered-by": sorted(EVERY_KIND),
        "hsts-short": {3600},
        "no-compression": ["page", "asset"],
        "no-etag": ["page has no ETag", "asset has no ETag"],
        "source-maps-served": 200,
        "cors-foreign-origin": 2,
        "cors-own-origin-refused": 2,
        "cors-wildcard-with-credentials": 4,
        "post-offered": ("POST",),
        "post-accepted": [200, 200],
        "jwks-content-type": "text/html; charset=utf-8",
        "jwks-away": "503",
        "jwks-cached-for-a-year": "for 31536000 s",
        "jwks-no-cache-control": "without a limit",
        "jwks-duplicate-kid": ["paintbox-2026-03"],
        "jwks-empty": (),
        "jwks-weak": ["1024 bits"],
        "health-degraded": [
            "storage is warn: /data is not writable (EACCES): logs go to standard output only",
        ],
        "health-unhealthy": ["queue is missing"],
    }

    assert found(seen(fault, name=LOOKS.get(parse, "answers")).read(parse)) == expected[fault]


@pytest.mark.parametrize("fault", ["jwks-private", "jwks-symmetric"])
def test_a_published_private_key_is_seen_even_when_its_value_is_redacted(
    seen: Callable[..., Observation], fault: str
) -> None:
    redacted = Redactor([]).data(seen(fault).value)
    keys = keys_of(redacted).keys

    assert [key.private_members for key in keys if key.private_members] == [
        ("d",) if fault == "jwks-private" else ("k",)
    ]
    assert "redacted" in json.dumps(redacted)


def test_the_rewrite_that_serves_other_keys_is_seen(seen: Callable[..., Observation]) -> None:
    answers = seen("jwks-rewrite-differs")

    assert answers.read(keys_of).identity != answers.read(keys_behind).identity


def test_an_app_that_is_down_fails_one_view_and_blinds_the_rest(seen: Callable[..., Observation]) -> None:
    here = {"url": "https://127.0.0.1:9", "requests.retry_wait_seconds": 0.01}
    health = seen(name="simple_health", **here)
    answers = seen(**here)

    assert [fault.startswith("https://127.0.0.1:9 refused") for fault in health.read(simple_of).faults] == [True]
    assert (answers.error or "").startswith("https://127.0.0.1:9 refused")
    with pytest.raises(Exception, match="refused"):
        health.read(Timing.of_simple)


def test_a_page_that_cannot_be_had_says_so_in_every_view_that_needs_it(seen: Callable[..., Observation]) -> None:
    answers = seen("app-broken")

    with pytest.raises(CouldNotLook, match="answers 500, and so names no asset"):
        answers.read(Pages.parse)
    with pytest.raises(CouldNotLook, match="how it is delivered"):
        seen("app-broken", name="answers_again").read(Delivery.parse)


def test_a_target_without_some_paths_is_asked_for_the_others(seen: Callable[..., Observation]) -> None:
    answers = seen(unset=("paths.jwks", "paths.jwks_api", "cors.path", "paths.missing"))
    pages = answers.read(Pages.parse)

    assert set(pages.exchanges) == set(EVERY_KIND) - {"jwks", "jwks_api", "missing page", "missing api"}


def test_the_edge_is_asked_within_the_budget_of_the_target(seen: Callable[..., Observation]) -> None:
    answers = seen(**{"requests.maximum": 6}).read(Answers.parse)

    assert len(answers.exchanges) == 6
    assert all(
        "the 6 requests that a run may send to paintbox are spent" in why
        for kind, why in answers.failed.items()
        if kind != "asset map"
    )


def test_a_rate_limit_is_waited_out_and_told(seen: Callable[..., Observation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.twin.light_app.LIMITS", (("/", 100), ("/.well-known/jwks.json", 1)))
    monkeypatch.setattr("fixtures.twin.light_app.WINDOW_SECONDS", 1)
    monkeypatch.setattr("fixtures.subject.PATIENCE_SECONDS", 5)
    attempts = seen(name="write_attempts", **{"requests.timeout_seconds": 0.8})
    answers = attempts.read(Answers.parse)

    assert answers.failed == {}
    assert answers.of("jwks post").tries + answers.of("jwks options").tries > 2
    assert attempts.summary == "3 of 3 questions answered, after 1 s of waiting for a rate limit"


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('{"status":"ok","timestamp":"2026-11-24T12:00:00Z","uptime":3,"memory":"5.0%","responseTime":"0ms"}', ()),
        ('{"status":"ok","timestamp":"2026-11-24T12:00:00Z","uptime":true,"memory":5}', 3),
        ('{"status":"error","reason":"high_memory_usage"}', ("its status is 'error' (high_memory_usage)",)),
        ("[]", ("its body is no JSON object",)),
        ("<html>", 1),
        ('{"status":"ok","status":"down"}', 1),
    ],
)
def test_the_simple_check_must_answer_as_documented(body: str, faults: object) -> None:
    found = simple_of(exchange(200, body)).faults

    assert (len(found) if isinstance(faults, int) else found) == faults


@pytest.mark.parametrize(
    ("unset", "body", "faults"),
    [
        (("health.simple_status", "health.simple_texts", "health.simple_numbers"), "OK", ()),
        (("health.simple_status", "health.simple_texts"), '{"uptime": "long"}', ("its uptime is 'long'",)),
        (("health.simple_texts", "health.simple_numbers"), '{"status": "up"}', ("its status is 'up'",)),
    ],
)
def test_the_simple_check_is_held_to_no_more_than_the_target_says(
    target_without: Callable[..., Target], unset: tuple[str, ...], body: str, faults: tuple[str, ...]
) -> None:
    target = target_without(*unset)

    assert SimpleHealth.of(exchange(200, body, "text/plain"), target).faults == faults
    assert len(SimpleHealth.of(exchange(503, body, "text/plain"), target).faults) == 1 + len(faults)


def test_a_key_set_needs_no_header_that_says_where_its_keys_come_from(target_without: Callable[..., Target]) -> None:
    answer = {"jwks": exchange(200, '{"keys": []}')}

    assert published(answer, "jwks", target_without("jwks.source_header")).source is None


@pytest.mark.parametrize("body", ['{"keys":{}}', '{"keys":[1]}', "[]", '{"keys":[{"kty":"RSA"}],"keys":[]}', "null"])
def test_what_is_no_key_set_is_not_judged_as_one(body: str) -> None:
    with pytest.raises(Unreadable):
        keys_of({"jwks": exchange(200, body)})


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "n": "!!", "e": "AQAB"},
        {"kty": "RSA", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "EC", "crv": "P-999", "x": "AAAA", "y": "AAAA"},
        {"kty": "nonsense"},
        {"kty": ["RSA"]},
        {},
    ],
)
def test_a_key_that_does_not_load_has_a_defect(key: dict[str, Any]) -> None:
    (found,) = keys_of({"jwks": exchange(200, json.dumps({"keys": [key]}))}).keys

    assert found.defect
    assert found.thumbprint is None


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ("public, max-age=300", "for 300 s"),
        ('private, Max-Age="60", s-maxage=120', "for 120 s"),
        ("max-age=60, stale-while-revalidate=600", "for 660 s"),
        ("no-store", "for 0 s"),
        ("public", "without a limit"),
        ("", "without a limit"),
    ],
)
def test_the_life_of_a_cached_set_is_read(cache_control: str, expected: str) -> None:
    answer = exchange(200, '{"keys":[]}')
    answer["headers"].append(["Cache-Control", cache_control])

    assert keys_of({"jwks": answer}).cached == expected
