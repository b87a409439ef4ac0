"""Container: the image is small, current, runs as nobody important, and is the one that was gated."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.image import built
from fixtures.plan import item

if TYPE_CHECKING:
    from datetime import timedelta

    from fixtures.dockerfile import Dockerfile
    from fixtures.fleet_machines import Fleet
    from fixtures.fleet_releases import Releases
    from fixtures.fly_toml import FlyToml
    from fixtures.git import Git
    from fixtures.image import Image
    from fixtures.target import Target


@item("IMG-1", expects="the final stage of {source.dockerfile} takes what another stage has built")
@pytest.mark.predeploy
@pytest.mark.offline
def test_image_is_built_in_stages(shipped_with_its_build: str) -> None:
    """What builds the app stays behind: the final stage takes only the result.

    A stage that starts from the one that builds has all of it, too. Compilers and development packages are of use to
    an attacker only. From a file in which no stage is to be found nothing can be built at all.
    """
    assert not shipped_with_its_build, shipped_with_its_build


@item("IMG-2", expects="USER {image.user}:{image.group}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_server_runs_as_the_documented_user(image: Image, expected: Target) -> None:
    """The server runs as the documented user and group, not as root.

    A hole in the app then gives away the app, not the machine. A system user whose group is not stated is in
    `nogroup`, with every other such user.
    """
    runs_as = f"{image.user}:{image.group or expected.image.group}"

    assert runs_as == f"{expected.image.user}:{expected.image.group}", f"{image.user_where} runs as {runs_as}"


@item("IMG-2", expects="{source.dockerfile} makes the user {image.user} and the group {image.group}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_documented_user_and_group_exist(image: Image, expected: Target) -> None:
    """The user and the group that the server runs as are made in the image.

    The builder does not mind a USER that nobody made: the machine does, when it starts.
    """
    missing = image.accounts.missing(expected.image.user, expected.image.group)

    assert not missing, f"no RUN of the stage at {image.layers[-1].where} makes {' and '.join(missing)}"


@item("IMG-3", expects="every stage starts from a base like {image.base_pattern}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_bases_are_minimal_and_pinned(image: Image, expected: Target) -> None:
    """Every stage starts from Node.js on Alpine, with a stated version.

    A larger base brings holes that the app does not need; a floating tag brings them unannounced. Stages that the
    image is not built from do not count.
    """
    wrong = [
        f"{stage.base.where} starts from {stage.base.text}"
        for stage in image.stages
        if not stage.parent and not re.fullmatch(expected.image.base_pattern, stage.base.text)
    ]

    assert not wrong, "; ".join(wrong)


@item("IMG-4", expects="no packages in the final stage but {image.allowed_packages}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_final_stage_adds_no_unneeded_package(dockerfile: Dockerfile, expected: Target) -> None:
    """The final stage adds only packages that the server can need.

    Each package is one more thing to patch, and a build tool is a tool for whoever gets in. What a later command
    removes again does not count.
    """
    unneeded = [
        f"{package.where} adds {package.name}"
        for package in dockerfile.final.packages
        if package.name not in expected.image.allowed_packages
    ]

    assert not unneeded, "; ".join(unneeded)


@item("IMG-5", expects="the final stage of {source.dockerfile} upgrades the packages of its base")
@pytest.mark.predeploy
@pytest.mark.offline
def test_security_updates_are_applied(dockerfile: Dockerfile) -> None:
    """The packages of the base are brought up to date in the stage that is shipped.

    A tag is built once; what the distribution has mended since then is in its repositories only.
    """
    final = dockerfile.final

    assert final.upgrades, f"{final.where} starts from {final.base.text}, and no RUN upgrades its packages"


@item("IMG-6", expects="only built output is copied: .next and public, from a stage that builds")
@pytest.mark.predeploy
@pytest.mark.offline
def test_only_built_output_is_copied(image: Image) -> None:
    """The image takes in nothing but what the build made.

    More people can pull an image than read the repository: sources, keys and history do not belong in it.
    """
    foreign = [f"{taken.where} copies {taken.what} {taken.source}" for taken in image.taken if not taken.output]

    assert not foreign, "; ".join(foreign)


@item("IMG-6", expects="what is copied belongs to {image.user}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_copied_files_belong_to_the_user_that_runs_them(image: Image, expected: Target) -> None:
    """What the image takes in belongs to the user that the server runs as.

    COPY makes files root's, whatever USER says: the server cannot write its cache then. What should not be there at
    all is told by itself.
    """
    foreign = [
        f"{taken.where} leaves {taken.what} to {taken.owner}"
        for taken in image.taken
        if taken.output and taken.owner != expected.image.user
    ]

    assert not foreign, "; ".join(foreign)


@item("IMG-7", expects="{source.fly_config} builds {source.dockerfile}")
@pytest.mark.predeploy
@pytest.mark.offline
def test_fly_toml_builds_the_documented_dockerfile(fly_toml: FlyToml, expected: Target) -> None:
    """A deploy builds the Dockerfile that is judged here.

    fly.toml wins over `fly deploy --dockerfile`, and says nothing about it.
    """
    made_from = built(fly_toml)

    assert made_from == expected.source.dockerfile, f"{fly_toml.where('build.dockerfile')} builds {made_from}"


@item("IMG-5", expects="an image of the last {image.maximum_age_days} days on every machine")
@pytest.mark.postdeploy
def test_running_image_is_recent(image_ages: dict[str, timedelta], expected: Target) -> None:
    """What runs was released recently enough to have the updates of its distribution.

    An image never changes: what was mended after it was built is missing in it. One that was deployed again is as old
    as when it was first released.
    """
    limit = expected.image.maximum_age_days
    old = [
        f"machine {name} runs an image of {age.days} days ago" for name, age in image_ages.items() if age.days > limit
    ]

    assert not old, "; ".join(old)


@item("IMG-9", expects="one image, by its digest, on every machine")
@pytest.mark.smoke
def test_machines_run_one_image(deployed: Releases, fleet: Fleet) -> None:
    """Every machine runs the same image.

    Users get two releases by turns otherwise, and what one of them wrote the other may not read. The image of a
    release that is not complete is told by itself.
    """
    others = [f"machine {name} runs {image}" for name, image in deployed.strangers(fleet).items()]

    assert not others, "; ".join(others)


@item("IMG-9", expects="the image of the newest complete release")
@pytest.mark.smoke
def test_newest_release_runs(deployed: Releases, fleet: Fleet) -> None:
    """The image that runs is that of the newest complete release.

    What was released and checked is not what users get otherwise: somebody has updated machines by hand.
    """
    release = deployed.current
    running = sorted({machine.image.reference for machine in fleet.machines})

    assert any(release.runs_on(machine) for machine in fleet.machines), (
        f"v{release.version} brought {release.image}, and machines run {', '.join(running)}"
    )


@item("IMG-9", expects="a newest release that is complete")
@pytest.mark.smoke
def test_no_deploy_is_open_or_broken(releases_made: Releases) -> None:
    """The newest release is complete: no deploy is open, none has failed half way.

    A failed deploy leaves the machines it has updated on the new image, and the others on the old one.
    """
    newest = releases_made.newest

    assert newest.complete, f"release v{newest.version} is {newest.status}"


@item("IMG-9", expects="no machine cordoned")
@pytest.mark.smoke
def test_no_machine_is_cordoned(fleet: Fleet) -> None:
    """Every machine gets traffic: none is cordoned.

    A cordoned machine runs, its checks pass, and no table of the CLI shows that the proxy sends it nothing. A deploy
    that broke off leaves such machines behind.
    """
    cordoned = [f"machine {machine.id} is cordoned" for machine in fleet.machines if machine.cordoned]

    assert not cordoned, "; ".join(cordoned)


@item("IMG-9", expects="an image with the tag {image.tag}, the commit of --source")
@pytest.mark.postdeploy
def test_running_image_is_of_the_gated_commit(deployed: Releases, git: Git, expected: Target) -> None:
    """The image of the newest release was built from the commit of this checkout, which is what predeploy judged.

    An image says nothing of its source unless the deploy labels it: `fly deploy --image-label=<commit>`.
    """
    wanted = expected.image.tag.replace("{commit}", git.commit or "no commit")
    release = deployed.current

    assert release.tag == wanted, (
        f"release v{release.version} has the tag {release.tag}, this checkout is at {git.commit}"
    )
