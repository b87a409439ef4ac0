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


@item("SEC-3", expects="no secret in [env] and [build.args] of {source.fly_config}")
def test_fly_toml_sets_no_secret(fly_toml: FlyToml) -> None:
    """No variable that fly.toml sets, for the app or its build, is a secret by its name or by the shape of its value.

    Whoever can read the repository has it, for good: history keeps what a later commit takes out.
    """
    tables = {"env": fly_toml.env, "build.args": fly_toml.build_args}
    reasons = {f"{key}.{n}": looks_secret(n, value) for key, table in tables.items() for n, value in table.items()}
    secrets = [f"{fly_toml.where(path)} {reason}" for path, reason in reasons.items() if reason]

    assert not secrets, "; ".join(secrets)


@item("SEC-3", expects="no secret in ENV or ARG of {source.dockerfile}")
def test_image_has_no_secret_baked_in(dockerfile: Dockerfile) -> None:
    """No ENV or ARG of the image is a secret, by its name or by the shape of its value.

    Whoever can pull the image has it: `docker history` shows what was passed for an ARG, too.
    """
    assert not dockerfile.secrets, "; ".join(dockerfile.secrets)
