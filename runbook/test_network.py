"""Network: users reach the app by HTTPS, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from datetime import datetime

    from fixtures.certificate import Certificate
    from fixtures.cors import Cors
    from fixtures.fleet_domains import Domain, DomainCertificate
    from fixtures.fly_sections import Service
    from fixtures.fly_toml import FlyToml
    from fixtures.plain_http import PlainHttp
    from fixtures.rate_limit import Burst, Refusal
    from fixtures.target import Target

PLAIN_HTTP = 80  # the port of http:// addresses (RFC 9110, 4.2.1)


@item("NET-1", expects="force_https = true for every service that takes plain HTTP in {source.fly_config}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_https_is_forced(fly_toml: FlyToml) -> None:
    """Every service that takes plain HTTP leads it to HTTPS.

    Sessions and tokens would cross networks that others can read. The platform does not force it unless asked.
    """
    services = (fly_toml.http_service, *fly_toml.services)
    plain = [
        f"{fly_toml.where(f'{service.section}.force_https')} does not force HTTPS"
        for service in services
        if service and PLAIN_HTTP in service.ports and not service.force_https
    ]

    assert not plain, "; ".join(plain)


@item("NET-1", expects="HTTPS forced on every machine that takes plain HTTP")
@pytest.mark.postdeploy
def test_machines_force_https(carried_services: tuple[Service, ...]) -> None:
    """Every machine that takes plain HTTP has it led to HTTPS.

    The proxy goes by the machine that it picks: one of them is enough for a password in clear text now and then.
    """
    plain = [one.where for one in carried_services if PLAIN_HTTP in one.ports and not one.force_https]

    assert not plain, f"HTTPS is not forced: {', '.join(plain)}"


@item("NET-5", expects="a certificate for every custom domain")
@pytest.mark.postdeploy
def test_custom_domains_have_certificates(custom_domains: tuple[Domain, ...]) -> None:
    """Every custom domain of the app has a certificate that is in use.

    Users who come by that name are warned away.
    """
    without = [f"{one.host} is {one.status}" for one in custom_domains if not one.issued or one.status != "active"]

    assert not without, "; ".join(without)


@item("NET-5", expects="{certificate.minimum_days} days left at least")
@pytest.mark.postdeploy
def test_certificates_of_custom_domains_are_current(
    certificates_of_domains: tuple[DomainCertificate, ...], clock: datetime, expected: Target
) -> None:
    """No certificate of a custom domain is about to end.

    Fly.io renews a month ahead, if DNS still lets it: less is a renewal that has failed. A domain without a certificate
    is told by itself.
    """
    ending = [
        f"the certificate of {one.host} ends {one.expires:%Y-%m-%d}"
        for one in certificates_of_domains
        if one.days_left(clock) < expected.certificate.minimum_days
    ]

    assert not ending, "; ".join(ending)


@item("NET-1", expects="a permanent redirect from {edge.plain_url} to the same path of {url}")
@pytest.mark.smoke
def test_plain_http_leads_to_https(from_plain_http: PlainHttp) -> None:
    """Plain HTTP leads to the same page over HTTPS, and browsers may remember that."""
    assert not from_plain_http.faults, "; ".join(from_plain_http.faults)


@item("NET-2", expects="a certificate for the host of {url}, by an authority that clients trust")
@pytest.mark.smoke
def test_certificate_is_trusted(certificate: Certificate, clock: datetime) -> None:
    """Clients trust the certificate: it is for this host, and signed by an authority that they know.

    Browsers and services refuse the whole site else.
    """
    distrust = certificate.distrust(clock)

    assert distrust is None, f"{certificate.host} shows a certificate that clients refuse: {distrust}"


@item("NET-2", expects="{certificate.minimum_days} days or more until the certificate ends")
@pytest.mark.smoke
def test_certificate_lasts(certificate: Certificate, expected: Target, clock: datetime) -> None:
    """The certificate lasts for so long that a renewal which fails is noticed in time."""
    days = certificate.days_left(clock)

    assert days >= expected.certificate.minimum_days, (
        f"{certificate.host}: {days} days, until {certificate.facts.not_after}"
    )


@item("NET-2", expects="nothing older than TLS {certificate.minimum_tls}")
@pytest.mark.smoke
def test_old_tls_is_refused(certificate: Certificate) -> None:
    """A client that offers only old versions of TLS gets no connection.

    They are broken: whoever can talk a client down to one of them reads along.
    """
    old = certificate.facts.old_version

    assert old is None, f"{certificate.host} accepts {old}"


@item("NET-3", expects="429 within {rate_limit.burst_requests} requests to {rate_limit.path} on one machine")
@pytest.mark.postdeploy
def test_burst_is_limited(limited_burst: Burst) -> None:
    """A burst of requests from one address is refused before it hurts others."""
    assert limited_burst.limited, f"{limited_burst.url} on {limited_burst.machine} answers {limited_burst.told}"


@item(
    "NET-3",
    expects="a Retry-After with the 429 of {rate_limit.path}",
    needs=["rate_limit.burst_requests"],
)
@pytest.mark.postdeploy
def test_refusal_says_when_to_come_back(refusal: Refusal) -> None:
    """Who is refused is told when to come back.

    Clients without that hint try again at once, all of them.
    """
    assert refusal.retry_after, f"{refusal.url} answers 429 without a Retry-After that says when"


@item("NET-4", expects="a grant to {cors.allowed_origins} on {cors.path}")
@pytest.mark.postdeploy
def test_own_origins_may_call_the_api(cors: Cors) -> None:
    """A page of our own may call the API from a browser."""
    assert not cors.refused, f"refused: {', '.join(cors.refused)}"


@item("NET-4", expects="no grant to {cors.foreign_origin} on {cors.path}")
@pytest.mark.postdeploy
def test_foreign_origins_may_not_call_the_api(cors: Cors) -> None:
    """A page of somebody else may not read what the API answers to a user's browser."""
    assert not cors.granted, f"granted: {', '.join(cors.granted)}"


@item("NET-4", expects="never * together with credentials on {cors.path}")
@pytest.mark.postdeploy
def test_nobody_is_granted_everything(cors: Cors) -> None:
    """No answer grants every origin, with credentials."""
    assert not cors.unlimited, f"*, with credentials: {', '.join(cors.unlimited)}"
