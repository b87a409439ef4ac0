"""Twenty targets in one run on two workers, beside one target: each app with an edge of its own that takes its time."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.timing import Case, compare, python, table
from fixtures.twin.light_app import LightApp
from fixtures.twin.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fixtures.twin.http_server import Answer, Request
    from fixtures.twin.records import Machine

TARGETS = 20
RESPONSE_SECONDS = 0.1
# What is asked over HTTP, and not how quickly: these apps are on no platform that the Fly CLI could ask.
ITEMS = "HLT-1 or HLT-2 or HLT-3 or HLT-4 or JWK or HDR"


class Slow(LightApp):
    """The light app, far away."""

    def answer(self, machine: Machine, request: Request) -> Answer | None:
        """Answer after a while."""
        time.sleep(RESPONSE_SECONDS)
        return super().answer(machine, request)


def main(folder: Path, rounds: int) -> str:
    """Run smoke on one of them, on one with two workers, on all with two workers, and on all without."""
    with ExitStack() as stack:
        twins = [stack.enter_context(Twin(upstream=Slow)) for _ in range(TARGETS)]
        files = [_target(folder / f"app-{number:02}.toml", twin) for number, twin in enumerate(twins)]
        authorities = folder / "authorities.pem"
        authorities.write_text("".join(twin.ca_file.read_text(encoding="utf-8") for twin in twins), encoding="utf-8")
        environment = {**twins[0].environment, "SSL_CERT_FILE": str(authorities)}
        cases = [
            Case(name, _smoke(folder / "runs", some, workers), env=environment)
            for name, some, workers in (
                ("one target", files[:1], ()),
                ("one target, -n 2", files[:1], ("-n", "2")),
                (f"{TARGETS} targets, -n 2", files, ("-n", "2")),
                (f"{TARGETS} targets", files, ()),
            )
        ]
        return table(compare(cases, rounds), cases[0].name)


def _target(path: Path, twin: Twin) -> Path:
    path.write_text(
        f'extends = "production"\napp = "{path.stem}"\nurl = "{twin.url}"\n[edge]\nplain_url = "{twin.http_url}"\n',
        encoding="utf-8",
    )
    return path


def _smoke(runs: Path, targets: Iterable[Path], workers: Iterable[str]) -> list[str]:
    named = (f"--target={target}" for target in targets)
    return python("-m", "pytest", "-m", "smoke", "-k", ITEMS, f"--reports={runs}", *named, *workers)
