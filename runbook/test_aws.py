"""Prerequisites: the secrets that the app reads from AWS can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item

if TYPE_CHECKING:
    from fixtures.aws import AwsSecrets, Identity

pytestmark = pytest.mark.predeploy


@item("PRE-3", expects="an identity from `aws sts get-caller-identity`", needs=["aws.region"])
def test_aws_knows_who_asks(identity: Identity) -> None:
    """AWS knows who asks: without that, nothing can be said about the app's secrets."""
    assert identity.problem is None, identity.problem


@item("PRE-3", expects="{aws.secrets} in {aws.region}")
def test_secrets_can_be_described(secrets_in_aws: AwsSecrets) -> None:
    """Each secret that the app depends on exists, and is not about to be deleted.

    Without its public keys the app serves built-in ones, and every token of its users is rejected. No value is read.
    """
    unusable = secrets_in_aws.unusable

    assert not unusable, "; ".join(unusable)
