"""Strict JSON reads every document that JSON can write."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as some

from fixtures.strict_json import strict_json

SCALARS = some.none() | some.booleans() | some.integers(-(10**20) + 1, 10**20 - 1) | some.text()
NUMBERS = some.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = some.recursive(SCALARS | NUMBERS, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner))


@settings(max_examples=50, deadline=None, database=None)
@given(DOCUMENTS)
def test_a_document_comes_back_as_it_was(document: object) -> None:
    assert strict_json(json.dumps(document)) == document
    assert strict_json(json.dumps(document, ensure_ascii=False).encode()) == document


def test_64_levels_are_read() -> None:
    assert strict_json("[" * 64 + "0" + "]" * 64)
