"""What is judged about people and about data on the machine: placeholders, statements that age, state."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fixtures.acceptance import People
from fixtures.document import Edition
from fixtures.local_state import local_state
from fixtures.people import SignOff
from fixtures.placeholders import is_placeholder


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-", "???", "[Your contact]", "[Backup contact]", "[Your AWS support plan]", "[to be named]"),
        *("to be named", "not yet decided", "<name>", "{{ oncall }}", "TBD", "tbd: ask Ada", "TODO", "n/a", "N/A"),
        *("none", "Nobody", "xxx", "unknown", "Your contact", "name here", "primary on-call", "John Doe", "change me"),
    ],
)
def test_placeholder_is_recognised(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Ada Lovelace", "Ada Lovelace <ada@example.com>", "<ada@example.com>", "+1 555 0100", "(555) 0100 (Ada)"),
        *(
            "Na Li, +86 10 5550 1000",
            "Nana",
            "Todd Nobel",
            "Noneya Business, page 7",
            "Theodora Nameless",
            "https://x.example",
        ),
        *("2.0", "Enterprise plan, case at https://console.aws.amazon.com/support/home", "The platform team, #oncall"),
    ],
)
def test_somebody_who_is_named_is_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("DATABASE_URL", "file:/app/paint.db", "a database in /app/paint.db"),
        ("DATABASE_URL", "file:./dev", "a database in ./dev"),
        ("DATABASE_URL", "file:///data/../app/paint.db", "a database in /data/../app/paint.db"),
        ("X", "sqlite:////app/x", "a database in /app/x"),
        ("X", "SQLite://localhost/app/x?mode=rw", "a database in /app/x"),
        ("DB", "paint.sqlite3", "a database in paint.sqlite3"),
        ("CACHE_URL", "redis://localhost:6379", "a database on this machine"),
        ("X", "postgresql+asyncpg://[::1]/paint", "a database on this machine"),
        ("LOG_DIR", "/var/log", "files in /var/log"),
        ("LOG_DIR", "logs", "files in logs"),
        ("LOG_DIR", "/database", "files in /database"),
        ("upload_path", "./uploads", "files in ./uploads"),
    ],
)
def test_state_outside_the_volume_is_told(name: str, value: str, kept: str) -> None:
    assert local_state(name, value, "/data") == kept


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("LOG_DIR", "/data"), ("LOG_DIR", "/data/"), ("LOG_DIR", "/data/logs"), ("LOG_FILE", "/dev/stdout")),
        *(("DATABASE_URL", "file:/data/paint.db"), ("DATABASE_URL", "sqlite::memory:"), ("DB", ":memory:")),
        *(("DATABASE_URL", "postgres://db.internal/paint"), ("REDIS_URL", "rediss://cache.internal")),
        *(("STORAGE_PATH", "s3://bucket/uploads"), ("API_PATH", "/api"), ("SESSION_PATH", "/"), ("LOG_DIR", "")),
        *(("CONFIG_URL", "file:///app/config.json"), ("SSL_CERT_FILE", "/etc/ssl/cert.pem"), ("X", "redis://[")),
    ],
)
def test_what_keeps_no_state_on_the_machine_is_let_be(name: str, value: str) -> None:
    assert local_state(name, value, "/data") == ""


def test_statement_counts_no_longer_than_the_target_allows() -> None:
    made = SignOff("MNT-1", "Ada", "all applied", date(2026, 1, 1), "commit 0123456", 365)
    clock = datetime(2026, 1, 9, tzinfo=UTC)
    stated = People({}, {"x": (made,)}).statement("x", "MNT-1", "Grace", clock)

    assert stated.within(8) == stated
    assert not stated.within(7).holds
    assert stated.within(7).says == "Ada on 2026-01-01: all applied (commit 0123456); that was 8 days ago"
    assert not People({}, {}).statement("x", "MNT-1", "Grace", clock).within(7).holds


def test_edition_is_read_from_plain_data() -> None:
    read = Edition.parse({"version": "2.0", "last_updated": "2026-11-24", "next_review": "2026-12-24"})

    assert (read.version, read.last_updated, read.next_review) == ("2.0", date(2026, 11, 24), date(2026, 12, 24))
