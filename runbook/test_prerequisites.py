"""Prerequisites: the Fly CLI and its login, the checkout, and variables that are set once and alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item
from fixtures.semver import at_least

if TYPE_CHECKING:
    from fixtures.checkout import SourceTree
    from fixtures.fly_app import FlyStatus
    from fixtures.fly_cli import FlyLogin, FlyVersion
    from fixtures.host import Host
    from fixtures.package import Package
    from fixtures.runtime import Runtime
    from fixtures.target import Target


@item("PRE-1", expects="the Fly CLI, {cli.minimum_version} or newer")
@pytest.mark.predeploy
def test_fly_cli_is_installed_and_recent_enough(cli_version: FlyVersion, expected: Target) -> None:
    """The Fly CLI is installed, and recent enough for what this runbook asks of it.

    Without it nothing can be deployed, nor rolled back; an older one answers in other shapes.
    """
    recent = at_least(cli_version.version, expected.cli.minimum_version)

    assert recent, cli_version.error or f"{cli_version.path} is version {cli_version.version}"


@item("PRE-2", expects="a login that Fly.io accepts")
@pytest.mark.predeploy
def test_fly_cli_is_logged_in(login: FlyLogin) -> None:
    """Fly.io knows who asks.

    A login that has run out is otherwise found out in the middle of an emergency.
    """
    assert login.identity, f"`fly auth whoami` says: {login.error or 'nobody'}"


@item("PRE-2", expects="a login that can see {app}")
@pytest.mark.predeploy
def test_the_login_can_see_the_app(app_status: FlyStatus) -> None:
    """Whoever is logged in can see the app.

    A good login of another organization answers as if there were no such app.
    """
    assert app_status.seen, f"`fly status --app {app_status.app}` says: {app_status.error or 'another app'}"


@item("PRE-4", expects="the same value in fly.toml and in the image")
@pytest.mark.predeploy
@pytest.mark.offline
def test_variables_have_one_value(runtime: Runtime) -> None:
    """No variable is set to one value in the image and to another in fly.toml.

    Fly.io lets fly.toml win, so the image behaves otherwise wherever else it is run: on a laptop, in a test, in CI.
    The values themselves are ENV-1 to 6, and secrets are REC-3.
    """
    assert not runtime.disagreements, "; ".join(runtime.disagreements)


@item("PRE-6", expects="{source.files}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_files_of_a_release_are_there(tree: SourceTree) -> None:
    """Every file that a release is made from is in the checkout.

    Without one of these a release cannot be built, or not the same way twice.
    """
    lost = [f"{name} is {kind}" for name, kind in tree.lost.items()]

    assert not lost, f"in {tree.folder}: {'; '.join(lost)}"


@item("PRE-6", expects="{source.programs} on PATH")
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_programs_of_a_release_are_there(host_programs: Host) -> None:
    """Every program that a release is built and judged with is on this computer.

    What it would have told cannot be looked at, here or where the deploy is made.
    """
    assert not host_programs.missing, f"{', '.join(host_programs.missing)} not on PATH of {host_programs.system}"


@item("PRE-6", expects="the package scripts {source.scripts}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_scripts_of_a_release_are_there(package: Package, expected: Target) -> None:
    """package.json has every script that a release is built and tried with.

    The deploy would stop half way, at the first one that is missing.
    """
    lost = [name for name in expected.source.scripts if name not in package.scripts]

    assert not lost, f"{package.where('scripts')} has no script {', '.join(lost)}"
