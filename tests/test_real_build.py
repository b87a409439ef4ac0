"""The reference app for real: installed, tested, built and booted once, and looked at from all sides."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from worlds import LooseWorld

import fixtures.source
from fixtures.answers import EVERY_KIND
from fixtures.app_tests import Suite
from fixtures.build import Build
from fixtures.build_output import BuildOutput
from fixtures.candidate import Boot
from fixtures.delivery import Delivery
from fixtures.headers import Pages
from fixtures.health import DeepHealth, SimpleHealth
from fixtures.key_set import published
from fixtures.looks import LOOKS
from fixtures.optimisation import ClientCode, WebpackOutput
from fixtures.target import load_target
from fixtures.twin.aws import Aws
from fixtures.twin.checkout import make_checkout
from fixtures.twin.light_content import key_set

if TYPE_CHECKING:
    from collections.abc import Iterator

# One worker, so that the module's build is made once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("test_real_build")]
assert fixtures.source.fly_toml_file  # declares what the candidate stands on
assert {"answers", "app_tests", "candidate", "fly_toml_file"} <= LOOKS.keys()

SECRET = "paintbox/production/jwt/public-keys"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LooseWorld]:
    """The reference app's checkout, on a twin with AWS."""
    folder = tmp_path_factory.mktemp("run")
    source = make_checkout(folder)
    with (
        Aws("us-west-2", {SECRET: json.dumps({"keys": key_set("real")})}) as aws,
        LooseWorld(folder, source, target=load_target("twin"), environment=aws.environment) as world,
    ):
        yield world


def test_both_suites_pass_and_are_counted(world: LooseWorld) -> None:
    suites = [world.look(name).read(Suite.parse) for name in ("app_tests", "security_tests")]

    assert [suite.step.succeeded for suite in suites] == [True, True]
    assert min(suite.counts.ran for suite in suites) > 5


def test_the_build_succeeds_within_its_heap(world: LooseWorld) -> None:
    build = world.look("build").read(Build.parse)

    assert build.step.succeeded, build.told
    assert (build.bundler, build.unknown_keys, build.heap_limits) == ("webpack", (), ())


def test_the_output_is_complete_and_optimised(world: LooseWorld) -> None:
    seen = world.look("build_output")
    output, code = seen.read(BuildOutput.parse), seen.read(ClientCode.parse)
    webpack = seen.read(WebpackOutput.parse)

    assert output.server
    assert [*output.untraced, *output.links_out, *output.static_missing, *output.public_missing] == []
    assert [*output.maps, *output.mapped] == []
    assert [chunk.name for chunk in code.chunks if not chunk.minified] == []
    assert webpack.commonjs == webpack.copies_of_react == []
    assert any(chunk.of_a_page and chunk.es_modules for chunk in code.chunks), "the app's own code was not recognised"


def test_the_candidate_boots_and_answers_every_question(world: LooseWorld) -> None:
    boot = world.look("candidate").read(Boot.parse)
    answers = world.look("answers")
    pages = answers.read(Pages.parse)
    delivery = world.look("answers_again").read(Delivery.parse)

    assert boot.base, boot.trouble
    assert SimpleHealth.of(world.look("simple_health").value, world.target).faults == ()
    assert set(pages.exchanges) == set(EVERY_KIND)
    for name, value in (("X-Frame-Options", "SAMEORIGIN"), ("X-Content-Type-Options", "nosniff")):
        assert pages.without_header(name, value) == {}
    assert (delivery.uncompressed, delivery.sent_again, delivery.source_map.status) == ([], [], 404)


def test_the_candidate_reads_its_keys_from_the_twins_aws(world: LooseWorld) -> None:
    keys = published(world.look("answers").value, "jwks", world.target)

    assert (keys.source in {"aws", "cache"}, len(keys.keys)) == (True, len(key_set("real")))


def test_the_candidate_tells_what_only_the_volume_would_heal(world: LooseWorld) -> None:
    fault = world.look("answers").read(DeepHealth.parse).fault or ""

    assert fault.partition("answers ")[2] in ("", "200, status 'degraded'")


def test_the_environment_that_the_original_runbook_documents_cannot_boot(world: LooseWorld) -> None:
    toml = world.look("fly_toml_file").value
    assert isinstance(toml, dict)
    text = str(toml["text"]).replace("--max-old-space-size=1536", "--max-old-space-size=1536 --optimize-for-size")
    documented = LooseWorld(world.folder, world.source, target=world.target)
    for name in ("dependencies", "build_output", "dockerfile_file", "package_json_file"):
        documented.give(name, world.look(name).value)
    documented.give("fly_toml_file", {**toml, "text": text})
    with documented:
        boot = documented.look("candidate").read(Boot.parse)

    assert boot.trouble.startswith("node exits 9 before it starts: ")
    assert "--optimize-for-size is not allowed in NODE_OPTIONS" in boot.trouble
