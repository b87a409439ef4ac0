"""Response headers, on every kind of answer: read off the booted build before a deploy, off the edge after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.headers import by_value
from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.headers import Pages
    from fixtures.target import Target


@item("HDR-1", expects="X-Frame-Options: {headers.x_frame_options} on every kind of answer")
@pytest.mark.predeploy
@pytest.mark.smoke
def test_other_sites_cannot_frame_ours(pages: Pages, expected: Target) -> None:
    """Every kind of answer lets only our own pages frame it: page, API, asset, error."""
    missing = pages.without_header("X-Frame-Options", expected.headers.x_frame_options)

    assert not missing, f"X-Frame-Options: {by_value(missing)}"


@item("HDR-2", expects="X-Content-Type-Options: {headers.x_content_type_options} on every kind of answer")
@pytest.mark.predeploy
@pytest.mark.smoke
def test_content_type_is_never_sniffed(pages: Pages, expected: Target) -> None:
    """Every kind of answer forbids content sniffing: page, API, asset, error."""
    missing = pages.without_header("X-Content-Type-Options", expected.headers.x_content_type_options)

    assert not missing, f"X-Content-Type-Options: {by_value(missing)}"


@item("HDR-3", expects="X-XSS-Protection: {headers.x_xss_protection} on every kind of answer")
@pytest.mark.predeploy
@pytest.mark.postdeploy
def test_old_browsers_block_injected_script(pages: Pages, expected: Target) -> None:
    """Every kind of answer tells old browsers to block script that was injected: page, API, asset, error."""
    missing = pages.without_header("X-XSS-Protection", expected.headers.x_xss_protection)

    assert not missing, f"X-XSS-Protection: {by_value(missing)}"


@item("HDR-4", expects="Referrer-Policy: {headers.referrer_policy} on every kind of answer")
@pytest.mark.predeploy
@pytest.mark.smoke
def test_other_sites_do_not_learn_our_paths(pages: Pages, expected: Target) -> None:
    """Every kind of answer keeps our paths and queries from other sites: page, API, asset, error."""
    missing = pages.without_header("Referrer-Policy", expected.headers.referrer_policy)

    assert not missing, f"Referrer-Policy: {by_value(missing)}"


@item("HDR-5", expects="no {headers.hidden} on any kind of answer")
@pytest.mark.predeploy
@pytest.mark.postdeploy
def test_answers_do_not_name_the_framework(pages: Pages, expected: Target) -> None:
    """No kind of answer names the framework: whoever looks for its latest hole finds us by that."""
    told = [f"{name}: {by_value(found)}" for name in expected.headers.hidden if (found := pages.with_header(name))]

    assert not told, "; ".join(told)


@item("HDR-6", expects="Strict-Transport-Security of {hsts.minimum_age_seconds} s or more on every kind of answer")
@pytest.mark.postdeploy
def test_browsers_stay_on_https(pages: Pages, expected: Target) -> None:
    """Every kind of answer keeps browsers on HTTPS for long: page, API, asset, error.

    A redirect alone can be kept from a user by whoever sits on the network (RFC 6797). Beyond the original runbook.
    """
    seconds = pages.transport_security_seconds()
    short = {kind: f"{age} s" for kind, age in seconds.items() if age < expected.hsts.minimum_age_seconds}

    assert not short, f"Strict-Transport-Security: {by_value(short)}"
