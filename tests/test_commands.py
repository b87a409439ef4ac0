"""Commands are bounded in time, output and memory, and nothing of them is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures import commands
from fixtures.commands import CommandMissing, Completed, Guard, run

ROOT = Path(__file__).resolve().parent.parent


def python(code: str, *, seconds: float = 10.0, output_limit_bytes: int = 10_000) -> Completed:
    return run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=Path("/"),
        env=os.environ,
        seconds=seconds,
        output_limit_bytes=output_limit_bytes,
    )


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


def test_a_command_tells_status_and_both_streams() -> None:
    done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")

    assert (done.exit_status, done.stdout, done.stderr, done.timed_out) == (3, "out\n", "err\n", False)


def test_nothing_is_started_from_an_environment_that_may_move(monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    class Spy(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - those of Popen
            given.append(options.get("env"))
            super().__init__(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Spy)
    monkeypatch.setattr("fixtures.commands.GUARD_OF_THIS_PROCESS", Guard())
    python("pass")
    commands.stop_all()

    assert [type(env) for env in given] == [dict, dict]  # the command, and the guard


def test_long_output_keeps_head_and_tail() -> None:
    done = python("print('first'); print('x' * 50_000); print('last')", output_limit_bytes=1_000)

    assert done.stdout.startswith("first\n")
    assert done.stdout.endswith("last\n")
    assert "bytes left out" in done.stdout
    assert len(done.stdout) < 1_100
    assert done.stdout_bytes == 50_012


@pytest.mark.parametrize("between", ["\n", " ", '","'])
@pytest.mark.parametrize("shift", range(5))
def test_a_cut_tears_no_secret(between: str, shift: int) -> None:
    done = python(f"print('-' * {shift} + {between!r}.join(['fm2_secret'] * 500))", output_limit_bytes=1_000)
    words = re.split(r'[\s",]+', done.stdout.replace("-", "").partition("[…")[0] + done.stdout.partition("…]")[2])

    assert set(words) <= {"fm2_secret", ""}
    assert len(done.stdout) > 900


def test_a_signal_without_a_name_is_told_by_number() -> None:
    assert python("import os; os.kill(os.getpid(), 40)").signal == "signal 40"


def test_output_at_the_limit_is_whole() -> None:
    assert python("print('x' * 999)", output_limit_bytes=1_000).stdout == "x" * 999 + "\n"


def test_binary_output_is_replaced_not_refused() -> None:
    assert python("import os; os.write(1, b'a\\xff\\x00b')").stdout == "a\ufffd\x00b"


def test_the_deadline_ends_children_that_ignore_a_polite_signal() -> None:
    done = python(
        """
        import os, signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = os.fork()
        if child:
            print(os.getpid(), child, flush=True)
        time.sleep(60)
        """,
        seconds=0.5,
    )

    assert done.timed_out
    assert done.signal == "SIGKILL"
    assert all(wait_until_gone(int(pid)) for pid in done.stdout.split())
    assert done.seconds < 5


def test_a_daemon_that_keeps_the_pipe_open_does_not_hold_the_caller() -> None:
    done = python(
        """
        import os, subprocess, sys
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"], start_new_session=True)
        print(child.pid, flush=True)
        """
    )
    os.kill(int(done.stdout), signal.SIGKILL)

    assert done.exit_status == 0
    assert done.seconds < 5


def test_what_an_exited_command_left_in_its_group_ends() -> None:
    done = python(
        """
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
        """
    )

    assert wait_until_gone(int(done.stdout))


def test_progress_is_told_the_last_line() -> None:
    told: list[str] = []
    run(
        [sys.executable, "-c", "import time; print('one', flush=True); time.sleep(0.6)"],
        cwd=Path("/"),
        env=os.environ,
        seconds=10,
        progress=told.append,
    )

    assert "one" in told


@pytest.mark.parametrize(
    ("argv", "cwd", "words"),
    [
        (["no-such-program"], "/", "no-such-program is not installed"),
        (["/etc/passwd"], "/", "/etc/passwd cannot be started"),
        (["true"], "/no/such/folder", "/no/such/folder is not there"),
    ],
)
def test_what_cannot_be_started_is_told(argv: list[str], cwd: str, words: str) -> None:
    with pytest.raises(CommandMissing, match=words):
        run(argv, cwd=Path(cwd), env=os.environ, seconds=5)


PARENT = """
import os, sys, threading, time
from pathlib import Path
sys.path.insert(0, {root!r})
from fixtures.commands import run
child = [sys.executable, "-c", "import os, time; open({pid!r}, 'w').write(str(os.getpid())); time.sleep(60)"]
threading.Thread(target=lambda: run(child, cwd=Path("/"), env=os.environ, seconds=60), daemon=True).start()
while True:
    time.sleep(0.1)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["SIGKILL", "SIGINT"])
def test_the_death_of_this_process_ends_the_command(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "pid"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(root=str(ROOT), pid=str(file))], stderr=subprocess.DEVNULL
    )
    end = time.monotonic() + 10
    while not (file.exists() and file.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    pid = int(file.read_text())
    parent.send_signal(number)
    parent.wait(timeout=30)

    assert wait_until_gone(pid)


def test_a_hundred_megabytes_of_output_leave_the_runner_small() -> None:
    done = python(
        f"""
        import os, sys
        from pathlib import Path
        sys.path.insert(0, {str(ROOT)!r})
        from fixtures.commands import run
        noisy = [sys.executable, "-c", "import os\\nfor _ in range(1600): os.write(1, b'x' * 65536)"]
        done = run(noisy, cwd=Path("/"), env=os.environ, seconds=60)
        status = Path("/proc/self/status").read_text()
        print(done.stdout_bytes, int(status.split("VmHWM:")[1].split()[0]) // 1024)
        """,
        seconds=60,
    )
    written, peak_mb = map(int, done.stdout.split())

    assert written == 1600 * 65536
    assert peak_mb < 120
