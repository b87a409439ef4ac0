"""The whole of postdeploy on a healthy twin of six machines that is up already: what a deploy waits for at its end."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from benchmarks.timing import Case, python, run
from fixtures.twin import Twin
from fixtures.twin.checkout import head, make_checkout
from fixtures.twin.twin import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

MACHINES = 6
LIMIT_SECONDS = 4.0
TARGET = """extends = "production"
url = "{url}"
[edge]
plain_url = "{plain}"
[platform_metrics]
base_url = "{api}/prometheus"
"""


def main(folder: Path, rounds: int) -> str:
    """Run it a few times, each on a fresh twin, whose limits of requests nobody has used; seconds, and the limit."""
    checkout = make_checkout(folder)
    seconds = []
    for number in range(rounds):
        with Twin(MACHINES, label=head(checkout)) as twin:
            seconds.append(run(_case(folder / str(number), checkout, twin)))
    told = f"median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s; the limit is {LIMIT_SECONDS:g} s"
    return f"postdeploy of {MACHINES} machines, {rounds} rounds: {told}"


def _case(folder: Path, checkout: Path, twin: Twin) -> Case:
    folder.mkdir()
    target = folder / "six.toml"
    target.write_text(TARGET.format(url=twin.url, plain=twin.http_url, api=twin.api_url), encoding="utf-8")
    words = ("-m", "postdeploy", f"--target={target}", f"--source={checkout}", f"--reports={folder / 'runs'}")
    env = {**twin.environment, "FLYCTL_BIN": str(COMMANDS / "flyctl"), "SSL_CERT_FILE": str(twin.ca_file)}
    return Case("postdeploy", python("-m", "pytest", *words), env=env)
