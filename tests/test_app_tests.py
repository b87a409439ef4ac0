"""Commands of npm as looks run them; a few lines of shell play npm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from worlds import LooseWorld

import fixtures.app_tests
import fixtures.build
from fixtures.app_tests import Suite
from fixtures.build import Build, Dependencies
from fixtures.looks import CouldNotLook
from fixtures.npm import Step
from fixtures.target import load_target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

assert fixtures.app_tests.app_tests
assert fixtures.build.build  # the looks are declared

PASSES = 'echo "# tests 2"; echo "# pass 2"; echo "# fail 0"'


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., LooseWorld]:
    """A checkout, and an npm of so many lines."""

    def make(npm: str | None = "", *, files: dict[str, str] | None = None, **environment: str) -> LooseWorld:
        source, programs = tmp_path / "app", tmp_path / "bin"
        for folder in (source, programs):
            folder.mkdir()
        for name, text in {"package.json": "{}", **(files or {})}.items():
            (source / name).write_text(text, encoding="utf-8")
        if npm is not None:
            (programs / "npm").write_text(f"#!/bin/sh\n{npm}\n", encoding="utf-8")
            (programs / "npm").chmod(0o755)
        target = load_target("production").with_values({"build.tests_deadline_seconds": 1}, "this test")
        path = f"{programs}:/usr/bin:/bin" if npm is not None else str(programs)
        return LooseWorld(tmp_path, source, target=target, environment={"PATH": path, **environment})

    return make


def test_a_suite_that_passes_is_counted(world: Callable[..., LooseWorld]) -> None:
    suite = world(PASSES).look("app_tests").read(Suite.parse)

    assert (suite.step.succeeded, suite.counts.ran) == (True, 2)


def test_a_suite_that_tells_no_number_is_no_pass(world: Callable[..., LooseWorld]) -> None:
    seen = world("echo all good").look("app_tests")

    assert seen.read(Step.parse).succeeded
    with pytest.raises(CouldNotLook, match="told no number of tests"):
        seen.read(Suite.parse)


def test_a_suite_that_fails_tells_how(world: Callable[..., LooseWorld]) -> None:
    npm = f'[ "$1" = ci ] && exit 0; {PASSES}; echo "not ok 1 - a key is public" >&2; exit 3'
    step = world(npm).look("security_tests").read(Step.parse)

    assert step.exit_status == 3
    assert step.told.startswith("`npm run test:security` exited 3 after ")
    assert step.told.endswith("not ok 1 - a key is public")


def test_a_suite_that_hangs_is_ended(world: Callable[..., LooseWorld]) -> None:
    npm = '[ "$1" = ci ] && exit 0; echo waiting for a database; sleep 30'
    step = world(npm).look("app_tests").read(Step.parse)

    assert (step.exit_status, step.told) == (
        None,
        "`npm run test` did not end within 1 s; its last words: waiting for a database",
    )


def test_an_install_that_fails_fails_alone_and_blinds_the_rest(world: Callable[..., LooseWorld]) -> None:
    here = world('echo "npm error code EUSAGE"; echo "npm error The lock file is missing"; exit 1')
    step = here.look("install").read(Step.parse)

    assert step.told.endswith("The lock file is missing")
    assert (
        here.look("app_tests").error
        == here.look("build").error
        == f"there are no dependencies to go on with: {step.told}"
    )


def test_without_npm_the_install_fails_and_says_so(world: Callable[..., LooseWorld]) -> None:
    step = world(None).look("install").read(Step.parse)

    assert step.told == "`npm ci --no-audit --no-fund` cannot run: npm is not on PATH, install Node.js with npm"


def test_a_build_gets_its_heap_and_no_secret(world: Callable[..., LooseWorld]) -> None:
    secrets = {
        "FLY_API_TOKEN": "fly-canary",
        "AWS_SECRET_ACCESS_KEY": "aws-canary",
        "SLACK_WEBHOOK_URL": "slack-canary",
    }
    here = world("env", NODE_ENV="production", NODE_OPTIONS="--inspect", NPM_TOKEN="npms-own", **secrets)
    log = here.look("build").read(Build.parse).step.log

    assert "NODE_OPTIONS=--max-old-space-size=2048" in log
    assert "NPM_TOKEN=npms-own" in log
    assert [line for line in log if "canary" in line or line.startswith("NODE_ENV=")] == []


def test_a_token_that_npmrc_refers_to_is_given(world: Callable[..., LooseWorld]) -> None:
    files = {".npmrc": "//registry.example/:_authToken=${COMPANY_TOKEN}\n"}
    log = world("env", files=files, COMPANY_TOKEN="company").look("install").read(Step.parse).log

    assert "COMPANY_TOKEN=company" in log


def test_a_build_that_sets_its_own_heap_is_told(world: Callable[..., LooseWorld]) -> None:
    files = {"package.json": '{"scripts": {"build:deploy": "NODE_OPTIONS=--max-old-space-size=4096 next build"}}'}
    (limit,) = world("", files=files).look("build").read(Build.parse).heap_limits

    assert limit.told == "the script build:deploy says NODE_OPTIONS=--max-old-space-size=4096, which allows 4096 MB"


def test_tests_get_files_of_their_own_and_the_same_packages(world: Callable[..., LooseWorld]) -> None:
    npm = '[ "$1" = ci ] && mkdir -p node_modules packages/a/node_modules && touch node_modules/x.js && exit 0; exit 0'
    folders = world(npm).look("dependencies").read(Dependencies.parse)

    assert folders.build != folders.tests
    assert (folders.tests / "package.json").is_file()
    assert (folders.tests / "node_modules" / "x.js").resolve() == folders.build / "node_modules" / "x.js"
    assert (folders.tests / "packages/a/node_modules").is_symlink()
