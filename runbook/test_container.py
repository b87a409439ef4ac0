"""Container: the image is small, current, and runs as nobody important."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from fixtures.image import built
from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.dockerfile import Dockerfile
    from fixtures.fly_toml import FlyToml
    from fixtures.image import Image
    from fixtures.target import Target

pytestmark = [pytest.mark.predeploy, pytest.mark.offline]


@item("IMG-1", expects="the final stage of {source.dockerfile} takes what another stage has built")
def test_image_is_built_in_stages(shipped_with_its_build: str) -> None:
    """What builds the app stays behind: the final stage takes only the result.

    A stage that starts from the one that builds has all of it, too. Compilers and development packages are of use to
    an attacker only. From a file in which no stage is to be found nothing can be built at all.
    """
    assert not shipped_with_its_build, shipped_with_its_build


@item("IMG-2", expects="USER {image.user}:{image.group}")
def test_server_runs_as_the_documented_user(image: Image, expected: Target) -> None:
    """The server runs as the documented user and group, not as root.

    A hole in the app then gives away the app, not the machine. A system user whose group is not stated is in
    `nogroup`, with every other such user.
    """
    runs_as = f"{image.user}:{image.group or expected.image.group}"

    assert runs_as == f"{expected.image.user}:{expected.image.group}", f"{image.user_where} runs as {runs_as}"


@item("IMG-2", expects="{source.dockerfile} makes the user {image.user} and the group {image.group}")
def test_documented_user_and_group_exist(image: Image, expected: Target) -> None:
    """The user and the group that the server runs as are made in the image.

    The builder does not mind a USER that nobody made: the machine does, when it starts.
    """
    missing = image.accounts.missing(expected.image.user, expected.image.group)

    assert not missing, f"no RUN of the stage at {image.layers[-1].where} makes {' and '.join(missing)}"


@item("IMG-3", expects="every stage starts from a base like {image.base_pattern}")
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
def test_security_updates_are_applied(dockerfile: Dockerfile) -> None:
    """The packages of the base are brought up to date in the stage that is shipped.

    A tag is built once; what the distribution has mended since then is in its repositories only.
    """
    final = dockerfile.final

    assert final.upgrades, f"{final.where} starts from {final.base.text}, and no RUN upgrades its packages"


@item("IMG-6", expects="only built output is copied: .next and public, from a stage that builds")
def test_only_built_output_is_copied(image: Image) -> None:
    """The image takes in nothing but what the build made.

    More people can pull an image than read the repository: sources, keys and history do not belong in it.
    """
    foreign = [f"{taken.where} copies {taken.what} {taken.source}" for taken in image.taken if not taken.output]

    assert not foreign, "; ".join(foreign)


@item("IMG-6", expects="what is copied belongs to {image.user}")
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
def test_fly_toml_builds_the_documented_dockerfile(fly_toml: FlyToml, expected: Target) -> None:
    """A deploy builds the Dockerfile that is judged here.

    fly.toml wins over `fly deploy --dockerfile`, and says nothing about it.
    """
    made_from = built(fly_toml)

    assert made_from == expected.source.dockerfile, f"{fly_toml.where('build.dockerfile')} builds {made_from}"
