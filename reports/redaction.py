"""Nothing secret reaches an artefact: every word of evidence passes here on its way into the record.

Three rules, each enough on its own:

- by value: what an environment variable holds that is secret by name, wherever it shows up and however it is spelled
  there (plain, URL-encoded, escaped for JSON or HTML, in base64 at any alignment);
- by name: what stands under a header or field such as `authorization`, `set-cookie`, `password`, and the private
  members of a JSON Web Key (RFC 7518, 6.2.2, 6.3.2, 6.4.1). Names stay: a check still sees *that* something is there;
- by shape: tokens that give themselves away (Fly.io, AWS, Slack, GitHub, npm, JWT, PEM, credentials in a URL).

What is taken out becomes `[redacted:NAME]`. Redacting twice changes nothing, so a recording can be redacted again.

A value counts as secret from 8 characters on, with these exceptions, or evidence would be lost for no gain: a path that
exists (SSH_AUTH_SOCK), a bare origin (AUTH_URL), a version, a word such as `production`, what the caller calls public
(the target's own names), and variables that only describe a secret (`..._NAME`, `..._FILE`, `..._TTL`) or hold a public
key. A password that is shorter, or one of those words, is not found by value.
"""

from __future__ import annotations

import base64
import html
import os
import re
from bisect import bisect_right
from collections import Counter
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, urlsplit

from reports.secret_shapes import LABELS, assigned, field_label, is_plain, is_reference, shaped, variable_is_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from urllib.parse import SplitResult

    from reports.secret_shapes import Span

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MIN_CHARACTERS = 8
MAX_DEPTH = 64
TOO_DEEP = f"[left out: nested deeper than {MAX_DEPTH}]"

_PLACEHOLDER = re.compile(r"\[redacted:[\w.-]+\]")  # of any redactor: a record is judged on other machines, too
_SHORTEST_FIND = len("://u:p@")
_LONGEST_KEPT = 1000  # characters of a text whose redacted form is remembered
_JWK_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_SCHEME = re.compile(r"(?:FlyV1|Bearer|Basic|token)\s+", re.IGNORECASE)
_TOKENS = re.compile(r"[\w.~+/=:-]+(?:\s*,\s*[\w.~+/=:-]+)+")
_RANDOM = re.compile(r"[A-Z0-9].{7,}|.{7,}[A-Z0-9]")
_NAME = re.compile(r"[A-Za-z_-]+")
_BLOB_DEPTH = 3
_PADDING = "(?:=|%(?:25){0,3}3[dD]){0,2}"
_BLOB = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_NAMED_ENTITIES = {'"': "quot", "&": "amp", "'": "apos", "<": "lt", ">": "gt"}
_CONTROL_ESCAPES = {"\n": r"(?:\\{1,8}r)?\\{1,8}n|\r\n", "\r": r"\\{1,8}r", "\t": r"\\{1,8}t"}


class Redactor:
    """Takes secrets out of text and data, and finds them in finished files.

    Args:
        secrets: (name, value) pairs; the name is what the placeholder shows. Two names for one value: the first counts.
    """

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        named: dict[str, str] = {}
        for name, value in secrets:
            named.setdefault(value, re.sub(r"[^\w.-]", "_", name, flags=re.ASCII))
        self._needles = [(needle.anchor, needle) for value, name in named.items() for needle in _needles(name, value)]
        known = "|".join(sorted(map(re.escape, {*named.values(), *LABELS}), key=len, reverse=True))
        self._placeholder = re.compile(rf"\[redacted:(?:{known})\]")  # of this redactor: no secret can be in it
        self._name = lru_cache(maxsize=1024)(self._read_name)
        self._short = lru_cache(maxsize=8192)(self._redacted)

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        more: Iterable[tuple[str, str]] = (),
        public: Iterable[str] = (),
    ) -> Redactor:
        """A redactor for what this environment holds.

        Args:
            environ: usually `os.environ`.
            more: (name, value) pairs that are secret whatever their names say.
            public: strings that are published anyway, as a whole: never secret, even when a variable holds them.
        """
        open_to_all = frozenset(public)
        pairs = chain(more, (pair for name in sorted(environ) for pair in _secrets_of(name, environ[name])))
        parts = ((name, part) for name, value in pairs for part in _parts(value))
        return cls(
            (name, part)
            for name, part in parts
            if len(part) >= MIN_CHARACTERS and part not in open_to_all and not is_plain(part) and not _is_place(part)
        )

    def text(self, text: str) -> str:
        """The same text without its secrets. Short ones come again and again, from plan to verdict to report."""
        return self._short(text) if len(text) <= _LONGEST_KEPT else self._redacted(text)

    def _redacted(self, text: str) -> str:
        if len(text) >= _SHORTEST_FIND:
            # A placeholder may bring together what newlines kept apart; every round leaves less to replace.
            while spans := self._spans(text):
                text = _replaced(text, spans)
        return text if text.isascii() else text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text

    def data(self, value: Json) -> Json:
        """The same data without its secrets, in keys as well. What is nested too deep is left out, and says so."""
        return self._data(value, MAX_DEPTH)

    def scan(self, content: bytes) -> list[str]:
        """Names of secrets that a finished file still holds, sorted; also inside base64 blobs such as data: URIs.

        Looks for known values and for shapes that leave no doubt. `password=…` is not among them: a report may print
        a command that has it.
        """
        return sorted(self._scan(content.decode("utf-8", "replace"), _BLOB_DEPTH))

    def _scan(self, text: str, depth: int) -> set[str]:
        text = self._placeholder.sub(" ", text)
        found: set[str] = set()
        for view in {text, html.unescape(text), unquote(text)}:
            found.update(name for _, _, name in chain(self._values(view), shaped(_PLACEHOLDER.sub(" ", view))))
        if depth:
            for blob in set(_BLOB.findall(text)):
                found |= self._scan(_decoded(blob), depth - 1)
        return found

    def _values(self, text: str) -> Iterator[Span]:
        for needle in [needle for anchor, needle in self._needles if anchor in text]:
            yield from ((*match.span(), needle.name) for match in needle.pattern.finditer(text))

    def _spans(self, text: str) -> list[Span]:
        """What is to be replaced. What another redactor has replaced has no shape any more, but could be a value."""
        values = self._open(self._placeholder, text, list(self._values(text)))
        return values + self._open(_PLACEHOLDER, text, [*shaped(text), *assigned(text)])

    @staticmethod
    def _open(placeholder: re.Pattern[str], text: str, spans: list[Span]) -> list[Span]:
        """Those spans that are not yet a placeholder, or within one."""
        if not spans:
            return spans
        done = [match.span() for match in placeholder.finditer(text)]
        starts = [start for start, _ in done]
        nearest = ((span, bisect_right(starts, span[0]) - 1) for span in spans)
        return [span for span, index in nearest if index < 0 or done[index][1] < span[1]]

    def _data(self, value: Json, depth: int) -> Json:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (int, float)):
            redacted = self.text(str(value))
            return value if redacted == str(value) else redacted
        if not depth:
            return TOO_DEEP
        if isinstance(value, list):
            return self._pair(value) or [self._data(member, depth - 1) for member in value]
        return self._members(value, depth - 1)

    def _members(self, members: dict[str, Json], depth: int) -> dict[str, Json]:
        private = _JWK_PRIVATE if members.keys() & {"kty", "crv"} or {"n", "e"} <= members.keys() else frozenset()
        named = members.get("name", members.get("key"))
        redacted: dict[str, Json] = {}
        copies: Counter[str] = Counter()
        for key, value in members.items():
            shown, label = self._name(key)
            copies[shown] += 1
            if key == "value" and isinstance(named, str):
                label = self._name(named)[1]
            hidden = "[redacted:private-jwk]" if key in private and value is not None else None
            shown = shown if copies[shown] == 1 else f"{shown} {copies[shown]}"
            redacted[shown] = hidden or self._under(label, value, depth, many=key.endswith(("s", "S")))
        return redacted

    def _under(self, label: str | None, value: Json, depth: int, *, many: bool) -> Json:
        """What stands under a name with this label. Many (`secrets`) are judged by the names inside them."""
        if label and isinstance(value, str):
            keep = not value or is_plain(value) or is_reference(value) or _PLACEHOLDER.fullmatch(value)
            return self.text(value) if keep else f"[redacted:{label}]"
        if label and depth and not many and isinstance(value, list):
            return [self._under(label, member, depth - 1, many=many) for member in value]
        return self._data(value, depth)

    def _pair(self, members: list[Json]) -> list[Json] | None:
        """A header as a pair of name and value; a list of two names of headers is none."""
        match members:
            case [str(name), str(value)] if self._name(name)[1] and not _NAME.fullmatch(value):
                shown, label = self._name(name)
                return [shown, self._under(label, value, 0, many=False)]
        return None

    def _read_name(self, name: str) -> tuple[str, str | None]:
        """A name as it will be shown, and its label: a placeholder in it says nothing about what stands under it."""
        shown = self.text(name)
        return shown, field_label(_PLACEHOLDER.sub("", shown))


class _Needle:
    """One spelling of a secret. The anchor must occur as it is: looking for it is far cheaper than the pattern."""

    def __init__(self, name: str, spelled: str, source: str) -> None:
        self.name = name
        self.anchor = max(re.findall("[A-Za-z0-9]+", spelled), key=len, default="")
        self._source = source

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self._source)


def _needles(name: str, value: str) -> Iterator[_Needle]:
    yield _Needle(name, value, "".join(map(_loose, value)))
    content = value.encode("utf-8", "surrogateescape")
    edge = "[A-Za-z0-9+/_-]?"
    for offset, first in ((0, 0), (1, 2), (2, 3)):
        # Characters that share bits with what stands before or behind the secret differ from place to place.
        last, shared = divmod((offset + len(content)) * 8, 6)
        core = base64.b64encode(b"\0" * offset + content).decode()[first:last]
        before, behind = (edge if offset else ""), (edge + _PADDING if shared else "")
        yield _Needle(name, core, before + "".join(map(_loose64, core)) + behind)


@lru_cache(maxsize=512)
def _loose(character: str) -> str:
    """A pattern for one character, however it is escaped: for URLs, JSON, shells or HTML, also more than once."""
    if character.isascii() and character.isalnum():
        return character
    code = ord(character)
    octets = character.encode("utf-8", "surrogateescape")
    units = character.encode("utf-16-be", "surrogatepass")
    named = f"|{_NAMED_ENTITIES[character]}" if character in _NAMED_ENTITIES else ""
    entity = f"&(?:amp;){{0,3}}(?:#0*{code}|#[xX]0*(?i:{code:x}){named});"
    forms = [
        r"\\{1,8}" if character == "\\" else rf"\\{{0,8}}(?:{re.escape(character)}|{entity})",
        "".join(f"%(?:25){{0,3}}(?i:{octet:02x})" for octet in octets),
        "".join(rf"\\{{1,8}}u(?i:{units[i : i + 2].hex()})" for i in range(0, len(units), 2)),
    ]
    forms += [_CONTROL_ESCAPES[character]] if character in _CONTROL_ESCAPES else []
    forms += [r"\+"] if character == " " else []
    return f"(?:{'|'.join(forms)})"


def _loose64(character: str) -> str:
    return {"+": f"(?:{_loose('+')}|-)", "/": f"(?:{_loose('/')}|_)"}.get(character, character)


def _secrets_of(name: str, value: str) -> Iterator[tuple[str, str]]:
    """What is secret in one variable: its value by its name, and credentials in a URL whatever its name."""
    url = _url(value)
    if variable_is_secret(name):
        yield name, value
        # Error messages of HTTP clients give a URL's path alone.
        if url.netloc and any(map(_RANDOM.search, url.path.split("/"))):
            yield name, url.path.strip("/")
    userinfo, _, _ = url.netloc.rpartition("@")
    _, colon, password = userinfo.partition(":")
    if colon or url.scheme in {"http", "https"}:
        yield from ((name, part) for part in (userinfo, unquote(userinfo), password, unquote(password)))


def _url(value: str) -> SplitResult:
    try:
        return urlsplit(value.strip())
    except ValueError:
        return urlsplit("")


def _is_place(value: str) -> bool:
    """Whether a value says where something is: a path that exists, or an origin."""
    if value.startswith("/"):
        return os.path.exists(value)  # noqa: PTH110 - Path.exists raises for a name that is too long
    url = _url(value)
    return url.scheme in {"http", "https"} and "@" not in url.netloc and not url.path.strip("/") and not url.query


def _parts(value: str) -> Iterator[str]:
    """The value, without its scheme, and each token of a list of them (`FlyV1 fm2_…,fm2_…`)."""
    value = value.strip()
    bare = value.removeprefix(scheme[0]) if (scheme := _SCHEME.match(value)) else value
    yield value
    yield bare
    if _TOKENS.fullmatch(bare):
        yield from (part.strip() for part in bare.split(","))


def _decoded(blob: str) -> str:
    digits = blob.rstrip("=").translate(str.maketrans("-_", "+/"))
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return base64.b64decode(digits + "=" * (-len(digits) % 4)).decode("utf-8", "replace")


def _replaced(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end, label in _merged(spans):
        pieces += text[position:start], f"[redacted:{label}]"
        position = end
    return "".join([*pieces, text[position:]])


def _merged(spans: list[Span]) -> list[Span]:
    """Spans in order; what overlaps is one, named for its longest: two secrets that share an end leave no rest."""
    merged: list[Span] = []
    longest = 0
    for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, end), label if end - start > longest else name)
            longest = max(longest, end - start)
        else:
            merged.append((start, end, label))
            longest = end - start
    return merged
