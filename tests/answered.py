"""Answers as a record keeps them, made up."""

from __future__ import annotations

from typing import Any


def exchange(status: int, body: str, content_type: str | None = "application/json", **other: object) -> dict[str, Any]:
    """One exchange; `other` replaces what else is recorded of it."""
    return {
        "method": "GET",
        "url": "http://127.0.0.1:1/x",
        "asked": "curl http://127.0.0.1:1/x",
        "status": status,
        "reason": "",
        "http_version": "1.1",
        "headers": [["Content-Type", content_type]] if content_type else [],
        "body": body,
        "body_decoded_as": "utf-8",
        "content_encoding": "",
        "encoded_bytes": len(body),
        "decoded_bytes": len(body),
        "started": "2026-11-24T12:00:00.000Z",
        "seconds": 0.1,
        "first_byte_seconds": 0.1,
        "peer": "127.0.0.1:1",
        "reused": False,
        "tls": None,
        "redirects": [],
        "waited_seconds": 0.0,
        "tries": 1,
        **other,
    }
