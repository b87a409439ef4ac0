"""What AWS says is told in plain sentences; the twin's AWS plays it."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from botocore import exceptions
from worlds import LooseWorld

import fixtures.aws
from fixtures.aws import AwsSecrets, Identity
from fixtures.twin.aws import Aws

if TYPE_CHECKING:
    from collections.abc import Iterator

assert fixtures.aws.aws_identity  # the looks are declared

NAME = "paintbox/production/jwt/public-keys"
ROOT = Path(__file__).resolve().parent.parent
OWNER = """
import sys, urllib.request
sys.path.insert(0, sys.argv[1])
from fixtures.twin.aws import Aws
with Aws("us-west-2", {}) as aws:
    urllib.request.urlopen(aws.url + "/moto-api/data.json").read()
    print(aws._server.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An AWS with the app's secret in it."""
    with Aws("us-west-2", {NAME: '{"keys":[]}'}) as running:
        yield running


def test_a_good_session_is_told_by_its_identity(aws: Aws, tmp_path: Path) -> None:
    with LooseWorld(tmp_path, environment=aws.environment) as world:
        identity = world.look("aws_identity").read(Identity.parse)

    assert (identity.account, identity.problem) == ("123456789012", None)


def test_a_secret_is_described_and_its_value_never_read(aws: Aws, tmp_path: Path) -> None:
    with LooseWorld(tmp_path, environment=aws.environment) as world:
        seen = world.look("aws_secrets")

    assert seen.value == {NAME: None}
    assert "keys\\" not in json.dumps(seen.value)
    assert seen.read(AwsSecrets.parse).unusable == []


def test_a_missing_secret_is_named(aws: Aws, tmp_path: Path) -> None:
    with LooseWorld(tmp_path, environment=aws.environment) as world:
        world.target = world.target.with_values({"aws.secrets": [NAME, "no/such"]}, "this test")
        unusable = world.look("aws_secrets").read(AwsSecrets.parse).unusable

    assert unusable == ["no/such: there is no such secret: create it, or correct its name and region in the target"]


def test_a_secret_that_is_about_to_go_is_named(tmp_path: Path) -> None:
    with Aws("us-west-2", {NAME: "x"}) as aws, LooseWorld(tmp_path, environment=aws.environment) as world:
        fixtures.aws.client(world, "secretsmanager").delete_secret(SecretId=NAME)
        (problem,) = world.look("aws_secrets").read(AwsSecrets.parse).unusable

    assert problem.startswith(f"{NAME}: is to be deleted since 20")


def test_an_unreachable_aws_fails_one_look_and_blinds_the_other(tmp_path: Path) -> None:
    keys = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    with LooseWorld(tmp_path, environment=keys) as world:
        problem = world.look("aws_identity").read(Identity.parse).problem
        error = world.look("aws_secrets").error

    assert problem == "AWS could not be reached: look at the network, and at AWS_ENDPOINT_URL where it is set"
    assert error == f"AWS Secrets Manager was not asked: {problem}"


def refused(code: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": "words of AWS"}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.NoCredentialsError(), "no complete AWS credentials"),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), "no complete AWS credentials"),
        (exceptions.ProfileNotFound(profile="x"), "AWS_PROFILE"),
        (exceptions.UnauthorizedSSOTokenError(), "has expired"),
        (exceptions.SSOTokenLoadError(error_msg="x"), "has expired"),
        (exceptions.ConnectTimeoutError(endpoint_url="x"), "could not be reached"),
        (exceptions.ReadTimeoutError(endpoint_url="x"), "could not be reached"),
        (exceptions.SSLError(endpoint_url="x", error=ValueError("y")), "could not be reached"),
        (exceptions.NoRegionError(), "AWS could not be asked: You must specify a region"),
        (refused("ExpiredToken"), "has expired"),
        (refused("InvalidClientTokenId"), "does not know these credentials"),
        (refused("SignatureDoesNotMatch"), "does not know these credentials"),
        (refused("AccessDeniedException"), "allow secretsmanager:DescribeSecret"),
        (refused("ThrottlingException"), "AWS refuses: ThrottlingException words of AWS"),
    ],
)
def test_every_trouble_has_a_sentence(error: Exception, words: str) -> None:
    def question() -> NoReturn:
        raise error

    answer, problem = fixtures.aws.answered(question)

    assert answer is None
    assert words in (problem or "")


def test_the_server_starts_only_when_it_is_asked() -> None:
    with Aws("us-west-2", {}) as aws:
        before = aws.started
        with socket.create_connection(("127.0.0.1", int(aws.url.rpartition(":")[2]))) as connection:
            connection.sendall(b"GET /moto-api/data.json HTTP/1.0\r\n\r\n")
            connection.recv(1)

        assert (before, aws.started) == (False, True)


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    with Aws("us-west-2", {}) as aws, LooseWorld(tmp_path, environment=aws.environment) as world:
        world.look("aws_identity")
        server = aws._server  # noqa: SLF001 - whether it is gone is what this is about

    assert server is not None
    assert server.poll() is not None


def test_it_does_not_outlive_an_owner_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        handle = os.pidfd_open(pid)
        owner.kill()
        poller = select.poll()
        poller.register(handle)

        assert poller.poll(10_000), f"the server {pid} still runs"
        os.close(handle)
