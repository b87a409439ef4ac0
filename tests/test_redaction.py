"""Secrets do not survive redaction, evidence does. Canaries are put together here: no scanner takes them for real."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reports.redaction import MAX_DEPTH, TOO_DEEP, Json, Redactor
from reports.secret_shapes import LABELS, field_label, is_plain, variable_is_secret

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "c4nary-Zq9/w+xT=7&k"
TAIL = "abcdefghijklmnopqrstuvwx0123456789"
JWT = ".".join(("eyJ" + "hbGciOiJSUzI1NiJ9", "eyJ" + "zdWIiOiJwYWludGJveCJ9", "c2lnbmF0dXJl-_x"))
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7f\nq0Qk/3+w==\n-----END RSA " + "PRIVATE KEY-----"
WEBHOOK = "https://hooks.slack.com/" + "services/T024BE7LD/B0555AAAA/" + TAIL[:24]

SHAPES = {
    "fly-token": [
        "fm2_" + "lJPECAAAAAAAB2c+xBA/" + TAIL + "==",
        "fm1r_" + TAIL,
        "fm1a_" + TAIL,
        "fo1_" + TAIL,
        "fm2_" + TAIL + "=,fm2_" + TAIL,
    ],
    "aws-key-id": ["AKIA" + "QWERTYUIOPASDFGH", "ASIA" + "QWERTYUIOPASDFGH"],
    "slack-token": ["xoxb-" + "123456789012-" + TAIL, "xapp-" + "1-A0-" + TAIL],
    "jwt": [JWT, JWT.rpartition(".")[0] + ".", "eyJ" + "hbGciOiJkaXIifQ..aXYtaXYtaXY.Y2lwaGVydGV4dA.dGFndGFn"],
    "private-key": [PEM, PEM.replace("\n", "\\n"), PEM.partition("==")[0]],
    "github-token": ["ghp_" + TAIL, "ghs_" + TAIL, "github_pat_" + TAIL + "_" + TAIL],
    "npm-token": ["npm_" + TAIL + "AB"],
}
SHAPED = [(label, token) for label, tokens in SHAPES.items() for token in tokens]

SECRET_VARIABLES = """
    FLY_API_TOKEN FLY_ACCESS_TOKEN NPM_TOKEN npm_config_//registry.example/:_authToken NODE_AUTH_TOKEN TOKEN2 SECRET_ID
    AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN PGPASSWORD MYSQL_PWD DB_PASS GH_PAT NEXTAUTH_SECRET APIKEY
    SLACK_WEBHOOK_URL SENTRY_DSN SESSION_COOKIE myApiKey JWT_PRIVATE_KEY NPM_CONFIG__AUTH GOOGLE_CREDENTIALS SMTP_PASSWD
    GPG_PASSPHRASE X_AUTHORIZATION
"""
OTHER_VARIABLES = """
    NODE_ENV KEYBOARD MONKEY PWD OLDPWD GIT_AUTHOR_NAME XAUTHORITY TOKENIZERS_PARALLELISM PATH AUTH_URL NEXTAUTH_URL
    JWT_SECRET_NAME TOKEN_TTL JWT_KEY_ID JWT_PUBLIC_KEY NEXT_PUBLIC_API_KEY AWS_WEB_IDENTITY_TOKEN_FILE SSH_ASKPASS
    SSH_AUTH_SOCK AUTH_MODE BYPASS PASSTHROUGH
"""

# What checks live on: each line must come through as it is.
EVIDENCE = [
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "sha512-qQBLZSDYV8WNJb3wJ8qYk0aOmrTZZS5Yb3n0v0L6QXq0X1fJZx4Qe3f9rQ3v9m6Vq7s8d9f0A1B2C3D4E5F6Gg==",
    "fly-request-id: 01M045YX90P9SRSMXW56K3J0GR-dfw",
    '{"kty":"RSA","use":"sig","kid":"paintbox-2026-01","alg":"RS256","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiA","e":"AQAB"}',
    '{"jsonwebtoken": "^9.0.2", "cookie": "~0.7.2 || ^1.0.0", "js-tokens": "4.0.0", "cookie-signature": "1.0.6"}',
    "PATH=/usr/local/bin:/usr/bin NODE_ENV=production KEYBOARD=qwertyuiop",
    "arn:aws:secretsmanager:us-west-2:123456789012:secret:paintbox/production/jwt/public-keys-AbCdEf",
    'curl -H "Authorization: $FLY_API_TOKEN" https://api.fly.io/prometheus/personal/api/v1/query?query=up',
    "FLY_API_TOKEN: ${{ secrets.FLY_API_TOKEN }}",
    "RUN --mount=type=secret,id=npm_token,env=NPM_TOKEN npm ci",
    "access-control-allow-credentials: true",
    "access-control-allow-headers: Authorization, Cookie",
    'www-authenticate: Bearer realm="paintbox", error="invalid_token"',
    "git clone ssh://git@github.com/example/paintbox and git@github.com:example/paintbox",
    "https://paintbox.fly.dev:443/@scope/package?page=a@b.example",
    "fly secrets set SLACK_WEBHOOK_URL=<address> --app paintbox",
    '{"token_type":"Bearer","max_tokens":4096,"secret_name":"paintbox/production/jwt/public-keys"}',
    "tokens: 3 used, secret store reachable, the password is not shown",
    "reports/runs/2026-11-24T05-30-00Z-production-smoke/record.jsonl",
    "info1_something_long and npm_config_registry and eyJust.a.sentence",
]


def environment(**variables: str) -> Redactor:
    return Redactor.from_environment(variables)


def base64_of(secret: str, before: int, behind: int, encode: Callable[[bytes], bytes]) -> tuple[str, int, int]:
    """The secret among other bytes, in base64, with how many digits know nothing of it in front and behind."""
    content = b"\xff" * before + secret.encode() + b"\xff" * behind
    encoded = encode(content).decode()
    return encoded, before * 8 // 6, len(encoded) - (-(-(len(content) - behind) * 8 // 6))


def is_secret_enough(value: str) -> bool:
    """Whether a value found by hypothesis is none of the exceptions, nor a part of a placeholder."""
    placeholders = " ".join(f"[redacted:{name}]" for name in (*LABELS, "CANARY_TOKEN"))
    ordinary = is_plain(value) or "://" in value or value in placeholders
    return len(value) >= 8 and not ordinary and not Path(value).exists()


ENCODINGS = (base64.b64encode, base64.urlsafe_b64encode)
CHANNELS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "URL": lambda secret: quote(secret, safe=""),
    "URL keeping slashes": quote,
    "form": quote_plus,
    "URL in lower case": lambda secret: "".join(
        c if c.isascii() and c.isalnum() else quote(c, safe="").lower() for c in secret
    ),
    "URL twice": lambda secret: quote(quote(secret)),
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON in UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "HTML": html.escape,
    "JSON in HTML": lambda secret: html.escape(json.dumps(secret)[1:-1]),
}

secrets = (
    st.text(
        st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]) | st.sampled_from("/+=&%\"'<>\\\n -_.~"),
        min_size=8,
        max_size=60,
    )
    .map(str.strip)
    .filter(is_secret_enough)
)
surroundings = st.text(st.sampled_from("abc xyz,.:-()\n012"), max_size=20)


@given(secrets, surroundings, surroundings, st.sampled_from(sorted(CHANNELS)))
@example('"quoted" & <back\\slash>', "", "", "JSON in HTML")
@example("pässwörd-\U0001f511", "", "", "JSON")
@settings(deadline=None)
def test_a_secret_is_gone_however_it_is_spelled(secret: str, before: str, behind: str, channel: str) -> None:
    redactor = environment(CANARY_TOKEN=secret)
    spelled = CHANNELS[channel](secret)

    redacted = redactor.text(f"{before}{spelled}{behind}")

    assert spelled not in redacted
    assert "[redacted:" in redacted
    assert redactor.scan(f"{before}{spelled}{behind}".encode())
    assert not redactor.scan(redacted.encode())


@given(secrets, st.integers(0, 7), st.integers(0, 7), st.sampled_from(ENCODINGS))
@settings(deadline=None)
def test_base64_keeps_no_digit_that_knows_a_bit_of_the_secret(
    secret: str, before: int, behind: int, encode: Callable[[bytes], bytes]
) -> None:
    redactor = environment(CANARY_TOKEN=secret)
    encoded, free_before, free_behind = base64_of(secret, before, behind, encode)

    head, placeholder, tail = redactor.text(encoded).partition("[redacted:CANARY_TOKEN]")

    assert placeholder
    assert len(head) <= free_before
    assert len(tail) <= free_behind
    assert "CANARY_TOKEN" in redactor.scan(encoded.encode())


fragments = st.sampled_from(
    [
        CANARY,
        quote(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
        "[redacted:CANARY_TOKEN]",
        "[redacted:",
        "]",
        "$",
    ]
    + [
        "token=",
        'password="',
        "Authorization: Bearer ",
        "Set-Cookie: a=",
        "--token ",
        '"secret": ["',
        '", "',
        "://u:",
        "@",
    ]
    + [token for _, token in SHAPED]
    + ['"', "'", "\\", "\n", " ", ",", "=", "abc", "eyJ", "fo1_", "FlyV1 ", '{"kty":"RSA","d":"', TAIL]
)
texts = st.lists(fragments | surroundings, max_size=12).map("".join)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            texts | st.sampled_from(["token", "Set-Cookie", "kty", "d", "name", "value", "secrets"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(texts)
@settings(deadline=None, max_examples=300)
def test_redacting_twice_changes_nothing(text: str) -> None:
    redactor = environment(CANARY_TOKEN=CANARY)
    once = redactor.text(text)

    assert redactor.text(once) == once
    assert CANARY not in once


@given(documents)
@settings(deadline=None, max_examples=200)
def test_redacting_data_twice_changes_nothing_and_leaves_nothing_to_find(document: Json) -> None:
    redactor = environment(CANARY_TOKEN=CANARY)
    once = redactor.data(document)

    assert redactor.data(once) == once
    # A key's private member alone, in a table called "kty", is told by the scan's look at raw text: better than not.
    assert set(redactor.scan(json.dumps(once).encode())) <= {"private-jwk"}


@given(secrets, secrets)
@settings(deadline=None)
def test_secrets_that_overlap_leave_no_rest(one: str, other: str) -> None:
    redactor = environment(A_TOKEN=one + "shared-middle", B_TOKEN="shared-middle" + other)

    redacted = redactor.text(f"<{one}shared-middle{other}>")

    assert re.fullmatch(r"<\[redacted:[\w-]+\]>", redacted)


@pytest.mark.parametrize(("label", "token"), SHAPED)
@pytest.mark.parametrize(
    "around", ["{}", "see {} here", '"{}"', "line\\n{}\\n", "x={}&y", "%20{}%20", "({})", "token {},"]
)
def test_a_shape_gives_a_token_away(label: str, token: str, around: str) -> None:
    redactor = environment()
    text = around.format(token)

    redacted = redactor.text(text)

    assert f"[redacted:{label}]" in redacted
    assert token[8:24] not in redacted
    assert redactor.scan(text.encode()) == [label]
    assert redactor.scan(redacted.encode()) == []


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (WEBHOOK, "https://hooks.slack.com/services/[redacted:slack-webhook]"),
        (WEBHOOK.replace("/", "\\/"), "https:\\/\\/hooks.slack.com\\/services\\/[redacted:slack-webhook]"),
        (f"url: {WEBHOOK[23:]} (Caused by", "url: /services/[redacted:slack-webhook] (Caused by"),
        ("postgres://paintbox:pw@db:5432/x", "postgres://[redacted:userinfo]@db:5432/x"),
        ("https://x:p@ss:w@host/", "https://[redacted:userinfo]@host/"),
        (f"https://{TAIL}@github.com/x", "https://[redacted:userinfo]@github.com/x"),
        (f"Authorization: FlyV1 {TAIL}", "Authorization: [redacted:authorization]"),
        (f"FlyV1 {TAIL},{TAIL}", "FlyV1 [redacted:fly-token]"),
        ("GET /deploy?token=s3cr3t&app=x", "GET /deploy?token=[redacted:token]&app=x"),
        ("x-api-key: s3 cr3t\r\nserver: Fly", "x-api-key: [redacted:key]\r\nserver: Fly"),
        ('Set-Cookie: sid="a b"; Path=/', "Set-Cookie: [redacted:cookie]"),
        ("{'Authorization': b'Bearer s3cr3t'}", "{'Authorization': b'[redacted:authorization]'}"),
        ('{"set-cookie": ["a=b", "c=d"]}', '{"set-cookie": ["[redacted:cookie]", "[redacted:cookie]"]}'),
        (r"{\"password\":\"a\\\"b\"}", r"{\"password\":\"[redacted:password]\"}"),
        ('SESSION_SECRET = "short"', 'SESSION_SECRET = "[redacted:secret]"'),
        ("tool --token s3cr3t --password=hunter2", "tool --token [redacted:token] --password=[redacted:password]"),
        (
            '{"kty":"EC","x":"' + TAIL + '","d":"' + TAIL + '"}',
            '{"kty":"EC","x":"' + TAIL + '","d":"[redacted:private-jwk]"}',
        ),
    ],
)
def test_text_keeps_everything_but_the_secret(text: str, redacted: str) -> None:
    assert environment().text(text) == redacted


@pytest.mark.parametrize("line", EVIDENCE)
def test_ordinary_evidence_comes_through(line: str) -> None:
    redactor = environment(FLY_API_TOKEN=CANARY, NODE_ENV="production", KEYBOARD="qwertyuiop")

    assert redactor.text(line) == line
    assert redactor.data({"seen": line}) == {"seen": line}
    assert redactor.scan(line.encode()) == []


@pytest.mark.parametrize("name", SECRET_VARIABLES.split())
def test_a_variable_is_secret_by_name(name: str) -> None:
    assert variable_is_secret(name)
    assert environment(**{name: "c4nary-value"}).text("is c4nary-value here") == (
        f"is [redacted:{name.translate(str.maketrans('/:', '__'))}] here"
    )


@pytest.mark.parametrize("name", OTHER_VARIABLES.split())
def test_a_variable_that_holds_no_secret_is_left_alone(name: str) -> None:
    assert not variable_is_secret(name)


@pytest.mark.parametrize("value", ["seven77", "production", "15.5.29-canary.3", "https://paintbox.fly.dev/"])
def test_a_value_that_says_nothing_is_no_secret(value: str) -> None:
    assert environment(API_TOKEN=value).text(f"it is {value} there") == f"it is {value} there"


def test_a_path_that_exists_is_no_secret(tmp_path: Path) -> None:
    redactor = environment(SOME_TOKEN=str(tmp_path), OTHER_TOKEN=f"/{TAIL}")

    assert redactor.text(f"{tmp_path} /{TAIL}") == f"{tmp_path} [redacted:OTHER_TOKEN]"


def test_what_is_public_is_no_secret() -> None:
    redactor = Redactor.from_environment({"DB_PASSWORD": "paintbox"}, public=["paintbox"])

    assert redactor.text("https://paintbox.fly.dev") == "https://paintbox.fly.dev"


def test_more_secrets_can_be_named() -> None:
    redactor = Redactor.from_environment({"X": CANARY}, more=[("login", CANARY)])

    assert redactor.text(CANARY) == "[redacted:login]"


def test_every_part_of_a_list_of_tokens_is_secret() -> None:
    redactor = environment(FLY_API_TOKEN="FlyV1 one-token-x1,two-token-x2", API_KEYS="one-more-x3, two-more-x4")

    assert redactor.text("two-token-x2 two-more-x4") == "[redacted:FLY_API_TOKEN] [redacted:API_KEYS]"


def test_credentials_in_a_url_are_secret_under_any_name() -> None:
    redactor = environment(
        DATABASE_URL="postgres://paintbox:p%40ss-word@db:5432/paintbox", INDEX=f"https://{TAIL}@pypi.example"
    )

    assert (
        redactor.text("paintbox: p@ss-word p%40ss-word") == "paintbox: [redacted:DATABASE_URL] [redacted:DATABASE_URL]"
    )
    assert redactor.text(TAIL) == "[redacted:INDEX]"
    assert TAIL not in redactor.text(f"Basic {base64.b64encode(f'{TAIL}:'.encode()).decode()}")


def test_the_path_of_a_webhook_is_secret() -> None:
    redactor = environment(ALERT_WEBHOOK="https://alerts.example/in/Zx81Zx81Zx81")

    assert redactor.text("with url: /in/Zx81Zx81Zx81 (Caused by") == "with url: /[redacted:ALERT_WEBHOOK] (Caused by"


def test_fields_lose_their_value_and_keep_their_name() -> None:
    redactor = environment()

    assert redactor.data(
        {
            "headers": [["Set-Cookie", "a=b; Secure"], ["authorization", "Bearer x"], ["server", "Fly"]],
            "password": "pw",
            "x-api-key": ["k1", "k2"],
            "env": [{"name": "DB_PASSWORD", "value": "pw"}, {"name": "POOL_MAX", "value": "10"}],
            "refresh_token": None,
            "client_secret": "",
            "cookie": {"secure": True},
        }
    ) == {
        "headers": [
            ["Set-Cookie", "[redacted:cookie]"],
            ["authorization", "[redacted:authorization]"],
            ["server", "Fly"],
        ],
        "password": "[redacted:password]",
        "x-api-key": ["[redacted:key]", "[redacted:key]"],
        "env": [{"name": "DB_PASSWORD", "value": "[redacted:password]"}, {"name": "POOL_MAX", "value": "10"}],
        "refresh_token": None,
        "client_secret": "",
        "cookie": {"secure": True},
    }


def test_data_about_secrets_comes_through() -> None:
    about: Json = {
        "secrets": [{"name": "SLACK_WEBHOOK_URL", "digest": "f2ca1bb6c7e907d0", "status": "Deployed"}],
        "tokens": ["FLY_API_TOKEN", "NPM_TOKEN"],
        "SLACK_WEBHOOK_URL": "Deployed",
        "allowed": ["Authorization", "Content-Type"],
        "dependencies": {"cookie": "^0.7.2", "jsonwebtoken": ">=9 <10"},
        "token_count": 12345678901,
        "key": "value-of-a-key",
    }

    assert environment().data(about) == about


def test_a_private_key_is_seen_to_be_there_and_not_seen() -> None:
    public: dict[str, Json] = {"kty": "RSA", "kid": "paintbox-2026-01", "n": TAIL * 8, "e": "AQAB"}
    private: dict[str, Json] = dict.fromkeys(("d", "p", "q", "dp", "dq", "qi"), TAIL)
    redactor = environment()

    redacted = redactor.data({"keys": [public | private | {"oth": [{"r": TAIL}]}, public, {"kty": "oct", "k": "abc"}]})

    gone = dict.fromkeys((*private, "oth"), "[redacted:private-jwk]")
    assert redacted == {"keys": [public | gone, public, {"kty": "oct", "k": "[redacted:private-jwk]"}]}
    assert json.loads(redactor.text(json.dumps(public | private))) == public | dict.fromkeys(
        private, "[redacted:private-jwk]"
    )


def test_keys_and_numbers_are_redacted_too() -> None:
    redactor = environment(PIN_SECRET="1234567890", CANARY_TOKEN=CANARY)

    redacted = redactor.data({CANARY: 1, f"{JWT}": 2, f"{JWT}x": 3, "pin": 1234567890, "pins": 12})

    assert redacted == {
        "[redacted:CANARY_TOKEN]": 1,
        "[redacted:jwt]": 2,
        "[redacted:jwt] 2": 3,
        "pin": "[redacted:PIN_SECRET]",
        "pins": 12,
    }


def test_what_is_nested_too_deep_is_left_out() -> None:
    lists: Json = CANARY
    members: Json = CANARY
    for _ in range(900):
        lists, members = [lists], {"deeper": members}

    for document in (lists, members, {"token": lists}):
        redacted = json.dumps(environment().data(document))
        assert TOO_DEEP in redacted
        assert redacted.count("[") + redacted.count("{") <= MAX_DEPTH + 2


def test_a_server_cannot_smuggle_a_secret_out_in_a_placeholder() -> None:
    redactor = environment(CANARY_TOKEN=TAIL)

    assert TAIL not in redactor.text(f"[redacted:{TAIL}]")
    assert redactor.scan(f"[redacted:{TAIL}]".encode()) == ["CANARY_TOKEN"]


def test_placeholders_are_no_find_even_when_a_secret_is_called_like_one() -> None:
    redactor = environment(A_PASSWORD="A_PASSWORD", B_PASSWORD="redacted:")

    assert redactor.scan(b"[redacted:A_PASSWORD] [redacted:B_PASSWORD] [redacted:jwt]") == []
    assert redactor.text("[redacted:A_PASSWORD]") == "[redacted:A_PASSWORD]"


@pytest.mark.parametrize("secret", [CANARY, JWT, PEM, WEBHOOK])
def test_scan_looks_into_blobs(secret: str) -> None:
    redactor = environment(CANARY_TOKEN=CANARY)
    once = base64.b64encode(json.dumps({"seen": f"-{secret}-"}).encode()).decode()
    twice = base64.urlsafe_b64encode(f"<a href='data:text/plain;base64,{once}'>".encode()).decode()

    for blob in (once, twice, quote(once)):
        assert redactor.scan(f'<a href="data:application/json;base64,{blob}">log</a>'.encode())


def test_scan_reads_any_bytes() -> None:
    redactor = environment(CANARY_TOKEN=CANARY)

    assert redactor.scan(b"\xff\xfe\x00" + CANARY.encode() + b"\x80") == ["CANARY_TOKEN"]
    assert redactor.scan(bytes(range(256)) * 64) == []


HOSTILE = [
    "eyJ",
    "eyJabcdefghij.",
    "cookie=",
    'token="',
    "cookie=${",
    "\\",
    "%25",
    "://a:",
    "fm2_",
    "FlyV1+",
    'kty"d":',
]
HOSTILE += [
    "-----BEGIN PRIVATE KEY-----",
    "[redacted:token]token=abcd ",
    "key:",
    "passwordtoken",
    '"secret":["',
    "&amp;",
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_takes_no_more_than_linear_time(part: str) -> None:
    redactor = environment(CANARY_TOKEN=CANARY, OTHER_TOKEN="\\/" + TAIL)
    text = part * (200_000 // len(part)) + TAIL

    started = time.process_time()
    redactor.text(text)
    redactor.scan(text.encode())

    assert time.process_time() - started < 2


def test_a_megabyte_of_log_takes_a_blink() -> None:
    redactor = Redactor.from_environment({f"S{i}_TOKEN": f"{TAIL}{i:06}" for i in range(20)})
    line = '2026-11-24T05:30:00Z app[148e4d9] sjc [info] {"status":"ok","token":"none","url":"https://paintbox.fly.dev/api"}\n'
    text = line * (1_000_000 // len(line))

    started = time.process_time()
    redactor.text(text)

    assert time.process_time() - started < 1


def test_names_of_fields_are_told_from_names_about_fields() -> None:
    assert field_label("proxy-authorization") == "authorization"
    assert field_label("X-Api-Key") == "key"
    assert field_label("key") is None
    assert field_label("token_endpoint") is None
