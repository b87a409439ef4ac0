"""The Fly CLI as it answers, and as it fails: a few lines of shell play it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fixtures import fly_cli
from fixtures.fly_app import FlyStatus, status
from fixtures.fly_cli import Cli, Validation
from fixtures.fly_help import CommandHelp, pages, told
from fixtures.looks import Unreadable, Unseen

STAND_IN = Path(__file__).parent.parent / "fixtures" / "twin" / "bin" / "fly"


def playing(tmp_path: Path, script: str, name: str = "flyctl", **environment: str) -> Cli:
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"
    return Cli({"PATH": path, "HOME": str(tmp_path), **environment}, tmp_path)


def test_the_version_is_read(tmp_path: Path) -> None:
    cli = playing(tmp_path, """echo '{"Name":"flyctl","Version":"0.4.87","Commit":"x"}'""")

    assert fly_cli.version(cli, 5) == {"path": str(tmp_path / "flyctl"), "version": "0.4.87", "error": None}


@pytest.mark.parametrize("script", ["echo v20.20.2", "echo '{}'", "true"])
def test_another_program_is_no_cli(tmp_path: Path, script: str) -> None:
    found = fly_cli.version(playing(tmp_path, script), 5)

    assert found["version"] is None
    assert "is this the Fly CLI?" in str(found["error"])


def test_a_failure_is_told_without_the_query(tmp_path: Path) -> None:
    query = r"failed to run query (query ($n: String!) {\n  app(name: $n) { id }\n}): Could not find App\n"
    script = f"printf 'Error: {query}' >&2; exit 1"

    assert status(playing(tmp_path, script), "x", 5)["error"] == "Could not find App"


def test_what_we_have_told_of_a_refused_file_is_not_told_again() -> None:
    lines = [
        "Validating fly.toml",
        "WARN Service HTTP check has an interval less than 1 second (15ns); this will be raised to 1 second",
        "Strict validation found unrecognised sections or keys:",
        "- http_service.checks[2].type",
        "- autoscaling",
        "- http_service.types",
        "Error: strict validation failed",
    ]
    ours = (
        "fly.toml:9 [http_service.checks[2]] type is ignored: every entry here is an HTTP check",
        "fly.toml:20 autoscaling is ignored",
    )

    assert Validation.parse({"valid": False, "lines": lines}).beyond(ours) == ("- http_service.types",)
    assert Validation.parse({"valid": True, "lines": lines}).beyond(()) == ()
    assert Validation.parse({"valid": False, "lines": []}).beyond(ours) == (
        "`fly config validate --strict` refuses it, and says no reason",
    )


def test_a_missing_cli_is_a_fact_for_its_version_and_a_reason_for_all_else(tmp_path: Path) -> None:
    cli = Cli({"PATH": str(tmp_path)}, tmp_path)
    sentence = "neither flyctl nor fly is on PATH: install the Fly CLI, or name it in FLYCTL_BIN"

    assert fly_cli.version(cli, 5) == {"path": None, "version": None, "error": sentence}
    with pytest.raises(Unseen, match="neither flyctl nor fly is on PATH"):
        fly_cli.whoami(cli, 5)


def test_flyctl_bin_names_the_cli_and_nothing_replaces_it(tmp_path: Path) -> None:
    cli = playing(tmp_path, "true", FLYCTL_BIN=str(tmp_path / "gone"))

    assert fly_cli.version(cli, 5)["error"] == (
        f"FLYCTL_BIN names {tmp_path / 'gone'}, which is no program: correct it, or unset it to use the one on PATH"
    )


def test_flyctl_comes_before_fly(tmp_path: Path) -> None:
    playing(tmp_path, "true", "fly")
    assert fly_cli.program({"PATH": str(tmp_path)}) == str(tmp_path / "fly")

    playing(tmp_path, "true", "flyctl")
    assert fly_cli.program({"PATH": str(tmp_path)}) == str(tmp_path / "flyctl")


def test_the_environment_is_hardened(tmp_path: Path) -> None:
    cli = playing(
        tmp_path,
        """printf '{"email":"%s|%s|%s|%s|%s|%s"}' "$FLY_SEND_METRICS" "$FLY_NO_UPDATE_CHECK" "$FLY_APP" """
        """ "${FLY_ACCESS_TOKEN-unset}" "$FLY_API_TOKEN" "$AWS_SECRET_ACCESS_KEY" """,
        FLY_APP="other",
        FLY_ACCESS_TOKEN="",
        FLY_API_TOKEN="good",
        AWS_SECRET_ACCESS_KEY="canary",
    )

    assert fly_cli.whoami(cli, 5)["identity"] == "0|1||unset|good|"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("""echo '{"email":"a@b.c"}'""", {"identity": "a@b.c", "error": None}),
        (
            "echo \"Error: no access token available. Please login with 'flyctl auth login'\" >&2; exit 1",
            {"identity": None, "error": "no access token available. Please login with 'flyctl auth login'"},
        ),
    ],
)
def test_who_is_logged_in_or_that_nobody_is(tmp_path: Path, script: str, expected: dict[str, str | None]) -> None:
    assert fly_cli.whoami(playing(tmp_path, script), 5) == expected


def test_the_app_as_that_identity_sees_it_without_its_machines(tmp_path: Path) -> None:
    answer = {"Name": "paintbox", "Organization": {"Slug": "acme"}, "Machines": [{"config": {"env": {"X": "canary"}}}]}
    found = status(playing(tmp_path, f"echo '{json.dumps(answer)}'"), "paintbox", 5)
    lost = status(playing(tmp_path, "echo 'Error: Could not find App \"x\"' >&2; exit 1"), "x", 5)

    assert (found["seen"], found["organization"]) == (True, "acme")
    assert "canary" not in str(found)
    assert (lost["seen"], lost["error"]) == (False, 'Could not find App "x"')


STATUS = {"Name": "paintbox", "Status": "deployed", "Deployed": True, "Hostname": "paintbox.fly.dev"}


@pytest.mark.parametrize(
    ("answer", "lives"),
    [
        (STATUS, True),
        (STATUS | {"Status": "suspended"}, False),
        (STATUS | {"Status": "pending", "Deployed": False}, False),
        (STATUS | {"Deployed": False}, False),
    ],
)
def test_an_app_lives_where_fly_io_says_so_in_both_ways(
    tmp_path: Path, answer: dict[str, object], *, lives: bool
) -> None:
    found = status(playing(tmp_path, f"echo '{json.dumps(answer)}'"), "paintbox", 5)

    assert FlyStatus.told(found).lives is lives


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'Error: Could not find App' >&2; exit 1", "says: Could not find App"),
        (f"echo '{json.dumps(STATUS | {'Name': 'other'})}'", "says: another app"),
        (f"echo '{json.dumps(STATUS | {'Deployed': 'yes'})}'", "tells no Deployed, Status and Hostname"),
        (f"echo '{json.dumps(STATUS | {'Status': None})}'", "tells no Deployed, Status and Hostname"),
        (f"echo '{json.dumps(STATUS | {'Hostname': ['x']})}'", "tells no Deployed, Status and Hostname"),
    ],
)
def test_an_app_of_which_nothing_is_told_is_no_verdict(tmp_path: Path, script: str, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        FlyStatus.told(status(playing(tmp_path, script), "paintbox", 5))


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (
            "echo 'Error: Post \"https://x\": dial tcp 127.0.0.1:1: connect: connection refused' >&2; exit 1",
            "did not reach",
        ),
        ("echo not json", "printed no JSON but 'not json"),
        ("echo '[]'", "printed JSON that is no object"),
        ("exec sleep 30", "did not end within 1 s"),
    ],
)
def test_what_is_no_answer_is_a_reason(tmp_path: Path, script: str, told: str) -> None:
    with pytest.raises(Unseen, match=told):
        fly_cli.whoami(playing(tmp_path, script), 1)


def test_a_validation_is_made_without_a_login_and_without_colours(tmp_path: Path) -> None:
    script = """
    [ -n "$FLY_ACCESS_TOKEN" ] || { echo "Error: no access token" >&2; exit 1; }
    printf 'Validating %s\\n' "$5"; printf '  - http_service.\\033[31mmax_machines_running\\033[0m\\n'
    echo 'Error: strict validation failed' >&2; exit 1"""
    found = fly_cli.validation(playing(tmp_path, script), tmp_path / "fly.toml", 5)

    assert found["valid"] is False
    assert "- http_service.max_machines_running" in (found["lines"] or ())  # type: ignore[operator]


def test_a_cli_too_old_for_strict_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unseen, match="knows no `fly config validate --strict`"):
        fly_cli.validation(playing(tmp_path, "echo 'Error: unknown flag: --strict' >&2; exit 1"), tmp_path, 5)


COMMANDS = {
    "fly status --app paintbox": None,
    "fly m ls --json | jq .": None,
    "fly machine restart <machine-id>": None,
    "fly deploy --config fly.toml --dockerfile Dockerfile.production": None,
    "fly scale memory 4096": None,
    "fly logs --since=1h": "`fly logs` knows no flag --since",
    "fly machine stop --all": "`fly machine stop` knows no flag --all",
    "fly releases rollback": "`fly releases` takes no argument 'rollback'",
    "fly releases --limit 10": "`fly releases` knows no flag --limit",
    "fly machine bogus": "there is no `fly machine bogus`",
    "fly machine": "`fly machine` alone does nothing",
    "fly bogus": "there is no `fly bogus`",
    "fly status && curl x; fly logs --since=1h": "`fly logs` knows no flag --since",
}


def test_commands_are_judged_by_the_help_of_the_cli(tmp_path: Path) -> None:
    listed = [(f"item {number}", text) for number, text in enumerate(COMMANDS)]
    cli = Cli(os.environ | {"FLYCTL_BIN": str(STAND_IN)}, tmp_path)
    given = [{"words": words, "help": text} for words, text in pages(cli, told(listed), 10).items()]
    found = CommandHelp.parse({"commands": [list(one) for one in listed], "pages": given})
    told_at = {
        wrong: [where for where, text in listed if COMMANDS[text] == wrong] for wrong in COMMANDS.values() if wrong
    }
    expected = [f"{wrong} ({', '.join(where)})" for wrong, where in told_at.items()]

    assert (found.count, list(found.unknown)) == (14, expected)


def test_a_cli_whose_help_is_none_is_told() -> None:
    page = {"words": "deploy", "help": "segmentation fault"}

    with pytest.raises(Unreadable, match="`fly deploy --help` printed no help: is this the Fly CLI"):
        CommandHelp.parse({"commands": [["DEP-2", "fly deploy"]], "pages": [page]})
