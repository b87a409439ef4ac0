"""What checks ask of the source besides single values: health checks, sizes, ports, who sets what."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.dockerfile import Dockerfile
from fixtures.fly_toml import FlyToml
from fixtures.looks import Unreadable
from fixtures.package import Lock, Package
from fixtures.runtime import Runtime

HTTP = "[http_service]\ninternal_port = 8080\n"
SIMPLE = '[[http_service.checks]]\npath = "/simple"\ninterval = "15s"\ntimeout = "5s"\n'
STRAY = '[[http_service.checks]]\ntype = "tcp"\ninterval = "30s"\ntimeout = "3s"\n'
TCP = '[checks.tcp]\ntype = "tcp"\ninterval = "30s"\ntimeout = "3s"\n'


def file(text: str) -> dict[str, Any]:
    return {"file": "fly.toml", "text": text}


def test_a_check_is_found_by_its_path_and_told() -> None:
    found = FlyToml.health_checks(file(HTTP + SIMPLE))

    assert [one.told for one in found.of("/simple")] == ["fly.toml:3 asks GET /simple every 15 s, timeout 5 s"]
    assert found.of("/simple")[0].asks("GET", 15, 5)
    assert not found.of("/simple")[0].asks("GET", 15, 6)
    assert [one.told for one in found.of("/deep")] == ["fly.toml asks for no check of /deep"]
    assert not found.of("/deep")[0].asks("GET", 15, 5)


def test_a_check_with_something_ignored_is_like_none() -> None:
    found = FlyToml.health_checks(file(HTTP + SIMPLE + 'intervall = "15s"\n'))

    assert not found.of("/simple")[0].asks("GET", 15, 5)
    assert "[http_service.checks[0]] intervall is ignored" in found.of("/simple")[0].told


def test_a_tcp_check_is_one_that_connects() -> None:
    found = FlyToml.health_checks(file(HTTP + SIMPLE + TCP)).tcp("/simple")

    assert [one.told for one in found] == ["fly.toml:7 connects to port 8080 every 30 s, timeout 3 s"]
    assert found[0].connects(8080, 30, 3)
    assert not found[0].connects(8081, 30, 3)


def test_a_type_among_http_checks_is_told_where_the_tcp_check_is_looked_for() -> None:
    found = FlyToml.health_checks(file(HTTP + SIMPLE + STRAY)).tcp("/simple")

    assert len(found) == 1
    assert found[0].told.startswith("fly.toml:8 [http_service.checks[1]] type is ignored")
    assert not found[0].connects(8080, 30, 3)


def test_what_health_checks_tell_is_left_out_of_all_that_is_misunderstood() -> None:
    told = FlyToml.misunderstood(file("color = 1\n" + HTTP + SIMPLE + STRAY))

    assert [sentence.split(" is ")[0] for sentence in told] == ["fly.toml:1 color"]


@pytest.mark.parametrize("text", ["[env", "", "# nothing but words\n"])
def test_a_file_that_asks_for_nothing_is_one_misunderstanding(text: str) -> None:
    assert len(FlyToml.misunderstood(file(text))) == 1
    with pytest.raises(Unreadable):
        FlyToml.parse(file(text))


def test_without_any_check_or_service_there_is_nothing_to_judge() -> None:
    with pytest.raises(Unreadable, match=r"fly\.toml asks for no health check"):
        FlyToml.health_checks(file(HTTP))
    with pytest.raises(Unreadable, match=r"fly\.toml has no \[http_service\]"):
        FlyToml.every_service(file('app = "x"\n'))


def test_every_service_has_its_port_and_without_one_there_is_none() -> None:
    both = FlyToml.parse(file(HTTP + "[[services]]\ninternal_port = 9090\n"))

    assert both.internal_ports == {"fly.toml:2": 8080, "fly.toml:4": 9090}
    assert FlyToml.parse(file('app = "x"\n')).internal_ports == {"fly.toml": None}


@pytest.mark.parametrize(
    ("vm", "told"),
    [
        ('[[vm]]\nsize = "shared-cpu-2x"\nmemory = "1gb"\n', "2 shared CPUs and 1024 MB"),
        ("[[vm]]\n", "1 shared CPU and 256 MB"),
        ('[[vm]]\nsize = "huge"\n', "no size"),
        ('app = "x"\n', "no size"),
    ],
)
def test_a_size_is_told(vm: str, told: str) -> None:
    assert [size.told for size in FlyToml.parse(file(vm)).sizes] == [told]


def runtime(env: str, command: str = '["node", "server.js"]') -> Runtime:
    image = f"FROM node:20-alpine3.22\nENV PORT=8080\nCMD {command}\n"
    dockerfile = Dockerfile.parse({"file": "Dockerfile", "text": image})
    return Runtime.of(FlyToml.parse(file(f"[env]\n{env}\n")), dockerfile, {})


def test_who_sets_a_variable_is_told() -> None:
    given = runtime('NODE_ENV = "test"')

    assert (given.value("NODE_ENV"), given.told("NODE_ENV")) == ("test", "fly.toml:2 sets NODE_ENV=test")
    assert given.told("PORT") == "Dockerfile:2 sets PORT=8080"
    assert (given.value("X"), given.told("X")) == (None, "neither fly.toml nor the image sets X")


def test_who_caps_the_heap_and_what_starts_is_told() -> None:
    capped = runtime('NODE_OPTIONS = "--max-old-space-size=1536"')

    assert capped.told_heap == "fly.toml:2 caps the heap with --max-old-space-size=1536 (NODE_OPTIONS)"
    assert capped.told_start == "Dockerfile:3 starts `node server.js`"
    assert runtime('X = "1"').told_heap == "nobody caps the heap: neither fly.toml nor the image sets NODE_OPTIONS"


def test_a_dependency_is_asked_for_or_not() -> None:
    package = Package.parse({"file": "package.json", "text": '{\n"dependencies": {\n"next": "^15.0.0"\n}}'})

    assert (package.asked("next").where, package.asked("next").exact) == ("package.json:3", False)
    assert (package.asked("vue").where, package.asked("vue").asked, package.asked("vue").exact) == (
        "package.json:2",
        "",
        False,
    )
    assert len(Package.problems({"file": "package.json", "text": "{"})) == 1
    assert Package.problems({"file": "package.json", "text": "{}"}) == ()


@pytest.mark.parametrize(("name", "told"), [(None, "there is no lock file"), ("yarn.lock", "there is only yarn.lock")])
def test_without_a_lock_file_of_npm_there_is_nothing_to_judge(name: str | None, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        Lock.parse({"file": name, "lockfile_version": None, "asked": {}, "versions": {}, "count": 0, "others": []})
