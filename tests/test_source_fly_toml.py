"""fly.toml as the platform reads it: what it heeds, what it ignores, where everything stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fixtures.fly_toml import FlyToml
from fixtures.go_duration import duration_seconds, size_mb
from fixtures.looks import Unreadable
from fixtures.toml_lines import toml_lines

HEALTHY = (Path(__file__).parent.parent / "fixtures" / "paintbox" / "fly.toml").read_text(encoding="utf-8")


def read(text: str) -> FlyToml:
    return FlyToml.parse({"file": "fly.toml", "text": text})


def test_the_reference_app_is_read_whole() -> None:
    fly = read(HEALTHY)

    assert fly.ignored == ()
    assert (fly.app, fly.dockerfile, fly.strategy) == ("paintbox", "Dockerfile.production", "rolling")
    assert fly.http_service is not None
    assert fly.http_service.internal_port == 8080
    assert (fly.http_service.auto_stop, fly.http_service.auto_start) == ("stop", True)
    assert [(one.kind, one.interval_seconds, one.timeout_seconds) for one in fly.checks] == [
        ("http", 15.0, 5.0),
        ("http", 45.0, 10.0),
        ("tcp", 30.0, 3.0),
    ]
    assert [(one.cpu_kind, one.cpus, one.memory_mb) for one in fly.vms] == [("shared", 2, 2048)]
    assert [(one.source, one.destination) for one in fly.mounts] == [("paintbox_logs", "/data")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(
            "[http_service]\nmax_machines_running = 6",
            "fly.toml:2 [http_service] max_machines_running is ignored: the ceiling is how many machines exist",
            id="no-maximum",
        ),
        pytest.param(
            "\n[autoscaling]\nmin_count = 2", "fly.toml:2 autoscaling is ignored: the ceiling", id="autoscaling"
        ),
        pytest.param(
            '[[http_service.checks]]\ntype = "tcp"',
            "fly.toml:2 [http_service.checks[0]] type is ignored",
            id="tcp-there",
        ),
        pytest.param(
            '[env]\nA = "1"\nkill_signal = "SIGINT"', "fly.toml:3 [env] kill_signal is one of", id="swallowed"
        ),
        pytest.param(
            '[http_service]\nkill_signal = "SIGINT"',
            "fly.toml:2 [http_service] kill_signal is ignored: it belongs above the first [table]",
            id="misplaced",
        ),
        pytest.param(
            "[http_service]\nsoft_limit = 1", "is ignored: it belongs in [http_service.concurrency]", id="too-high"
        ),
        pytest.param(
            "[[vm]]\nmemmory = 1", "fly.toml:2 [vm[0]] memmory is ignored: did you mean 'memory'?", id="typo-in-vm"
        ),
        pytest.param('[[VM]]\nsize = "x"', "fly.toml:1 [VM] is ignored: write vm in lower case", id="case"),
        pytest.param(
            '[http_service]\ninternal_port = "8080"', "internal_port must be a whole number", id="text-for-number"
        ),
        pytest.param("[http_service.checks]\npath = '/'", "must be an array of tables", id="one-table"),
        pytest.param('[[http_service.checks]]\ninterval = "15"', 'must be a duration such as "15s"', id="no-unit"),
        pytest.param(
            "[[http_service.checks]]\ninterval = 15", "is 15 nanoseconds: write it with a unit", id="nanoseconds"
        ),
        pytest.param("[deploy]\nwait_timeout = 300", "[deploy] wait_timeout is 300 nanoseconds", id="deploy-timeout"),
        pytest.param("[http_service]\nauto_stop_machines = 'yes'", 'must be "off", "stop" or "suspend"', id="autostop"),
        pytest.param("[experimental]\nauto_rollback = true", "a failed deploy is not rolled back", id="auto-rollback"),
        pytest.param("[[restart]]\nmax_retries = 3", "is ignored: the key is `retries`", id="retries"),
        pytest.param(
            "[build]\ndockerfile = 5", "fly.toml:2 [build] dockerfile must be a text in quotes", id="number-for-text"
        ),
    ],
)
def test_what_the_platform_does_not_heed_is_told_once(text: str, sentence: str) -> None:
    found = read(text).ignored

    assert len(found) == 1
    assert sentence in found[0]


def test_sentences_come_in_the_order_of_the_file() -> None:
    fly = read("zzz = 1\n[http_service]\nbbb = 1\naaa = 1\n[deploy]\nyyy = 1\n")

    assert [re.findall(r":(\d+) ", one) for one in fly.ignored] == [["1"], ["3"], ["4"], ["6"]]


def test_older_spellings_count_as_the_platform_rewrites_them() -> None:
    fly = read(
        '[[compute]]\nmemory = 1024\n[mount]\nsource = "d"\ndestination = "/data"\n[env]\nPORT = 8080\nON = true\n'
        '[services]\ninternal_port = "8080"\nconcurrency = "150,200"\n[services.tcp_checks]\n'
        'interval = 30000\ntimeout = "3s"\n'
    )

    assert fly.ignored == ()
    assert fly.env == {"PORT": "8080", "ON": "true"}
    assert [one.memory_mb for one in fly.vms] == [1024]
    assert (fly.vms[0].where, fly.mounts[0].where) == ("fly.toml:1", "fly.toml:3")
    assert (fly.services[0].soft_limit, fly.services[0].hard_limit) == (150, 200)
    assert [(one.kind, one.port, one.interval_seconds) for one in fly.services[0].checks] == [("tcp", 8080, 30.0)]
    assert fly.where("services[0].tcp_checks[0].interval") == "fly.toml:13"


@pytest.mark.parametrize(
    ("vm", "expected"),
    [
        ('size = "shared-cpu-2x"', ("shared", 2, 512)),
        ("cpus = 2", ("shared", 2, 256)),  # the trap: memory stays at the preset's
        ('size = "performance-2x"\nmemory = "8gb"', ("performance", 2, 8192)),
        ('memory = "1gb"\nmemory_mb = 2048', ("shared", 1, 2048)),
        ('size = "huge"', (None, None, None)),
    ],
)
def test_a_size_is_what_the_machine_gets(vm: str, expected: tuple[str | None, int | None, int | None]) -> None:
    (found,) = read(f"[[vm]]\n{vm}").vms

    assert (found.cpu_kind, found.cpus, found.memory_mb) == expected


def test_durations_and_sizes_are_go_s() -> None:
    texts = ("15s", "1m30s", "1.5h", "500ms", "0", "-1s", "15", "s", "", "1s ", "1 s")
    sizes = ("2gb", "2048mb", "2048", "2GiB", "1.5gb", "lots", "")

    assert [duration_seconds(text) for text in texts] == [15, 90, 5400, 0.5, 0, -1, None, None, None, None, None]
    assert [size_mb(text) for text in sizes] == [2048, 2048, 2048, 2048, 1536, None, None]


def test_places_are_found_in_every_way_of_writing() -> None:
    lines = toml_lines(
        'a.b = 1\n"q.r" = """\nx = 1\n[fake]\n"""\n[t] # [no]\nlist = [\n  1, # ]\n  {k = "]", l = [2,\n3]},\n]\n'
        "[[s]]\nx = 1\n[[s]]\n[s.sub]\ny = '''\n]'''\n[[s.deep]]\nz = 1979-05-27\n"
    )

    assert lines == {
        "a": 1,
        "a.b": 1,
        '"q.r"': 2,
        "t": 6,
        "t.list": 7,
        "t.list[0]": 8,
        "t.list[1]": 9,
        "t.list[1].k": 9,
        "t.list[1].l": 9,
        "t.list[1].l[0]": 9,
        "t.list[1].l[1]": 10,
        "s": 12,
        "s[0]": 12,
        "s[0].x": 13,
        "s[1]": 14,
        "s[1].sub": 15,
        "s[1].sub.y": 16,
        "s[1].deep": 18,
        "s[1].deep[0]": 18,
        "s[1].deep[0].z": 19,
    }


def test_the_place_of_what_is_not_there_is_what_is_around_it() -> None:
    fly = read("\n[http_service]\ninternal_port = 1\n")

    assert fly.where("http_service.checks[1].interval") == "fly.toml:2"
    assert fly.where("mounts[0].source") == "fly.toml"
    assert fly.where() == "fly.toml"


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    fly = read("\ufeff" + HEALTHY.replace("\n", "\r\n"))

    assert fly == read(HEALTHY)
    assert fly.where("http_service") == read(HEALTHY).where("http_service")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = \n", "fly.toml:1 is not valid TOML"),
        ("a = 1\na = 2\n", "fly.toml:2 is not valid TOML"),
        ("a = 'x\0'", "fly.toml:1 is not valid TOML"),
        ("a = " + "9" * 5000, "is not valid TOML"),
        ("a = " + "[" * 20_000, "is nested too deeply"),
        ("a." * 20_000 + "a = 1", "fly.toml:1 has a key nested too deeply"),
        ('x = {"a".' + '"a".' * 20_000 + "a = 1}", "fly.toml:1 has a key nested too deeply"),
        ("#" * 50_000_000, "fly.toml has 50.0 MB"),
    ],
)
def test_what_is_no_fly_toml_gets_one_sentence(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(reason)):
        read(text)


def test_no_value_of_any_type_in_any_place_breaks_the_reading() -> None:
    values = ("5", "true", '"x"', "[1]", "{a = 1}", "1979-05-27", "inf", "nan", "[[1], [{b = 2}]]", "1e400", '""')
    lines = HEALTHY.split("\n")
    keys = [(number, line.partition("=")[0]) for number, line in enumerate(lines) if re.match(r"\s*\w+ =", line)]

    for number, key in keys:
        for value in values:
            fly = read("\n".join([*lines[:number], f"{key}= {value}", *lines[number + 1 :]]))
            assert isinstance(fly.checks, tuple)


def test_no_table_of_any_kind_in_any_place_breaks_the_reading() -> None:
    for name in (
        "env",
        "vm",
        "mounts",
        "http_service",
        "http_service.checks",
        "checks",
        "checks.tcp",
        "services",
        "build",
    ):
        for shape in (
            "{0} = 5",
            "{0} = [5]",
            "{0} = [[{{}}]]",
            "[{0}]",
            "[[{0}]]",
            "[[{0}.x]]",
            "[[{0}]]\n[[{0}]]\nx = 1",
        ):
            fly = read(shape.format(name))
            assert isinstance(fly.ignored, tuple)
