"""Maintenance, contacts and the document itself: what people keep up to date, weekly and monthly."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fixtures.placeholders import is_placeholder
from fixtures.plan import item

if TYPE_CHECKING:
    from datetime import date, datetime

    from fixtures.acceptance import Statement
    from fixtures.document import Edition
    from fixtures.target import Target

pytestmark = pytest.mark.maintenance


@item("MNT-1", expects="a sign-off of the last {maintenance.security_updates_maximum_age_days} days")
def test_security_updates_were_applied(signoff: Statement, expected: Target) -> None:
    """Somebody has applied the week's security updates, and signed for it.

    Which updates there were, and that they reached production, no program can tell.
    """
    stated = signoff.within(expected.maintenance.security_updates_maximum_age_days)

    assert stated.holds, stated.says


@item("MNT-2", expects="a commit of the lock file in the last {maintenance.dependencies_maximum_age_days} days")
def test_dependencies_were_updated(lock_committed: datetime, clock: datetime, expected: Target) -> None:
    """The lock file was committed within the month.

    The longer it waits the more breaks at once, on the day that an update cannot wait.
    """
    allowed = timedelta(days=expected.maintenance.dependencies_maximum_age_days)

    assert clock - lock_committed <= allowed, f"the lock file's last commit is of {lock_committed:%Y-%m-%d}"


@item("MNT-7", expects="a sign-off of the last {maintenance.documentation_maximum_age_days} days")
def test_documentation_was_updated(signoff: Statement, expected: Target) -> None:
    """Somebody has read the documentation against the app, and signed for it.

    The next person on call acts on what it says.
    """
    stated = signoff.within(expected.maintenance.documentation_maximum_age_days)

    assert stated.holds, stated.says


@item("CON-1", expects="a name each", needs=["contacts.primary_oncall", "contacts.secondary_oncall"])
def test_oncall_is_named(expected: Target) -> None:
    """Primary and secondary on-call are named, and the names are no placeholders.

    At three in the morning somebody must know whom to call.
    """
    contacts = {"primary": expected.contacts.primary_oncall, "secondary": expected.contacts.secondary_oncall}
    unnamed = [f"the {role} on-call is {name!r}" for role, name in contacts.items() if is_placeholder(name)]

    assert not unnamed, "; ".join(unnamed)


@item("CON-1", expects="two people", needs=["contacts.primary_oncall", "contacts.secondary_oncall"])
def test_secondary_oncall_is_another_person(expected: Target) -> None:
    """The secondary on-call is somebody else than the primary.

    Nobody is left to call when the one does not answer. Placeholders are told by themselves.
    """
    primary, secondary = (expected.contacts.primary_oncall, expected.contacts.secondary_oncall)
    same = primary.casefold().split() == secondary.casefold().split() and not is_placeholder(primary)

    assert not same, f"{primary} is on call as primary and as secondary"


@item("CON-2", expects="how to reach both", needs=["contacts.fly_support", "contacts.aws_support"])
def test_support_contacts_are_given(expected: Target) -> None:
    """It is stated how to reach the support of Fly.io and of AWS.

    Minutes of an outage would go into looking for a form.
    """
    contacts = {"Fly.io": expected.contacts.fly_support, "AWS": expected.contacts.aws_support}
    missing = [f"the support of {who} is {how!r}" for who, how in contacts.items() if is_placeholder(how)]

    assert not missing, "; ".join(missing)


@item("DOC-1", expects="a version, and a date that has come")
def test_document_has_a_version_and_a_date(edition: Edition, today: date) -> None:
    """The runbook says which version it is, and when it was last updated.

    Without both nobody can tell whether it was ever true of this app. A date to come is a slip of the keyboard.
    """
    real = edition.last_updated <= today and not is_placeholder(edition.version)

    assert real, f"version {edition.version} was last updated on {edition.last_updated}"


@item("DOC-1", expects="a next review that is still to come")
def test_review_is_not_overdue(edition: Edition, today: date) -> None:
    """The next review of the runbook is not overdue.

    What nobody has read for longer than was promised may no longer be so.
    """
    assert edition.next_review >= today, f"the review was due on {edition.next_review}"
