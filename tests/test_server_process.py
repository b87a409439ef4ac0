"""A server that a look has started is gone when it is not needed any more, whatever happens."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.server_process import OUTPUT_LIMIT_BYTES, ServerProcess, free_port

SECONDS = 10.0
ENV = {"PATH": os.environ["PATH"]}
# Says its own process id and that of a child of its own, then waits for a signal that it takes no notice of.
FAMILY = """
import os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"])
print(os.getpid(), child.pid, flush=True)
signal.pause()
"""
OWNER = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from fixtures.server_process import ServerProcess
with ServerProcess([sys.executable, "-c", sys.argv[2]], cwd=Path("/"), env=dict(PATH=os.environ["PATH"])) as server:
    while not server.lines:
        time.sleep(0.01)
    print(server.lines[0], flush=True)
    sys.stdin.read()
"""


def first_line(server: ServerProcess) -> str:
    end = time.monotonic() + SECONDS
    while not server.lines and time.monotonic() < end:
        time.sleep(0.01)
    return server.lines[0]


def gone(pid: int) -> bool:
    """Whether the process ends soon."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.01)
    return False


def test_the_whole_group_ends_with_the_context(tmp_path: Path) -> None:
    with ServerProcess([sys.executable, "-c", FAMILY], cwd=tmp_path, env=ENV) as server:
        pids = [int(word) for word in first_line(server).split()]

    assert [gone(pid) for pid in pids] == [True, True]


def test_the_whole_group_ends_when_its_owner_is_killed() -> None:
    root = str(Path(__file__).resolve().parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, root, FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        owner.kill()

        assert [gone(pid) for pid in pids] == [True, True]


@pytest.mark.parametrize(("command", "status"), [("exit 9", 9), ("kill -SEGV $$", 128 + signal.SIGSEGV)])
def test_its_exit_status_is_told(tmp_path: Path, command: str, status: int) -> None:
    with ServerProcess(["sh", "-c", f"echo last words; {command}"], cwd=tmp_path, env=ENV) as server:
        end = time.monotonic() + SECONDS
        while server.exit_status is None and time.monotonic() < end:
            time.sleep(0.01)

        assert (server.exit_status, server.lines) == (status, ["last words"])


def test_it_gets_no_variable_that_was_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_API_TOKEN", "canary")
    with ServerProcess(
        ["sh", "-c", "env | sort | tr '\\n' ' '; echo; sleep 60"], cwd=tmp_path, env=ENV | {"A": "1"}
    ) as server:
        names = {word.partition("=")[0] for word in first_line(server).split()}

    assert names <= {"A", "PATH", "PWD", "SHLVL", "_", "LC_CTYPE", "OLDPWD"}


def test_a_talkative_server_neither_waits_nor_fills_the_memory(tmp_path: Path) -> None:
    talk = "import sys\nfor n in range(100_000): print(n, 'x' * 100)\nprint('y' * 1_000_000)\nprint('end')"
    with ServerProcess([sys.executable, "-c", talk], cwd=tmp_path, env=ENV) as server:
        end = time.monotonic() + SECONDS
        while server.exit_status is None and time.monotonic() < end:
            time.sleep(0.01)

        assert (server.exit_status, server.lines[-1]) == (0, "end")
        assert sum(map(len, server.lines)) <= OUTPUT_LIMIT_BYTES


def test_a_free_port_can_be_had() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.fileno() >= 0
