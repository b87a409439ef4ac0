"""The app's own tests: what its authors can already see broken must not reach users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.app_tests import Suite
    from fixtures.npm import Step

pytestmark = pytest.mark.predeploy


@item("PRE-5", expects="`npm run {build.test_script}` exits 0", needs=["build.tests_deadline_seconds"])
def test_app_tests_pass(app_test_run: Step) -> None:
    """The app's own tests pass."""
    assert app_test_run.succeeded, app_test_run.told


@item("PRE-5", expects="`npm run {build.test_script}` runs one test or more")
def test_app_tests_are_not_empty(app_suite: Suite) -> None:
    """The app's own test suite runs tests: a suite that finds none passes, too."""
    assert app_suite.counts.ran, f"no test ran, {app_suite.counts.skipped} were skipped: {app_suite.step.told}"


@item("SEC-2", expects="`npm run {build.security_test_script}` exits 0", needs=["build.tests_deadline_seconds"])
def test_security_tests_pass(security_test_run: Step) -> None:
    """The app's security tests pass."""
    assert security_test_run.succeeded, security_test_run.told


@item("SEC-2", expects="`npm run {build.security_test_script}` runs one test or more")
def test_security_tests_are_not_empty(security_suite: Suite) -> None:
    """The app's security suite runs tests: a suite that finds none passes, too."""
    ran = security_suite.counts

    assert ran.ran, f"no test ran, {ran.skipped} were skipped: {security_suite.step.told}"
