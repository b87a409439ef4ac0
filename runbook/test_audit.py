"""Security check: what is publicly known to be wrong with the app's dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.audit import Audit, AuditRun
    from fixtures.target import Target

pytestmark = pytest.mark.predeploy


@item("SEC-1", expects="a report of `npm audit`", needs=["audit.deadline_seconds"])
def test_dependency_audit_runs(audit_run: AuditRun) -> None:
    """The dependency audit can be made at all.

    Some registries refuse it, and npm says so with the same exit status as for findings: blind is not clean.
    """
    assert audit_run.ran, audit_run.why


@item("SEC-1", expects="no finding of {audit.severity} severity or above")
def test_no_dependency_is_known_to_be_vulnerable(audit: Audit, expected: Target) -> None:
    """No locked package has a known vulnerability that the target does not tolerate."""
    findings = audit.at_or_above(expected.audit.severity)

    assert not findings, "; ".join(findings)
