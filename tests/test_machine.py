"""Inside a machine: true facts in two round trips, testinfra at work, and no way to look green while blind."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from worlds import LooseWorld

import fixtures.fleet  # noqa: F401 - declares the look that lists the machines
from fixtures import machine_exec
from fixtures.looks import Unseen
from fixtures.machine import Account, Folder, Inside
from fixtures.machine_exec import MachineExec, Told
from fixtures.machine_facts import Questions, machine_facts
from fixtures.machine_host import listening_sockets, machine_host
from fixtures.target import load_target
from fixtures.twin import Twin, guest
from fixtures.twin.faults import inject
from fixtures.twin.guest_facts import TITLE
from fixtures.twin.twin import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.looks import Observation

TARGET = load_target("production")
SHELL = "/bin/sh"


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Twin(machines=3) as running:
        yield running


@pytest.fixture
def world(twin: Twin, tmp_path: Path) -> Iterator[LooseWorld]:
    environment = {**twin.environment, "FLYCTL_BIN": str(COMMANDS / "flyctl")}
    with LooseWorld(tmp_path, environment=environment) as loose:
        yield loose


def execute_in(twin: Twin, place: int = 0) -> Callable[[str], Told]:
    """Commands in one machine of the twin, without a CLI between."""

    def execute(command: str) -> Told:
        told = guest.run(twin.state, twin.state.machines[place], command)
        return Told(told["exit_code"], told["stdout"], told["stderr"])

    return execute


def test_every_machine_is_seen_in_two_round_trips(twin: Twin, world: LooseWorld) -> None:
    insides = world.look("machine_insides").read(Inside.parse)
    asked = [one.target for one in twin.state.asked if one.target.endswith("/exec")]

    assert {one.id for one in insides} == {machine.id for machine in twin.state.machines}
    assert sorted(asked) == sorted(2 * [f"/v1/apps/paintbox/machines/{one.id}/exec" for one in insides])
    for one in insides:
        server = one.server
        assert server is not None
        assert (server.user, server.group, server.command) == ("nextjs", "nodejs", TITLE)
        assert one.serves(8080)
        assert not one.serves(22)
        assert 7000 < server.uptime_seconds < 7300
        assert (one.unwritable, one.silence(60), one.lacks_mount("/data")) == ("", "", False)


def test_no_value_of_a_secret_leaves_the_machine(twin: Twin) -> None:
    said: list[str] = []

    def execute(command: str) -> Told:
        told = execute_in(twin)(command)
        said.append(told.stdout + told.stderr)
        return told

    facts = machine_facts("m", execute, Questions.of(TARGET))
    server = facts["server"]

    assert isinstance(server, dict)
    assert "AWS_SECRET_ACCESS_KEY" in str(server["names"])
    assert "only-the-app-knows" in str(execute_in(twin)("cat /proc/651/environ"))
    for secret in twin.state.secrets:
        assert secret.digest not in "".join(said)


def test_modules_of_testinfra_work_in_several_machines_at_once(twin: Twin) -> None:
    def look(place: int) -> list[Any]:
        host, _ = machine_host(twin.state.machines[place].id, execute_in(twin, place))
        data, app = host.file("/data"), host.process.get(pid=651)
        return [
            (host.user("nextjs").uid, host.user("nextjs").group, host.user("nobody-here").exists),
            (data.is_directory, data.user, data.group, oct(data.mode), host.file("/data/none").exists),
            (host.file("/data/paintbox.log").size, host.file("/etc/os-release").contains("Alpine")),
            (host.mount_point("/data").filesystem, host.mount_point("/nowhere").exists),
            host.socket("tcp://0.0.0.0:8080").is_listening,
            f"tcp://{twin.state.machines[place].private_ip}:22" in host.socket.get_listening_sockets(),
            (app.user, app.group, app.args, len(host.process.filter(ppid=1))),
            host.environment()["FLY_MACHINE_ID"] == twin.state.machines[place].id,
            (host.system_info.distribution, host.exists("netstat"), host.exists("ss")),
        ]

    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(look, range(3)))

    assert found == 3 * [
        [
            (1001, "nodejs", False),
            (True, "nextjs", "nodejs", "0o755", False),
            (4080, True),
            ("ext4", False),
            True,
            True,
            ("nextjs", "nodejs", TITLE, 2),
            True,
            ("alpine", True, False),
        ]
    ]


def test_the_questions_are_what_a_real_shell_understands(tmp_path: Path) -> None:
    """This computer stands in for a machine: a server here is found by its port, with its owner and environment."""

    def execute(command: str) -> Told:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
        return Told(done.returncode, done.stdout, done.stderr)

    folder = tmp_path / "da ta; exit 3"
    folder.mkdir()
    (folder / "one.log").write_text("line\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    line = f"import socket as s; one = s.create_server(('127.0.0.1', {port})); print(flush=True); one.accept()"
    given = {"NODE_ENV": "a=b c", "KEY": "first\nSECOND_LINE", "PATH": os.environ["PATH"]}
    with subprocess.Popen([sys.executable, "-c", line], env=given, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            assert server.stdout.readline() == b"\n"
            facts = machine_facts("m", execute, Questions(str(folder), "root", port, f"{folder}/*.log", ("NODE_ENV",)))
        finally:
            server.kill()
    inside = Inside.of({**facts, "carries": [str(folder)]})

    assert inside.server is not None
    assert inside.server.pid == server.pid
    assert inside.server.variables == {"NODE_ENV": "a=b c"}
    assert set(inside.server.names) - {"LC_CTYPE"} == {"NODE_ENV", "KEY", "PATH"}
    assert 0 <= inside.server.uptime_seconds < 60
    assert (inside.folder or Folder(0, 0, 0)).uid == os.getuid()
    assert [log.path for log in inside.logs] == [str(folder / "one.log")]
    assert not inside.serves(port), "on the loopback address nobody reaches it"
    assert inside.lacks_mount(str(folder))


def test_a_machine_without_the_app_has_no_server(twin: Twin) -> None:
    twin.state.inside.port = 3000
    seen = Inside.of({**machine_facts("m", execute_in(twin), Questions.of(TARGET)), "carries": []})
    assert seen.told_listens == f"machine m runs '{TITLE}', which listens on 0.0.0.0:3000"

    def without_app(command: str) -> Told:
        told = execute_in(twin)(command)
        return Told(0, told.stdout.replace("next-server", "sleep"), "")

    gone = machine_facts("m", without_app, Questions.of(TARGET))
    assert gone["server"] is None
    assert Inside.of({**gone, "carries": []}).told_listens == "machine m runs no server"


@pytest.mark.parametrize(
    ("uid", "gid", "mode", "writable"),
    [
        (1001, 1001, 0o755, True),
        (0, 0, 0o755, False),
        (0, 1001, 0o775, True),
        (0, 7, 0o775, True),
        (0, 8, 0o775, False),
        (0, 0, 0o777, True),
        (0, 0, 0o1777, True),
        (0, 0, 0o776, False),
        (1001, 1001, 0o555, False),
        (1001, 1001, 0o077, False),
    ],
)
def test_who_may_write_follows_from_owner_and_mode(uid: int, gid: int, mode: int, *, writable: bool) -> None:
    assert Folder(uid, gid, mode).writable_by(Account(1001, (1001, 7))) is writable


def test_sockets_are_read_as_the_kernel_writes_them() -> None:
    table = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 2411 1\n"
        "   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1001        0 2412 1\n"
        "   2: 000080FE00000000FF005450ABCD1200:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 77 1\n"
    )
    assert [row[1:] for row in listening_sockets(table)] == [
        ("127.0.0.1", 8080, "2411"),
        ("fe80::5054:ff:12:cdab", 22, "77"),
    ]


def answering(world: LooseWorld, tmp_path: Path, then: str) -> Observation:
    """What is seen when the CLI does this for `machine exec`, and all else as ever."""
    cli = tmp_path / "flyctl"
    real = shlex.quote(str(COMMANDS / "fly"))
    cli.write_text(f'#!/bin/sh\ncase "$1 $2" in "machine exec") {then} ;; *) exec {real} "$@" ;; esac\n')
    cli.chmod(0o755)
    world.environment = {**world.environment, "FLYCTL_BIN": str(cli)}
    return world.look("machine_insides")


HOSTILE = {
    "success without output": ("echo '{}'", "answered 0 of"),
    "failure without output": ("echo '{\"exit_code\": 127}'", "exit status 127"),
    "no shell inside": ('echo \'{"exit_code":127,"stderr":"sh: not found"}\'', "'sh: not found'"),
    "nothing": ("true", "is not JSON: it is empty"),
    "torn": ('echo \'{"stdout": "Linux\'', "is not JSON"),
    "noise": ("echo 'Connecting to fdaa::1... complete'", "is not JSON"),
    "another shape": ('echo \'{"error": "unauthorized"}\'', "is no result of a command"),
    "another type": ('echo \'{"exit_code": "0", "stdout": []}\'', "is no result of a command"),
    "truth for a status": ("echo '{\"exit_code\": true}'", "is no result of a command"),
    "a list": ("echo '[]'", "is no result of a command"),
    "binary": ("head -c 3000 /dev/urandom", "is not JSON"),
    "deep": ("head -c 100000 /dev/zero | tr '\\0' '['", "JSON"),
    "endless": ('exec yes \'{"stdout": "\'', "did not end within"),
    "never": ("exec sleep 60", "did not end within"),
    "refused": (
        "echo 'Error: unauthorized (Request ID: 01K)' >&2; exit 1",
        "fly tokens create machine-exec --app paintbox",
    ),
    "not running": ("echo 'Error: failed_precondition: machine is not running' >&2; exit 1", "machine is not running"),
    "unreached": ("echo 'Error: dial tcp 1.2.3.4:443: i/o timeout' >&2; exit 1", "did not reach Fly.io"),
    "killed": ("kill -9 $$", "runs no command"),
    "garbage in the frames": ("printf '%s' '{\"stdout\": \"x 0\\\\ny 0\\\\n\"}'", "answered 0 of"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_an_error_in_one_sentence(
    world: LooseWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(machine_exec, "SECONDS", 1.0)
    then, sentence = HOSTILE[name]
    seen = answering(world, tmp_path, then)

    assert seen.error is not None
    assert sentence in seen.error
    assert seen.error.startswith("3 of 3 machines cannot be looked into: ")
    assert "\n" not in seen.error
    assert len(seen.error) < 700


def test_one_machine_that_cannot_be_looked_into_is_named(world: LooseWorld, twin: Twin, tmp_path: Path) -> None:
    name = twin.state.machines[1].id
    real = shlex.quote(str(COMMANDS / "fly"))
    seen = answering(world, tmp_path, f'[ $3 = {name} ] && exec echo nonsense || exec {real} "$@"')

    assert seen.error is not None
    assert seen.error.startswith(f"1 of 3 machines cannot be looked into: what `fly machine exec {name}` printed")


@pytest.mark.parametrize(
    "question",
    ["uname -s", "ps -A", "cat /proc/net", "cat /proc/mounts", "cat /proc/uptime", "date +%s", "cat /proc/651"],
)
def test_a_machine_that_answers_nonsense_to_a_question_is_an_error(twin: Twin, question: str) -> None:
    """Whichever answer is replaced by lines that mean nothing: one sentence, or the facts without it."""
    strange = "\x00 ) ( : -> socket:[x]\nNaN = ="

    def execute(command: str) -> Told:
        script = shlex.split(command)[2]
        wrong = [part for part in script.split("; ") if part.startswith("(" + question)]
        for part in wrong:
            script = script.replace(part, f"({shlex.join(['echo', strange])}) 2>/dev/null")
        return execute_in(twin)(f"sh -c {shlex.quote(script)}")

    with pytest.raises(Unseen, match="machine m answers as no Linux with a shell does"):
        machine_facts("m", execute, Questions.of(TARGET))


def test_commands_have_a_token_of_their_own(world: LooseWorld, twin: Twin) -> None:
    inject(twin.state, "token-read-only")
    execute = MachineExec.of(world)
    with pytest.raises(Unseen, match=r"the token in use may not run commands in machine .*: set FLY_EXEC_TOKEN"):
        execute(twin.state.machines[0].id, "true")

    twin.state.tokens = {"token-for-commands"}
    world.environment = {**world.environment, "FLY_EXEC_TOKEN": "token-for-commands"}
    assert MachineExec.of(world)(twin.state.machines[0].id, "id -u nextjs") == Told(0, "1001\n", "")

    world.environment = {**world.environment, "FLY_EXEC_TOKEN": "token-of-another-app"}
    with pytest.raises(Unseen, match="the token in FLY_EXEC_TOKEN may not run commands"):
        MachineExec.of(world)(twin.state.machines[0].id, "true")


@pytest.mark.parametrize(("fault", "state"), [("machine-asleep", "stopped"), ("machine-host-down", "started")])
def test_machines_that_cannot_answer_are_left_alone(world: LooseWorld, twin: Twin, fault: str, state: str) -> None:
    inject(twin.state, fault)

    insides = world.look("machine_insides").read(Inside.parse)

    assert len(insides) == 2
    assert twin.state.machines[-1].id not in {one.id for one in insides}
    assert twin.state.machines[-1].state == state


def test_an_app_that_does_not_run_cannot_be_looked_into(world: LooseWorld, twin: Twin) -> None:
    inject(twin.state, "no-machine-running")

    error = world.look("machine_insides").error
    assert error == "no machine of paintbox runs on a host that is there: MET-3 says what to do"


def test_without_a_cli_it_says_so(world: LooseWorld, twin: Twin, tmp_path: Path) -> None:
    world.look("fly_machines")
    world.environment = {**world.environment, "FLYCTL_BIN": str(tmp_path / "nothing")}

    assert "which is no program" in str(world.look("machine_insides").error)
    assert json.dumps([one.target for one in twin.state.asked]).count("exec") == 0


def test_a_target_that_documents_little_asks_little(twin: Twin) -> None:
    facts = machine_facts("m", execute_in(twin), Questions("", "", 0, "", ("PORT",)))
    one = Inside.of({**facts, "carries": []})

    assert one.server is not None
    assert one.server.variables == {"PORT": "8080"}
    assert (one.mount, one.folder, one.user, one.logs) == (None, None, None, ())


def test_a_pattern_for_log_files_is_never_a_command() -> None:
    asked = Questions("/d", "u", 1, "/da ta/$(touch x)`y`/*.[l]og; reboot", ()).log_files

    assert asked == "stat -Lc '%Y %s %n' -- '/da ta/$(touch x)`y`/'*.[l]'og; reboot'"
