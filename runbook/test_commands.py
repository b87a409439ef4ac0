"""The runbook's own commands: what it tells people to type must work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.fly_help import CommandHelp


@item("CMD-1", expects="commands and flags that the installed Fly CLI has")
@pytest.mark.predeploy
def test_the_commands_of_the_runbook_exist(command_help: CommandHelp) -> None:
    """Every Fly command that this runbook tells people to type exists, with those flags.

    A person under pressure types it as it stands. The CLI's own help is read, because its exit status does not tell:
    a wrong word after `fly machine` prints help and exits 0.
    """
    assert not command_help.unknown, "; ".join(command_help.unknown)
