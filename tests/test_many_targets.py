"""Several targets in one run, one report: nothing is looked at twice, and each target has its own surroundings."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from engine import WORKERS, Bench
from runs import environment, run_pytest

from fixtures.twin.twin import Twin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOKS = """
@look("edge", seconds=5)
def colour(world: World, subject: str) -> Seen:
    with Path(os.environ["LOOKED"]).open("a") as file:
        file.write(f"{world.target.name}\\n")
    return Seen("echo", {"app": world.target.app, "where": world.environment.get("FLY_API_BASE_URL")}, world.target.app)

@item("CFG-1", expects="an app")
@pytest.mark.postdeploy
def test_app(colour: Observation, expected) -> None:
    '''It is the app of the target.'''
    assert colour.value["app"] == expected.app

@item("CFG-2", expects="no green")
@pytest.mark.postdeploy
def test_not_green(colour: Observation, expected) -> None:
    '''The app is not green.'''
    assert colour.value["app"] != "green", "it is green"

@item("CFG-3", expects="a platform")
@pytest.mark.postdeploy
def test_platform(colour: Observation, expected) -> None:
    '''Each target has a platform of its own.'''
    assert bool(colour.value["where"]) == expected.is_twin, str(colour.value["where"])
"""


def target_file(folder: Path, name: str, text: str = "") -> str:
    (folder / f"{name}.toml").write_text(f'extends = "production"\napp = "{name}"\n{text}')
    return f"--target={folder / f'{name}.toml'}"


@WORKERS
def test_one_report_for_all_and_each_look_once(tmp_path: Path, workers: list[str]) -> None:
    red, green = target_file(tmp_path, "red"), target_file(tmp_path, "green")
    run = Bench(tmp_path).run(
        LOOKS, "-m", "postdeploy", red, green, "--target=twin", *workers, LOOKED=str(tmp_path / "looked")
    )
    rows = {(row["check"], row["target"]): row["verdict"] for row in run.summary["checks"]}

    assert run.status == 1, run.text
    assert sorted((tmp_path / "looked").read_text().split()) == ["green", "little", "red", "twin"]
    assert len(rows) == 12
    assert [key for key, verdict in rows.items() if verdict != "passed"] == [("CFG-2/test_not_green[edge]", "green")]
    assert "FAILED green · CFG-2 · The app is not green" in run.text
    assert "green      2 passed · 1 failed" in run.text
    assert "red        3 passed" in run.text
    assert set(run.record.observations) == {
        f"{name}/postdeploy/colour[edge]" for name in ("green", "little", "red", "twin")
    }


@pytest.mark.slow
def test_junit_tells_targets_apart_and_a_replay_judges_them_all(tmp_path: Path) -> None:
    bench, red, green = Bench(tmp_path), target_file(tmp_path, "red"), target_file(tmp_path, "green")
    run = bench.run(LOOKS, "-m", "postdeploy", red, green, LOOKED=str(tmp_path / "looked"))
    assert run.folder is not None
    document = ET.parse(run.folder / "junit.xml")  # noqa: S314 - the file is ours
    cases = [(case.get("classname"), case.get("name")) for case in document.iter("testcase")]
    again = bench.again(f"--replay={run.folder}")

    assert len(set(cases)) == len(cases) == 9
    assert ("green.postdeploy.CFG-2", "CFG-2/test_not_green[edge]") in cases
    assert [(row["target"], row["verdict"]) for row in again.summary["checks"]] == [
        (row["target"], row["verdict"]) for row in run.summary["checks"]
    ]


def test_a_run_that_also_judges_another_target_needs_its_checkout(tmp_path: Path) -> None:
    run = run_pytest("-m", "predeploy", "--target=twin", "--target=production", reports=tmp_path)

    assert run.status == 4
    assert "--source=DIR" in run.text


@pytest.fixture(scope="module")
def twins() -> Iterator[list[Twin]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Twin()) for _ in range(3)]


@pytest.mark.slow
def test_real_edges_are_asked_as_often_together_as_alone(twins: list[Twin], tmp_path: Path) -> None:
    (tmp_path / "authorities.pem").write_text("".join(twin.ca_file.read_text() for twin in twins))
    targets = [
        target_file(tmp_path, f"app-{n}", f'url = "{twin.url}"\n[edge]\nplain_url = "{twin.http_url}"\n')
        for n, twin in enumerate(twins)
    ]
    outside = environment(**{**os.environ, **twins[0].environment, "SSL_CERT_FILE": str(tmp_path / "authorities.pem")})
    asked = []
    for names, workers in ((targets[:1], []), (targets, ["-n", "2"])):
        run = run_pytest("-m", "smoke", "-k", "HDR or JWK", *names, *workers, reports=tmp_path / "runs", env=outside)
        assert run.status == 0, run.text
        asked.append([sum(one.surface == "edge" for one in twin.state.asked) for twin in twins])
        for twin in twins:
            twin.state.asked.clear()
    alone = asked[0][0]

    assert asked == [[alone, 0, 0], [alone, alone, alone]]
    assert run.summary["requests"] == {f"app-{n}": alone for n in range(3)}
