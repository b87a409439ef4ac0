"""How an exchange fails, and that it does so in time."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from fixtures.exchange import ExchangeFailed

if TYPE_CHECKING:
    from fixtures.exchange import Client

SHORT_SECONDS = 0.5  # the deadline of what would wait for ever
AMPLE_SECONDS = 5.0  # of what answers at once, even on a busy machine
GRACE_SECONDS = 1.0


def failure(
    client: Client, url: str, *, seconds: float = AMPLE_SECONDS, retries: int = 0, follow_redirects: int = 0
) -> ExchangeFailed:
    """How asking fails; that it does, and in time."""
    started = perf_counter()
    with pytest.raises(ExchangeFailed) as caught:
        client.exchange(
            "GET", url, seconds=seconds, retries=retries, backoff_seconds=0.01, follow_redirects=follow_redirects
        )
    assert perf_counter() - started < seconds + GRACE_SECONDS
    return caught.value
