"""Architecture: the release of Next.js, what its build puts out, and how a deploy reaches the machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixtures.plan import item
from fixtures.semver import within_major

if TYPE_CHECKING:
    from fixtures.fleet_addresses import Addresses
    from fixtures.fleet_domains import Domain
    from fixtures.fleet_drift import Setting
    from fixtures.fleet_machines import Fleet
    from fixtures.fly_app import FlyStatus
    from fixtures.fly_toml import FlyToml
    from fixtures.next_config import NextConfig
    from fixtures.package import Lock, Package
    from fixtures.passage import Passage
    from fixtures.target import Target


@item(
    "ARC-1",
    expects="a {edge.request_id_header}, {edge.server} as server and {edge.via} in via on the answers of {url}",
)
@pytest.mark.smoke
def test_flys_edge_serves_the_app(passage: Passage, expected: Target) -> None:
    """Answers have passed Fly.io's edge.

    Else DNS or a proxy leads users past the app that this runbook looks after; or the app asks the edge for pristine
    responses, and nothing can be told by them: then its target unsets these keys of [edge].
    """
    missing = passage.missing(expected)

    assert not missing, f"{passage.exchange.url} answers with {', '.join(missing)}"


@item("ARC-1", expects="{app} deployed, and not suspended")
@pytest.mark.postdeploy
def test_fly_io_calls_the_app_deployed(live_app: FlyStatus) -> None:
    """Fly.io has the app as one that is deployed.

    One that is pending was never deployed, and one that is suspended is not to be served: that its machines are still
    up is no promise to users.
    """
    assert live_app.lives, f"Fly.io has {live_app.app} as {live_app.status}, deployed: {live_app.deployed}"


@item("ARC-1", expects="{fly.hostname} among the hosts of {app}")
@pytest.mark.postdeploy
def test_the_host_that_users_know_is_the_apps(
    live_app: FlyStatus, custom_domains: tuple[Domain, ...], expected: Target
) -> None:
    """The host by which users come is one that Fly.io leads to this app.

    Else they reach another app, or none, and the machines that are looked at here are not those that answer.
    """
    hosts = [str(live_app.hostname), *(domain.host.lower() for domain in custom_domains)]

    assert expected.fly.hostname in hosts, f"Fly.io leads {', '.join(hosts)} to {live_app.app}, and no other"


@item("ARC-1", expects="a public address of IPv4, which may be shared, and one of IPv6")
@pytest.mark.postdeploy
def test_the_app_has_addresses_of_both_protocols(app_addresses: Addresses) -> None:
    """The app can be reached by IPv4 and by IPv6.

    Many a mobile network has IPv6 alone, many an office IPv4 alone: without an address of its kind nobody there
    reaches the app. Private addresses, and those that requests of the app come from, lead no user to it.
    """
    lacking = " and ".join(app_addresses.lacking)

    assert not lacking, f"there is no public address of {lacking}: the app has {app_addresses.told}"


@item("ARC-2", expects="Next.js {next.minimum_version} or newer, of the same major release")
@pytest.mark.predeploy
@pytest.mark.offline
def test_next_is_the_documented_release_or_a_newer_one(lock: Lock, expected: Target) -> None:
    """Next.js is the documented release or a newer one of its major line.

    The lock file decides what is installed. Another major release changes what this runbook takes for granted:
    standalone output, how it minifies, which keys next.config may have.
    """
    held = lock.versions.get("next")

    assert within_major(held, expected.next.minimum_version), f"{lock.file} holds next {held}"


@item("ARC-2", expects="one version of Next.js in package.json, and no range")
@pytest.mark.predeploy
@pytest.mark.offline
def test_next_is_pinned(package: Package) -> None:
    """The manifest asks for exactly one version of Next.js.

    A range lets the next `npm install`, made for some other reason, bring a framework that nobody has tried.
    """
    asked = package.asked("next")

    assert asked.exact, f"{asked.where} asks for next {asked.asked or 'not at all'}"


@item("ARC-2", expects="a package.json that npm can read")
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_manifest_can_be_read(manifest_problems: tuple[str, ...]) -> None:
    """package.json is a manifest: JSON, and an object.

    Without it nobody knows what is deployed; all that is judged by it cannot be looked at.
    """
    assert not manifest_problems, "; ".join(manifest_problems)


@item("ARC-2", expects="the same versions in package.json and in its lock file")
@pytest.mark.predeploy
@pytest.mark.offline
def test_manifest_and_lock_file_agree(package: Package, lock: Lock) -> None:
    """Manifest and lock file agree on every dependency.

    `npm ci`, with which the image is built, refuses to install from a pair that differs.
    """
    differences = lock.disagreements(package)

    assert not differences, "; ".join(differences)


@item("ARC-3", expects='output: "{next.output}"')
@pytest.mark.predeploy
@pytest.mark.offline
def test_the_build_is_asked_for_standalone_output(next_config: NextConfig, expected: Target) -> None:
    """The build is asked for the output that the image copies.

    next.config is judged as node evaluates it, so a value that is computed counts, and one that is commented out does
    not.
    """
    place = next_config.where("output")

    assert next_config.output == expected.next.output, f"{place} asks for {next_config.output or 'no'} output"


@item("ARC-4", expects="the strategy {deploy.strategy}, in writing")
@pytest.mark.predeploy
@pytest.mark.offline
def test_deploys_are_rolling(fly_toml: FlyToml, expected: Target) -> None:
    """Machines are replaced one after the other.

    Any other strategy takes down what serves, or needs twice the machines. The platform's default is its own to change.
    """
    place = fly_toml.where("deploy.strategy")

    assert fly_toml.strategy == expected.deploy.strategy, f"{place} has the deploy strategy {fly_toml.strategy}"


@item("ARC-4", expects="fewer than {machines.minimum} machines replaced at a time")
@pytest.mark.predeploy
@pytest.mark.offline
def test_a_deploy_leaves_machines_that_serve(fly_toml: FlyToml, expected: Target) -> None:
    """A deploy never replaces all machines at the same time.

    `max_unavailable` is a share below 1, and a number of machines from 1 on (Fly.io's configuration reference): as high
    as the floor, it makes of a rolling deploy an outage.
    """
    place, at_once = fly_toml.where("deploy.max_unavailable"), fly_toml.max_unavailable or 0

    assert at_once < expected.machines.minimum, f"{place} lets a deploy replace {at_once:g} machines at a time"


@item("ARC-4", expects="at least one health check that a deploy waits for")
@pytest.mark.predeploy
@pytest.mark.offline
def test_deploys_wait_for_health_checks(fly_toml: FlyToml) -> None:
    """A deploy goes on to the next machine only when the one before is healthy.

    The platform waits for the checks of services and for those of the top level. Which checks these are is HCK-1 to 3.
    """
    assert fly_toml.checks, f"{fly_toml.file} asks for no health check at all"


@item("ARC-4", expects="at least one health check on every machine")
@pytest.mark.postdeploy
def test_machines_carry_health_checks(configured: Fleet) -> None:
    """What runs carries the health checks that a deploy waits for.

    The next deploy goes by what machines carry, and so does the proxy. Which checks these are is HCK-1 to 3.
    """
    bare = [f"machine {machine.id} has no health check" for machine in configured.machines if not machine.checks]

    assert not bare, "; ".join(bare)


@item("ARC-5", expects="machines with the settings of {source.fly_config} as it is in --source")
@pytest.mark.postdeploy
def test_machines_run_with_what_fly_toml_asks_for(drifted: tuple[Setting, ...]) -> None:
    """Every machine carries the variables, ports, limits and checks that fly.toml asks for.

    What was changed by hand is undone by the next deploy. A value that the target does not expect either is told by
    its own item: size by CFG-1 and 2, limits by CFG-4, scaling by CFG-3 and 6, checks by HCK-1 to 3, HTTPS by NET-1,
    volumes by REC-2.
    """
    differences = [setting.told for setting in drifted]

    assert not differences, "; ".join(differences)
