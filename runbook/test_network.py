"""Network: users reach the app by HTTPS, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.fly_toml import FlyToml

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
