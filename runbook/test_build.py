"""Build verification: what would be deployed can be built, is complete, and boots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.build import Build
    from fixtures.build_output import BuildOutput
    from fixtures.candidate import Boot
    from fixtures.npm import Step
    from fixtures.target import Target
    from fixtures.working_copy import Clone

pytestmark = pytest.mark.predeploy


@item("BLD-1", expects="`npm ci` exits 0", needs=["build.install_deadline_seconds"])
def test_dependencies_install_as_locked(installation: Step) -> None:
    """The dependencies can be installed as the lock file names them.

    `npm ci` refuses a lock file that does not agree with package.json: what would be built is then anybody's guess.
    """
    assert installation.succeeded, installation.told


@item(
    "BLD-1",
    expects="`npm run {build.script}` exits 0 with a heap of {build.heap_mb} MB",
    needs=["build.deadline_seconds"],
)
def test_production_build_succeeds(production_build: Build) -> None:
    """The production build succeeds within its heap.

    The platform's builder runs the same build in the middle of a release, when it is too late to find out.
    """
    assert production_build.step.succeeded, production_build.told + production_build.step.ending


@item("BLD-1", expects="nothing on the way to the build allows it more than {build.heap_mb} MB")
def test_build_keeps_to_its_heap(production_build: Build, expected: Target) -> None:
    """No script and no setting on the way to the build gives it another heap than it was given.

    A script's own NODE_OPTIONS replaces the one around it: such a build proves nothing about the limit, and dies in a
    builder that has no more.
    """
    wider = [
        limit.told
        for limit in production_build.heap_limits
        if limit.limit_mb is None or limit.limit_mb > expected.build.heap_mb
    ]

    assert not wider, "; ".join(wider)


@item("BLD-2", expects="server.js in .next/standalone")
def test_standalone_server_is_built(built: BuildOutput) -> None:
    """The build leaves a standalone server: it is all that the image copies."""
    output = built.settings["output"]

    assert built.server is not None, f"there is no server.js in .next/standalone; next.config's output is {output!r}"


@item("BLD-2", expects="every file that the server was traced to need lies in .next/standalone")
def test_traced_modules_are_in_the_standalone_folder(built: BuildOutput) -> None:
    """The server finds every module that it needs within the folder that is deployed.

    What is missing there is found on the computer that built it, and nowhere else.
    """
    assert not built.untraced, f"not in .next/standalone: {', '.join(built.untraced)}"


@item("BLD-2", expects="no link in .next/standalone leads out of it")
def test_standalone_folder_holds_all_it_links_to(built: BuildOutput) -> None:
    """No link in the folder that is deployed leads out of it: in the image it would lead nowhere."""
    assert not built.links_out, f"links that lead out of .next/standalone: {', '.join(built.links_out)}"


@item("BLD-2", expects="all of .next/static beside server.js")
def test_static_assets_lie_beside_the_server(built: BuildOutput) -> None:
    """The server has the scripts and styles that its pages load.

    `next build` does not copy them: without that step pages come without script and style.
    """
    missing = f"{built.static} files were built, and the server does not have {', '.join(built.static_missing)}"

    assert not built.static_missing, missing


@item("BLD-2", expects="all of public beside server.js")
def test_public_files_lie_beside_the_server(built: BuildOutput) -> None:
    """The server has the app's public files: pictures, icons, robots.txt.

    `next build` does not copy them.
    """
    assert not built.public_missing, f"not beside server.js: public/{', public/'.join(built.public_missing)}"


@item(
    "BLD-3",
    expects="200 from {health_checks.simple.path} within {build.boot_deadline_seconds} s,"
    " started as {source.fly_config} and {source.dockerfile} say",
)
def test_standalone_server_boots(boot: Boot) -> None:
    """The server boots with the environment and the command that fly.toml and the image declare, and is healthy.

    Every machine of the release would crash as it starts, one after the other.
    """
    assert boot.base is not None, boot.trouble


@item("REC-6", expects="a clean clone of the commit holds exactly what was built")
@pytest.mark.usefixtures("built")
def test_commit_holds_all_that_was_built(clone: Clone) -> None:
    """A clean clone of the commit holds every file that was built, as it was built.

    Then the build that succeeded here succeeds from the clone, too: on any computer, after any loss.
    """
    differences = f"{clone.difference_count} of {clone.files} files: {'; '.join(clone.differences)}"

    assert not clone.differences, differences
