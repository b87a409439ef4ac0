"""Runtime optimisation: the connection pool is sized for as many machines as there may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.runtime import Runtime
    from fixtures.target import Target

pytestmark = [pytest.mark.predeploy, pytest.mark.offline]


@item("OPT-7", expects="{environment.pool_variables} are set")
def test_connection_pool_is_configured(runtime: Runtime, expected: Target) -> None:
    """Every variable that sizes the connection pool is set.

    The pool's own defaults are made for one process; six machines with them can use up what they all talk to.
    """
    missing = [name for name in expected.environment.pool_variables if name not in runtime.env]

    assert not missing, f"neither fly.toml nor the image sets {', '.join(missing)}"


@item("OPT-7", expects="a whole number in each of {environment.pool_variables}")
def test_connection_pool_is_sized_by_numbers(runtime: Runtime, expected: Target) -> None:
    """Every variable that sizes the connection pool holds a number.

    What is no number is read as none, and the default counts after all.
    """
    pool = {name: runtime.env[name] for name in expected.environment.pool_variables if name in runtime.env}
    wrong = [
        f"{setting.where} sets {name} to {setting.value!r}"
        for name, setting in pool.items()
        if not setting.value.isdecimal()
    ]

    assert not wrong, "; ".join(wrong)
