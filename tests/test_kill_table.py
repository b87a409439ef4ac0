"""The kill table: each named fault turns its one check red, and no other; the healthy world is green.

A fault may take others along: what it blinds is declared beside it, and becomes an error, never a failure.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from runs import run_pytest

from fixtures.twin import fault_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runs import Finished

    from fixtures.twin.edits import Edit
    from fixtures.twin.fault_cli import OtherCli
    from fixtures.twin.fault_people import Neglect

# What needs a build has faults of its own; the source is judged without waiting for one.
BUILT = (*("BLD", "SEC-1", "SEC-2", "PRE-3", "PRE-5", "REC-6", "HDR", "HLT", "JWK"), *(f"OPT-{n}" for n in range(1, 7)))
SOURCE = ("-m", "predeploy or maintenance", "-k", f"not ({' or '.join(BUILT)})")
FAULTS: dict[str, Edit | Neglect | OtherCli] = {**fault_table.EDITS, **fault_table.PEOPLE, **fault_table.CLIS}
PLATFORM = {
    "not-authenticated": ("PRE-2/test_fly_cli_is_logged_in", ("fly_status",)),
    "app-not-visible": ("PRE-2/test_the_login_can_see_the_app", ()),
}
KILLED: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    """Print what was killed by what, once all faults have been tried."""
    yield
    width = max(map(len, KILLED), default=0)
    rows = "".join(f"  {name:<{width}}  {KILLED[name]}\n" for name in sorted(KILLED))
    with capsys_disabled(request):
        sys.stdout.write(f"\nkill table: {len(KILLED)} faults, each with the one check that it turned red\n{rows}")


def capsys_disabled(request: pytest.FixtureRequest) -> AbstractContextManager[None]:
    """The terminal itself, past pytest's capture."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    whole: AbstractContextManager[None] = capture.global_and_fixture_disabled()
    return whole


def judge(tmp_path: Path, *faults: str) -> Finished:
    return run_pytest(*SOURCE, "--target=twin", *(f"--twin-fault={name}" for name in faults), reports=tmp_path)


def tried(run: Finished, name: str, kills: str, blinds: tuple[str, ...]) -> None:
    assert set(run.verdicts("failed")) == {kills}, run.text
    assert set(run.verdicts("error")) <= explained(run, blinds), run.text
    assert run.status == 1
    KILLED[name] = kills


def explained(run: Finished, blinds: tuple[str, ...]) -> set[str]:
    """The checks that a fault may blind: named themselves, or by a look that they rest on."""
    return {
        row["check"]
        for row in run.summary["checks"]
        if row["check"] in blinds or any(look.rpartition("/")[2] in blinds for look in row["observations"])
    }


@pytest.mark.slow
def test_the_healthy_twin_is_green(tmp_path: Path) -> None:
    run = judge(tmp_path)

    assert run.status == 0, run.text
    assert set(run.verdicts().values()) == {"passed", "signed-off"}
    killers = {fault.kills for fault in FAULTS.values()} | {kills for kills, _ in PLATFORM.values()}
    assert set(run.verdicts()) - killers == set(), "checks without a fault"


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]

    tried(judge(tmp_path, name), name, fault.kills, getattr(fault, "blinds", ()))


@pytest.mark.slow
@pytest.mark.parametrize("name", PLATFORM)
def test_a_fault_of_the_platform_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    kills, blinds = PLATFORM[name]

    tried(judge(tmp_path, name), name, kills, blinds)
