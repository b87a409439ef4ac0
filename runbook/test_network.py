"""Network: users reach the app by HTTPS, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from datetime import datetime

    from fixtures.fleet_domains import Domain, DomainCertificate
    from fixtures.fly_sections import Service
    from fixtures.fly_toml import FlyToml
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
