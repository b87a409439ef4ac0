"""The kill table of the source, people, and the Fly CLI: each fault turns its one check red, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kills import tried
from runs import run_pytest

from fixtures.twin import fault_table

if TYPE_CHECKING:
    from pathlib import Path

    from runs import Finished

    from fixtures.twin.edits import Edit
    from fixtures.twin.fault_cli import LostProgram, OtherCli
    from fixtures.twin.fault_people import Neglect

pytestmark = pytest.mark.slow

# What needs a build has a table of its own; the source is judged without waiting for one.
BUILT = (*("BLD", "SEC-1", "SEC-2", "PRE-3", "PRE-5", "REC-6", "HDR"), *(f"OPT-{n}" for n in range(1, 7)))
# Whether the runbook itself is overdue depends on the day: only its own faults ask for that.
DOCUMENT = "DOC-1"
SOURCE = f"not ({' or '.join(BUILT)})"
FAULTS: dict[str, Edit | Neglect | OtherCli | LostProgram] = {
    **fault_table.SOURCE,
    **fault_table.PEOPLE,
    **fault_table.CLIS,
    **fault_table.LOST,
}
PLATFORM = {
    "not-authenticated": ("PRE-2/test_fly_cli_is_logged_in", ("fly_status", "fly_secrets")),
    "app-not-visible": ("PRE-2/test_the_login_can_see_the_app", ("fly_secrets",)),
    "secret-missing": ("REC-3/test_secrets_of_the_app_are_set", ()),
}


def judge(tmp_path: Path, *faults: str, document: bool = False) -> Finished:
    selection = ("-m", "predeploy or maintenance", "-k", SOURCE if document else f"{SOURCE} and not {DOCUMENT}")
    return run_pytest(*selection, "--target=twin", *(f"--twin-fault={name}" for name in faults), reports=tmp_path)


def test_the_healthy_twin_is_green_and_no_check_is_without_a_fault(tmp_path: Path) -> None:
    run = judge(tmp_path)
    killers = {fault.kills for fault in FAULTS.values()} | {kills for kills, _ in PLATFORM.values()}

    assert run.status == 0, run.text
    assert set(run.verdicts().values()) == {"passed", "signed-off"}
    assert set(run.verdicts()) - killers == set(), "checks without a fault"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]

    run = judge(tmp_path, name, document=fault.kills.startswith(DOCUMENT))
    tried(run, name, fault.kills, getattr(fault, "blinds", ()))


@pytest.mark.parametrize("name", PLATFORM)
def test_a_fault_of_the_platform_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    kills, blinds = PLATFORM[name]

    tried(judge(tmp_path, name), name, kills, blinds)
