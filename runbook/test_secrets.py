"""Security check: nothing secret is written down where others can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item
from fixtures.secret_names import looks_secret

if TYPE_CHECKING:
    from fixtures.dockerfile import Dockerfile
    from fixtures.fly_toml import FlyToml

pytestmark = [pytest.mark.predeploy, pytest.mark.offline]


@item("SEC-3", expects="no secret in [env] of {source.fly_config}")
def test_fly_toml_sets_no_secret(fly_toml: FlyToml) -> None:
    """No variable that fly.toml sets is a secret, by its name or by the shape of its value.

    Whoever can read the repository has it, for good: history keeps what a later commit takes out.
    """
    reasons = {name: looks_secret(name, value) for name, value in fly_toml.env.items()}
    secrets = [f"{fly_toml.where(f'env.{name}')} {reason}" for name, reason in reasons.items() if reason]

    assert not secrets, "; ".join(secrets)


@item("SEC-3", expects="no secret in ENV or ARG of {source.dockerfile}")
def test_image_has_no_secret_baked_in(dockerfile: Dockerfile) -> None:
    """No ENV or ARG of the image is a secret, by its name or by the shape of its value.

    Whoever can pull the image has it: `docker history` shows what was passed for an ARG, too.
    """
    assert not dockerfile.secrets, "; ".join(dockerfile.secrets)
