"""How secrets give themselves away: by the name they stand under, or by their own shape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Span: TypeAlias = "tuple[int, int, str]"  # start, end, label
Within: TypeAlias = "Callable[[str], Iterator[tuple[int, int]]]"

_WORDS = (
    "authorization",
    "cookie",
    "credential",
    "dsn",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "token",
    "webhook",
)
_KEYS = "access|api|client|deploy|encryption|master|private|secret|signing"
# Names are compared as lower-case words joined by `_`: apiKey, X-Api-Key and API_KEY are one name.
_FIELD = re.compile(rf"(?:^|_)(?:[a-z0-9]*({'|'.join(_WORDS)})|[a-z0-9]*(?:{_KEYS})_?(key))s?\d*(?=_|$)")
# Telling in an environment, too common as names of fields.
_VARIABLE = re.compile(r"(?:^|_)(?:keys?|auth|pass|pat|(?<=_)pwd)(?=_|$)")
# A variable or field that says something about a secret, or holds what is public by definition.
_ABOUT = re.compile(
    r"(?:^|_)(?:publi(?:c|shable)_keys?(?=_|$)|next_public_)|(?:(?<!access)_key|token)_id$"
    r"|_(?:names?|arn|files?|path|dir|home|type|mode|methods?|alg|algorithm|host|port|issuer|audience|endpoint|region"
    r"|ttl|lifetime|expiry|expires|expiration|at|in|seconds|length|size|count|enabled|required|supported|sock|socket"
    r"|helper|policy|providers?|manager|backend|version|status|digest)$"
)
_ADDRESS = re.compile(r"_ur[il]$")

_PLAIN_WORDS = frozenset(
    {"available", "configured", "default", "deployed", "development", "disabled", "enabled", "false", "latest"}
    | {"localhost", "missing", "none", "null", "optional", "present", "preview", "production", "redacted", "required"}
    | {"staged", "staging", "string", "true", "undefined", "unknown", "unset"}
)
_ONE_VERSION = r"[~^<>=v]{0,2} ?\d{1,5}(?:\.(?:\d{1,5}|x|\*)){0,2}(?:-(?:alpha|beta|canary|next|pre|rc)[.\d]*)?"
_VERSIONS = re.compile(rf"{_ONE_VERSION}(?:(?: ?\|\| ?| - | ){_ONE_VERSION})*")
_VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z]+)+")  # the name of an environment variable
_REFERENCE = re.compile(
    r"(?:\w+ )?(?:\$?\{\{?[\w .-]*\}{0,2}|\$\([\w .-]*\)?|\$[A-Z_][A-Z0-9_]*|<[^<>]*>|%(?:\(\w+\))?s|\*+|\.{3}|…"
    r"|(?:process\.env|os\.environ)(?:[.\[(][\w\"'.]*[\])]?)?)"
)
_LONGEST_PLAIN = 200


def field_label(name: str) -> str | None:
    """The kind of secret that a field or header of this name holds, one of `LABELS`; None for any other."""
    return _label(name[:100])


@lru_cache(maxsize=4096)
def _label(name: str) -> str | None:
    words = _words(name)
    found = _FIELD.search(words)
    return (found[1] or found[2]) if found and not _is_about(words, found[0]) else None


def variable_is_secret(name: str) -> bool:
    """Whether an environment variable of this name holds a secret."""
    words = _words(name)
    found = _FIELD.search(words) or _VARIABLE.search(words)
    return found is not None and not _is_about(words, found[0])


def is_plain(value: str) -> bool:
    """Whether a value is no secret whatever its name: a usual word, a version, a range of versions."""
    return len(value) <= _LONGEST_PLAIN and (value.lower() in _PLAIN_WORDS or bool(_VERSIONS.fullmatch(value)))


def is_reference(value: str) -> bool:
    """Whether a value only says where the secret is: `$TOKEN`, `${{ secrets.TOKEN }}`, `<token>`, `***`, `MY_TOKEN`."""
    return len(value) <= _LONGEST_PLAIN and bool(_REFERENCE.fullmatch(value) or _VARIABLE_NAME.fullmatch(value))


def _words(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _is_about(words: str, found: str) -> bool:
    # The address of a webhook is the secret; the address of a token service is not.
    return bool(_ABOUT.search(words) or (_ADDRESS.search(words) and not found.endswith(("webhook", "dsn"))))


@dataclass(frozen=True)
class Shape:
    """A pattern, tried where one of its anchors occurs. Its first group is what is secret; without one, all of it.

    With `within`, only in the stretches of text that this gives.
    """

    label: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]
    within: Within | None = None

    def spans(self, text: str) -> Iterator[Span]:
        """Where the shape occurs."""
        group = min(self.pattern.groups, 1)
        for start, end in self.within(text) if self.within else ((0, len(text)),):
            yield from ((*match.span(group), self.label) for match in self.pattern.finditer(text, start, end))


def _shape(label: str, anchors: str, pattern: str, within: Within | None = None) -> Shape:
    return Shape(label, tuple(anchors.split()), re.compile(pattern, re.ASCII), within)


_KEY_TYPE = re.compile(r"kty(?<=[\"']kty)\\{0,8}[\"']\s{0,9}:")  # begins with letters, which are searched for fast
_BRACE = re.compile("[{}]")


def _keys(text: str) -> Iterator[tuple[int, int]]:
    """Where JSON Web Keys are: stretches without a brace that have a member `kty`. Takes time in line with the text."""
    start = 0
    while found := _KEY_TYPE.search(text, start):
        closing = _BRACE.search(text, found.end())
        end = closing.start() if closing else len(text)
        yield max(start, *(text.rfind(brace, start, found.start()) + 1 for brace in "{}")), end
        start = end


_SLASH = r"(?:\\{0,8}/|%2[fF])"
_FLY = r"(?:fm1[ar]|fm2)_(?:[\w+=%-]|\\{0,8}/){8,}"
_PEM_END = r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_PEM_BODY = r"(?:[^-]|-(?!----))"

# The start of a word, also behind an escape: \\nghp_, %20ghp_. Within a word, base64 makes such tokens by chance.
_START = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"

# Shapes that leave no doubt. Fly.io: fly.io/docs/security/tokens; the others as their makers publish them for scanners.
SHAPES = (
    _shape("fly-token", "fm1r_ fm1a_ fm2_", rf"{_FLY}(?:,{_FLY})*"),
    # Not the tail of a word such as info1_, but right behind an escape: \nfo1_.
    _shape("fly-token", "fo1_", r"(?:(?<![a-z])|(?<=\\[nrt]))fo1_[\w-]{8,}"),
    _shape("fly-token", "FlyV1", r"FlyV1(?: |\+|%20)((?=[\w+/=%,.~-]*[0-9_])[\w+/=%,.~-]{8,})"),
    _shape("aws-key-id", "AKIA ASIA", _START + r"A(?:KI|SI)A[A-Z0-9]{16}(?![A-Z0-9])"),
    _shape("slack-token", "xox xapp-", r"(?:xox[a-z]|xapp)-[A-Za-z0-9-]{8,}"),
    _shape(
        "slack-webhook",
        "hooks.slack",
        rf"hooks\.slack(?:-gov)?\.com{_SLASH}(?:services|workflows|triggers){_SLASH}((?:[\w+-]|{_SLASH}){{8,}})",
    ),
    # HTTP clients name the path alone in their errors.
    _shape("slack-webhook", "/services/T", r"/services/(T\w+/B\w+/\w{8,})"),
    _shape(
        "jwt",
        "eyJ",
        # Taken a whole word at a time, or "eyJeyJ…" would cost the square of its length.
        r"(?<![\w-])(?=[\w-]*?eyJ[\w-]{8})[\w-]++\."
        r"(?:eyJ[\w-]{6,}(?:\.[\w-]*)?|[\w-]{8,}\.[\w-]*(?:\.[\w-]+\.[\w-]+)?|\.[\w-]+\.[\w-]+\.[\w-]+)",
    ),
    _shape(
        "private-key",
        "PRIVATE",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:{_PEM_BODY}+{_PEM_END}|{_PEM_BODY}{{0,300}}?[A-Za-z0-9+/]{{16}}{_PEM_BODY}*)",
    ),
    _shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", _START + r"gh[pousr]_[A-Za-z0-9]{16,}"),
    _shape("github-token", "github_pat_", r"github_pat_\w{16,}"),
    _shape("npm-token", "npm_", _START + r"npm_[A-Za-z0-9]{30,}"),
    _shape("userinfo", "://", r"://([^\s/?#\"'<>:@\\]*:(?![$*{])[^\s/?#\"'<>\\]+)@"),
    _shape("userinfo", "://", r"://(?:(?<=http://)|(?<=https://))([^\s/?#\"'<>:@$*{\\]{8,})@"),
    # A JSON Web Key as text: RFC 7518, 6.2.2, 6.3.2 and 6.4.1. The member's name stays, beside its `kty`.
    _shape(
        "private-jwk",
        "kty",
        r"(?:(?<=\")|(?<='))(?:dp?|dq|qi?|[pk])\\{0,8}[\"']\s{0,9}:\s{0,9}\\{0,8}[\"']([\w-]{20,})",
        within=_keys,
    ),
)
_ANCHORED = tuple((anchor, shape) for shape in SHAPES for anchor in shape.anchors)
LABELS = frozenset({*_WORDS, "key", *(shape.label for shape in SHAPES)})


def shaped(text: str) -> Iterator[Span]:
    """Tokens and keys that leave no doubt."""
    for shape in dict.fromkeys(shape for anchor, shape in _ANCHORED if anchor in text):
        yield from shape.spans(text)


_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_NAME_BEFORE = re.compile(r"[\w-]*$", re.ASCII)
_SIGN = re.compile(r"(?P<rest>[\w-]{0,40})(?:\\{0,8}[\"'])?(?P<sign>[ \t]{0,4}[:=][ \t]{0,4}|[ \t])", re.ASCII)
# A string, itself within any number of strings: quotes inside it have more backslashes than the quotes around it.
_QUOTE = (
    r"[bru]{0,2}(?P<open>(?P<escaped>\\{1,8})?[\"'`])"
    r"(?P<value>(?:(?!(?P=open))(?(escaped)\\{0,16}[^\r\n\\]|(?:\\.|[^\r\n\\])))+)"
)
_QUOTED = re.compile(rf"(?P<list>[\[(]\s{{0,9}})?{_QUOTE}")
_NEXT = re.compile(rf"\\{{0,8}}[\"'`]\s{{0,9}},\s{{0,9}}{_QUOTE}")
_LINE = re.compile(r"(?P<value>(?:=\"[^\"\r\n]*\"|[^\"'`\r\n\\])+)")
_WORD = re.compile(r"(?P<value>[^\s\"'`&<>;,)\]\\]{4,})")


def assigned(text: str) -> Iterator[Span]:
    """What text gives to a secret name: a member of JSON, a header, a variable, a parameter of a query or command."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text.translate(_ASCII_LOWER)
    for word in (*_WORDS, "key"):
        at = lowered.find(word)
        while at >= 0:
            behind = at + len(word)
            if sign := _SIGN.match(text, behind):
                before = _NAME_BEFORE.search(text, max(0, at - 40), at)
                name = f"{before[0] if before else ''}{word}{sign['rest']}"
                for value in _given(text, sign, name):
                    behind = value.end()
                    written = value["value"].strip()
                    if not is_plain(written) and not is_reference(written):
                        yield *value.span("value"), field_label(name) or word
            at = lowered.find(word, behind)


def _given(text: str, sign: re.Match[str], name: str) -> Iterator[re.Match[str]]:
    """The values behind the sign, if the name is a secret's."""
    label = field_label(name)
    is_option = sign["sign"].isspace()
    if label is None or (is_option and not name.startswith("--")):
        return
    value = _QUOTED.match(text, sign.end())
    if value and value["list"]:
        while value and not name.endswith(("s", "S")):
            yield value
            value = _NEXT.match(text, value.end())
        return
    if value is None and (label in {"authorization", "cookie"} or (":" in sign["sign"] and "-" in name)):
        value = _LINE.match(text, sign.end())
    elif value is None and (is_option or sign["sign"] == "="):
        value = _WORD.match(text, sign.end())
    if value:
        yield value
