"""Waivers and sign-offs: who may accept what, for how long, and the sentence for each way to get one wrong."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from fixtures.catalogue import Catalogue
from fixtures.people import (
    PeopleError,
    SignOff,
    Waiver,
    fingerprint,
    load_sign_offs,
    load_waivers,
)

RUNBOOK = Path(__file__).resolve().parent.parent / "runbook"
CATALOGUE = Catalogue.load()
CHECK = "SEC-1/test_dependencies_have_no_known_holes"
CHECKS = {CHECK, "CFG-2/test_machines_have_the_documented_memory"}

WAIVER = f"""
[[waiver]]
check = "{CHECK}"
reason = "no fix yet"
owner = "Ada Lovelace"
approver = "Grace Hopper"
from = 2026-01-01
until = 2026-04-01
fingerprint = "0123456789abcdef"
"""
SIGN_OFF = """
[[signoff]]
item = "MNT-7"
who = "Ada Lovelace"
what = "read it all"
when = 2026-01-01
evidence = "commit 0123456"
valid_for_days = 31
"""


def document(folder: Path, text: str) -> Path:
    path = folder / "people.toml"
    path.write_text(text, encoding="utf-8")
    return path


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


# -------------------------------------------------------------------------------------------------------- the files


def test_nothing_is_waived_or_signed_off_without_people() -> None:
    assert load_waivers(RUNBOOK / "waivers.toml", CATALOGUE) == ()
    assert load_sign_offs(RUNBOOK / "signoffs.toml", CATALOGUE) == ()


def test_examples_in_the_files_are_valid(tmp_path: Path) -> None:
    def uncommented(name: str) -> Path:
        text = (RUNBOOK / name).read_text(encoding="utf-8")
        return document(tmp_path, "\n".join(re.findall(r"^# (\[\[.*|\w+ = .*)$", text, re.MULTILINE)))

    assert len(load_waivers(uncommented("waivers.toml"), CATALOGUE)) == 1
    assert len(load_sign_offs(uncommented("signoffs.toml"), CATALOGUE)) == 1


def test_waiver_is_read_whole(tmp_path: Path) -> None:
    (waiver,) = load_waivers(document(tmp_path, WAIVER), CATALOGUE, CHECKS)

    assert waiver == Waiver(
        CHECK, "no fix yet", "Ada Lovelace", "Grace Hopper", date(2026, 1, 1), date(2026, 4, 1), "0123456789abcdef"
    )
    assert Waiver.from_json(json.loads(json.dumps(waiver.as_json()))) == waiver


def test_sign_off_is_read_whole(tmp_path: Path) -> None:
    (sign_off,) = load_sign_offs(document(tmp_path, SIGN_OFF), CATALOGUE)

    assert sign_off == SignOff("MNT-7", "Ada Lovelace", "read it all", date(2026, 1, 1), "commit 0123456", 31)
    assert SignOff.from_json(json.loads(json.dumps(sign_off.as_json()))) == sign_off


def test_recorded_data_that_is_no_waiver_is_refused(tmp_path: Path) -> None:
    (waiver,) = load_waivers(document(tmp_path, WAIVER), CATALOGUE)

    for change in ({"until": "soon"}, {"until": None}, {"approver": "ada lovelace"}, {"more": 1}):
        with pytest.raises(PeopleError, match="the recorded waiver"):
            Waiver.from_json(waiver.as_json() | change)
    with pytest.raises(PeopleError, match="the recorded sign-off has no item"):
        SignOff.from_json({})


# -------------------------------------------------------------------------------------------------------- the dates


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2025-12-31T23:59:59", False),
        ("2026-01-01T00:00:00", True),
        ("2026-04-01T23:59:59", True),
        ("2026-04-02T00:00:00", False),
    ],
)
def test_waiver_holds_from_its_first_to_its_last_day(tmp_path: Path, moment: str, holds: bool) -> None:  # noqa: FBT001 - the expected verdict
    (waiver,) = load_waivers(document(tmp_path, WAIVER), CATALOGUE)

    assert waiver.in_date(at(moment)) is holds


def test_days_are_those_of_utc(tmp_path: Path) -> None:
    (waiver,) = load_waivers(document(tmp_path, WAIVER), CATALOGUE)
    pacific = timezone(timedelta(hours=-8))

    assert waiver.in_date(datetime(2026, 4, 1, 15, 59, tzinfo=pacific))
    assert not waiver.in_date(datetime(2026, 4, 1, 16, 0, tzinfo=pacific))


@pytest.mark.parametrize(
    ("moment", "holds"),
    [
        ("2025-12-31T23:59:59", False),
        ("2026-01-01T00:00:00", True),
        ("2026-02-01T23:59:59", True),
        ("2026-02-02T00:00:00", False),
    ],
)
def test_sign_off_counts_from_its_day_for_the_days_it_says(tmp_path: Path, moment: str, holds: bool) -> None:  # noqa: FBT001 - the expected verdict
    (sign_off,) = load_sign_offs(document(tmp_path, SIGN_OFF), CATALOGUE)

    assert sign_off.in_date(at(moment)) is holds


def test_waiver_accepts_one_failure_of_one_check(tmp_path: Path) -> None:
    mark = fingerprint(CHECK, "next 15.4.5: critical")
    (waiver,) = load_waivers(document(tmp_path, WAIVER.replace("0123456789abcdef", mark)), CATALOGUE)
    today = at("2026-02-01T12:00:00")

    assert waiver.accepts(CHECK, "next 15.4.5: critical", today)
    assert not waiver.accepts(CHECK, "next 15.4.5: critical; react: high", today)
    assert not waiver.accepts("SEC-2/test_other", "next 15.4.5: critical", today)
    assert not waiver.accepts(CHECK, "next 15.4.5: critical", at("2026-05-01T12:00:00"))


def test_fingerprint_stays_the_same_from_release_to_release() -> None:
    assert fingerprint("CFG-2/test_memory", "148e4d9 has 1024 MB") == "24ec01ef6d6194fa"
    assert fingerprint("CFG-2/test_memory", "148e4d9 has 512 MB") != fingerprint(
        "CFG-2/test_memory", "148e4d9 has 1024 MB"
    )


# -------------------------------------------------------------------------------------- one sentence for a mistake


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("from = 2026-01-01\n", ""), "[[waiver]] 1 has no from: add it"),
        (
            ('reason = "no fix yet"', 'reason = " "'),
            "[[waiver]] 1: reason must be a text that says something, in quotes",
        ),
        (("owner =", "ower ="), "[[waiver]] 1 has an unknown key 'ower'; did you mean 'owner'?"),
        (("2026-04-01", "2026-04-02"), "lasts more than 90 days: end it by 2026-04-01, and look again then"),
        (("2026-04-01", "2025-12-31"), "ends on 2025-12-31, before it starts on 2026-01-01: correct the dates"),
        (("2026-04-01", '"2026-04-01"'), "until must be a date without quotes or time, as in until = 2026-01-31"),
        (("2026-04-01", "2026-04-01T00:00:00Z"), "until must be a date without quotes or time"),
        (("Grace Hopper", "ada  LOVELACE"), "Ada Lovelace owns and approves it; have somebody else approve"),
        (("Grace Hopper", "\\uff21da Lovelace"), "Ada Lovelace owns and approves it"),
        (("0123456789abcdef", "0123"), "fingerprint must be the 16 hex digits that the failing check's report shows"),
        (("SEC-1/test", "SEC-9/test"), "and the catalogue has no item 'SEC-9'; did you mean 'SEC-"),
        (("_known_holes", "_known_hole"), f"which is no check; did you mean '{CHECK}'?"),
        (
            ("SEC-1/test", "SEC-3/test"),
            "is for SEC-3, which must never be waived: mend what it found, and take this out",
        ),
        (("[[waiver]]", "[waiver]"), "write each waiver as a table of its own, under [[waiver]]"),
        (("[[waiver]]", "[[waivers]]"), "has an unknown key 'waivers'; did you mean 'waiver'?"),
        (("[[waiver]]", "[[waiver]"), "is not valid TOML, correct it there:"),
    ],
)
def test_mistake_in_a_waiver_is_told_in_one_sentence(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    path = document(tmp_path, WAIVER.replace(*change))

    with pytest.raises(PeopleError) as refused:
        load_waivers(path, CATALOGUE, CHECKS)

    assert says in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('what = "read it all"\n', ""), "[[signoff]] 1 has no what: add it"),
        (("valid_for_days = 31", "valid_for_days = 0"), "valid_for_days must be a whole number above zero"),
        (("valid_for_days = 31", "valid_for_days = true"), "valid_for_days must be a whole number above zero"),
        (("MNT-7", "MNT-77"), "is for MNT-77, which the catalogue does not have; did you mean 'MNT-7'?"),
        (("MNT-7", "CFG-2"), "is for CFG-2, which checks judge: take it out, or waive the check"),
        (("who =", "whom ="), "has an unknown key 'whom'; did you mean 'who'?"),
    ],
)
def test_mistake_in_a_sign_off_is_told_in_one_sentence(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    path = document(tmp_path, SIGN_OFF.replace(*change))

    with pytest.raises(PeopleError) as refused:
        load_sign_offs(path, CATALOGUE)

    assert says in str(refused.value)
    assert str(path) in str(refused.value)


def test_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(PeopleError, match=r"none\.toml does not exist: create it, or correct the path"):
        load_waivers(tmp_path / "none.toml", CATALOGUE)


def test_a_fingerprint_forgets_how_long_it_took_and_nothing_else() -> None:
    assert fingerprint("BLD-1/x", "exited 1 after 14 s") == fingerprint("BLD-1/x", "exited 1 after 3.5 s")
    assert fingerprint("CFG-2/x", "asks for 1024 MB") != fingerprint("CFG-2/x", "asks for 512 MB")
