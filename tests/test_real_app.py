"""The real app on the twin's machines: what its processes get, tell, print, and when they live. Python plays node."""

from __future__ import annotations

import json
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from runs import run_pytest

from fixtures.kept_build import KeptBuild, KeptBuildError, keep
from fixtures.twin import Twin, guest, lifecycle
from fixtures.twin.aws import Aws
from fixtures.twin.http_server import Request
from fixtures.twin.real_app import RealApp
from reports.record import RecordedRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.twin.records import Machine

pytestmark = pytest.mark.slow  # each test starts runs of its own

SERVER = """
import http.server, json, os, sys
print("hello from", os.environ["FLY_MACHINE_ID"], flush=True)
if os.environ.get("MODE") == "dies":
    sys.exit("cannot go on")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps([os.getpid(), dict(os.environ), sys.argv[1:]]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.HTTPServer((os.environ["HOSTNAME"], int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeptBuild:
    """A kept build, and a node for it."""
    programs, folder = tmp_path / "bin", tmp_path / "kept"
    programs.mkdir()
    (programs / "node").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    (programs / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "server.js").write_text(SERVER, encoding="utf-8")
    env = {"NODE_ENV": "production", "PORT": "8080"}
    build = KeptBuild(folder, "run", "c0ffee", ".", ("-I", "server.js"), env, "nextjs")
    build.save()
    return build


class NoAws(Aws):
    """An AWS that nobody asks."""

    def wake(self) -> None:
        """Leave it asleep."""


@pytest.fixture
def aws() -> Iterator[Aws]:
    with NoAws("us-west-2", {}) as running:
        yield running


def says(twin: Twin, machine: Machine) -> Any:  # noqa: ANN401 - what the server above answers
    answer = twin.app.answer(machine, Request("GET", "/", {}, b"", "HTTP/1.1", "127.0.0.1"))
    return None if answer is None else json.loads(answer.body)


def eventually(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)
    return holds()


def test_a_process_gets_what_the_machine_and_the_image_declare(kept: KeptBuild, aws: Aws, tmp_path: Path) -> None:
    with Twin(2, upstream=RealApp(kept, tmp_path / "volumes", aws).start) as twin:
        first, second = twin.state.machines
        _, env, _ = says(twin, first)
        assert env["NODE_ENV"] == "production"
        assert env["POOL_MAX"] == first.config["env"]["POOL_MAX"]
        assert (env["FLY_MACHINE_ID"], env["FLY_REGION"]) == (first.id, "sjc")
        assert env["AWS_ENDPOINT_URL"] == aws.url
        assert env["LOG_DIR"] == str(tmp_path / "volumes" / first.config["mounts"][0]["volume"])
        assert "PYTHONPATH" not in env
        assert says(twin, second)[1]["LOG_DIR"] != env["LOG_DIR"]


def test_the_guest_tells_the_processs_own_truth_as_declared(kept: KeptBuild, aws: Aws, tmp_path: Path) -> None:
    with Twin(1, upstream=RealApp(kept, tmp_path / "volumes", aws).start) as twin:
        machine = twin.state.machines[0]
        pid, env, _ = says(twin, machine)
        told = guest.run(twin.state, machine, f"cat /proc/{pid}/environ")["stdout"]
        inside = dict(pair.partition("=")[::2] for pair in told.rstrip("\0").split("\0"))
        assert guest.run(twin.state, machine, "pidof node")["stdout"] == f"{pid}\n"
        assert (inside["PORT"], inside["LOG_DIR"], inside["POOL_MIN"]) == ("8080", "/data", env["POOL_MIN"])
        (process,) = guest.processes(twin.state, machine)
        assert process["pid"] == pid
        assert [listens["address"].rpartition(":")[2] for listens in process["listen_sockets"]] == ["8080"]


def test_processes_live_as_their_machines_do(kept: KeptBuild, aws: Aws, tmp_path: Path) -> None:
    with Twin(2, upstream=RealApp(kept, tmp_path / "volumes", aws).start) as twin:
        machine = twin.state.machines[0]
        before, env, _ = says(twin, machine)
        with twin.state.lock:
            lifecycle.stop(twin.state, machine)
        assert eventually(lambda: machine.state == "stopped" and not taken(int(env["PORT"])))
        assert says(twin, machine) is None
        with twin.state.lock:
            lifecycle.start(twin.state, machine)
        assert eventually(lambda: machine.booted is not None)
        assert says(twin, machine)[0] != before
        lines = [line.message for line in twin.state.logs if line.message == f"hello from {machine.id}"]
        assert len(lines) == 2
        ports = [int(says(twin, one)[1]["PORT"]) for one in twin.state.machines]
    assert not any(taken(port) for port in ports)


def test_machines_are_as_old_as_their_processes(kept: KeptBuild, aws: Aws, tmp_path: Path) -> None:
    with Twin(2, upstream=RealApp(kept, tmp_path / "volumes", aws).start) as twin:
        ages = [(twin.state.now() - machine.events[0].at).total_seconds() for machine in twin.state.machines]

    assert max(ages) < 60


def taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_an_app_that_does_not_start_is_told_with_its_last_words(kept: KeptBuild, aws: Aws, tmp_path: Path) -> None:
    kept.env["MODE"] = "dies"
    with (
        pytest.raises(KeptBuildError, match=r"of machine \w+ does not answer 200; its last words: cannot go on"),
        Twin(1, upstream=RealApp(kept, tmp_path / "volumes", aws).start),
    ):
        pass


def test_a_folder_without_a_kept_build_is_refused(tmp_path: Path) -> None:
    run = run_pytest("-m", "smoke", "--target=twin", f"--twin-app={tmp_path / 'no'}", reports=tmp_path / "runs")

    assert run.status == 4
    assert "holds no build that predeploy has kept: make one with" in run.text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-m", "smoke", "--target=twin", "--keep-build=new"), "--keep-build keeps what predeploy builds"),
        (("-m", "predeploy", "--target=twin", "--keep-build={full}"), "is there already: name a folder that is new"),
        (("-m", "smoke", "--twin-app={full}"), "--twin-app is for the twin; the target is production"),
        (
            ("-m", "smoke", "--target=twin", "--twin-app={full}", "--twin-fault=no-hsts"),
            "--twin-fault=no-hsts breaks the light app: leave --twin-app out",
        ),
    ],
)
def test_a_build_in_the_wrong_place_is_misuse(
    words: tuple[str, ...], told: str, kept: KeptBuild, tmp_path: Path
) -> None:
    run = run_pytest(*(word.format(full=kept.folder) for word in words), reports=tmp_path / "runs")

    assert (run.status, told in run.text) == (4, True), run.text


def test_what_has_not_passed_is_not_kept(tmp_path: Path) -> None:
    words = ("-m", "predeploy", "-k", "CFG-2", "--target=twin", "--twin-fault=vm-memory-too-small")
    run = run_pytest(*words, f"--keep-build={tmp_path / 'kept'}", reports=tmp_path / "runs")

    assert (run.status, (tmp_path / "kept").exists()) == (1, False)
    assert "gets only a build that has passed" in run.text


def test_a_selection_that_builds_nothing_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    words = ("-m", "predeploy", "-k", "CFG-2", "--target=twin")
    run = run_pytest(*words, f"--keep-build={tmp_path / 'kept'}", reports=tmp_path / "runs")

    assert (run.status, (tmp_path / "kept").exists()) == (3, False), run.text
    assert "this run has judged no whole build to keep" in run.text


def test_a_build_of_which_only_a_part_was_judged_is_not_kept(tmp_path: Path) -> None:
    run = RecordedRun(tmp_path, {"complete": False}, {"twin/predeploy/build_output": {}})

    with pytest.raises(KeptBuildError, match="select all of predeploy"):
        keep(run, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
