"""The platform's metrics: asked as its documentation says, and nothing that a server may answer looks like health."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from answered import exchange
from hostile_server import BEHAVIOURS, REPLIES, HostileServer, answer, document
from worlds import LooseWorld

import fixtures.platform_metrics
from fixtures.looks import CouldNotLook, Unreadable, Unseen
from fixtures.platform_metrics import MemoryKills, ServerErrors, authorization, queries
from fixtures.target import TargetError, load_target
from fixtures.twin import Twin
from fixtures.twin.faults import inject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fixtures.looks import Json, Observation

assert fixtures.platform_metrics.platform_metrics  # the look is declared

CANARY = "FlyV1 fm2_canary-of-the-metrics"
OWN = "FlyV1 twin-token"
PATH = "prometheus/personal/api/v1/query"


def asking(folder: Path, base_url: str, token: str, values: dict[str, Json] | None = None) -> LooseWorld:
    """A world whose platform has its metrics there."""
    target = load_target("twin").with_values({"platform_metrics.base_url": base_url, **(values or {})}, "this test")
    return LooseWorld(folder, target=target, environment={"FLY_API_TOKEN": token})


@pytest.fixture
def seen(tmp_path: Path) -> Callable[..., Observation]:
    """Look at the twin's metrics, with faults."""

    def look(*faults: str, token: str = OWN) -> Observation:
        with Twin(faults=faults) as twin, asking(tmp_path, f"{twin.api_url}/prometheus", token) as world:
            return world.look("platform_metrics")

    return look


def test_the_questions_are_those_of_the_documentation() -> None:
    assert queries(load_target("production")) == {
        "errors": 'sum by (status) (increase(fly_edge_http_responses_count{app="paintbox",status=~"5.."}[1h]))',
        "traffic": 'sum(increase(fly_edge_http_responses_count{app="paintbox"}[1h]))',
        "kills": 'max_over_time(fly_instance_exit_oom{app="paintbox"}[24h]) > 0',
        "machines": 'count(max_over_time(fly_instance_up{app="paintbox"}[24h]))',
        "memory": '100 * (1 - fly_instance_memory_mem_available{app="paintbox"}'
        ' / fly_instance_memory_mem_total{app="paintbox"})',
    }


def test_what_a_target_does_not_expect_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "little.toml"
    file.write_text('extends = "twin"\nunset = ["errors", "memory.kill_window_hours"]\n', encoding="utf-8")

    assert set(queries(load_target(str(file)))) == {"memory"}


@pytest.mark.parametrize(
    ("environment", "header"),
    [
        ({"FLY_API_TOKEN": "FlyV1 fm2_a,fm2_b"}, "FlyV1 fm2_a,fm2_b"),
        ({"FLY_API_TOKEN": "fm2_a"}, "FlyV1 fm2_a"),
        ({"FLY_API_TOKEN": "fm1r_a"}, "FlyV1 fm1r_a"),
        ({"FLY_API_TOKEN": " opaque\n"}, "Bearer opaque"),
        ({"FLY_ACCESS_TOKEN": "one", "FLY_API_TOKEN": "two"}, "Bearer one"),
        ({"FLY_ACCESS_TOKEN": "", "FLY_API_TOKEN": "two"}, "Bearer two"),
    ],
)
def test_a_token_is_sent_under_its_own_scheme(tmp_path: Path, environment: dict[str, str], header: str) -> None:
    assert authorization(LooseWorld(tmp_path, environment=environment)) == header


@pytest.mark.parametrize("environment", [{}, {"FLY_ACCESS_TOKEN": "", "FLY_API_TOKEN": "  "}])
def test_without_a_token_the_way_to_one_is_told(tmp_path: Path, environment: dict[str, str]) -> None:
    with pytest.raises(Unseen, match="`fly tokens create readonly personal` makes one that suffices"):
        authorization(LooseWorld(tmp_path, environment=environment))


def test_a_healthy_app_has_no_errors_and_no_kills(seen: Callable[..., Observation]) -> None:
    metrics = seen()

    assert metrics.read(ServerErrors.parse) == ServerErrors({}, 4611)
    assert metrics.read(MemoryKills.parse).machines == ()
    assert metrics.summary == "5 of 5 queries answered"


def test_errors_and_kills_are_counted(seen: Callable[..., Observation]) -> None:
    errors = seen("server-errors").read(ServerErrors.parse)
    kills = seen("oom-kill").read(MemoryKills.parse)

    assert errors.told == "the edge counted 17 of 500, 4 of 503 in 4632 answers"
    assert [len(machine) for machine in kills.machines] == [14]


def test_a_kill_before_the_window_is_past(tmp_path: Path) -> None:
    with Twin() as twin:
        inject(twin.state, "oom-kill")
        base = f"{twin.api_url}/prometheus"
        with asking(tmp_path, base, OWN, {"memory.kill_window_hours": 19}) as world:
            assert world.look("platform_metrics").read(MemoryKills.parse).machines == ()


@pytest.mark.parametrize("parse", [ServerErrors.parse, MemoryKills.parse], ids=["errors", "kills"])
def test_nothing_known_is_never_zero(seen: Callable[..., Observation], parse: Callable[[Any], object]) -> None:
    with pytest.raises(CouldNotLook, match="of paintbox in personal: that is not zero, it is nothing known"):
        seen("platform-metrics-missing").read(parse)


def test_errors_are_told_even_without_their_witness() -> None:
    errors = vector({"status": "500"}, "2")

    assert ServerErrors.parse(value(errors=errors, traffic=vector())).counts == {"500": 2.0}


@pytest.mark.parametrize(
    ("token", "words"),
    [("FlyV1 wrong-canary-token", "does not know the token (401)"), ("line\nbreak-canary", "was not asked: a header")],
)
def test_a_refused_token_is_told_and_never_shown(seen: Callable[..., Observation], token: str, words: str) -> None:
    metrics = seen(token=token)

    with pytest.raises(CouldNotLook) as told:
        metrics.read(ServerErrors.parse)
    assert words in str(told.value)
    assert "canary" not in json.dumps(metrics.value) + metrics.asked + str(told.value)
    assert "Authorization: …" in metrics.asked


def test_an_app_that_the_token_cannot_see_has_no_metrics(seen: Callable[..., Observation]) -> None:
    with pytest.raises(CouldNotLook, match="knows no such organization"):
        seen("app-not-visible").read(ServerErrors.parse)


def vector(*samples: object) -> str:
    """A body with these labels and values in turn."""
    pairs = zip(samples[::2], samples[1::2], strict=True)
    result = [{"metric": labels, "value": [1795521600, number]} for labels, number in pairs]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


def value(**bodies: str) -> dict[str, Any]:
    """What the look keeps, with these bodies by query."""
    answers = {name: exchange(200, body) for name, body in bodies.items()}
    return {"app": "paintbox", "organization": "personal", "answers": answers}


STRANGE = {
    "other app": (vector({"app": "other"}, "1"), "answers for the app other"),
    "not a number": (vector({}, "NaN"), "gives NaN"),
    "infinite": (vector({}, "+Inf"), r"gives \+Inf"),
    "negative": (vector({}, "-3"), "gives -3"),
    "number without quotes": (vector({}, 3), "gives 3"),
    "words": (vector({}, "many"), "a sample that is none"),
    "no labels": (vector(None, "3"), "a sample that is none"),
    "matrix": (vector().replace("vector", "matrix"), "with matrix, not with a vector"),
    "scalar": ('{"status":"success","data":{"resultType":"scalar","result":[1,"0"]}}', "not with a vector"),
    "result is no list": ('{"status":"success","data":{"resultType":"vector","result":{}}}', "not with a vector"),
    "no data": ('{"status":"success"}', "not with a vector"),
    "part of the data": (vector().replace('{"status"', '{"isPartial":true,"status"'), "has a part of the data only"),
    "error": (
        '{"status":"error","errorType":"bad_data","error":"parse error"}',
        "refuses the query .200.: parse error",
    ),
    "list": ("[]", "JSON that is no answer to a query"),
    "null": ("null", "JSON that is no answer to a query"),
    "status twice": ('{"status":"success","status":"error"}', "the key status twice"),
    "cut": (vector()[:-5], "is not JSON"),
    "empty": ("", "is not JSON"),
}


@pytest.mark.parametrize("query", ["errors", "traffic", "kills", "machines"])
@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_answer_to_any_query_is_not_judged(name: str, query: str) -> None:
    body, words = STRANGE[name]
    good = {"errors": vector(), "traffic": vector({}, "9"), "kills": vector(), "machines": vector({}, "3")}
    parse: Callable[[Any], object] = ServerErrors.parse if query in ("errors", "traffic") else MemoryKills.parse

    parse(value(**good))
    with pytest.raises(Unreadable, match=words):
        parse(value(**good | {query: body}))


@pytest.mark.parametrize("labels", [{}, {"status": "200"}, {"status": "5xx"}])
def test_what_is_no_5xx_is_not_counted_as_one(labels: dict[str, str]) -> None:
    with pytest.raises(Unreadable, match="answer a question for 5xx with"):
        ServerErrors.parse(value(errors=vector(labels, "1"), traffic=vector({}, "9")))


SERVED: dict[str, tuple[bytes, str]] = {
    "401": (answer(status="401 Unauthorized"), "does not know the token"),
    "403": (answer(b'{"error":"unauthorized"}', status="403 Forbidden"), "does not let the token read"),
    "404": (answer(status="404 Not Found"), "knows no such organization"),
    "422": (
        answer(b'{"status":"error","error":"missing query"}', status="422 Unprocessable Entity"),
        r"refuses the query \(422\): missing query",
    ),
    "500": (answer(status="500 Internal Server Error"), "answers 500"),
    "302": (answer(b"", "Location: https://elsewhere.example/", status="302 Found"), "is not JSON"),
    "html": (REPLIES["html"](), "is not JSON"),
    "cut-json": (REPLIES["cut-json"](), "is not JSON"),
    "nan": (REPLIES["nan"](), "is not strict JSON"),
    "deep-json": (REPLIES["deep-json"](), "is not strict JSON"),
    "too large": (document(b" " * 2_000_000), "sends more than 1048576 bytes"),
    "limited": (REPLIES["limited-for-ever"](), "limits requests|rate|429"),
}


@pytest.fixture
def server() -> Iterator[HostileServer]:
    """A server that misbehaves on demand."""
    with HostileServer() as running:
        yield running


def hostile(server: HostileServer, tmp_path: Path) -> Observation:
    base = server.url("prometheus")
    with asking(tmp_path, base, CANARY, {"requests.timeout_seconds": 0.4, "requests.retries": 0}) as world:
        return world.look("platform_metrics")


@pytest.mark.parametrize("name", SERVED)
def test_a_hostile_server_blinds_and_never_fails_or_passes(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    reply, words = SERVED[name]
    monkeypatch.setitem(REPLIES, PATH, lambda: reply)
    metrics = hostile(server, tmp_path)

    for parse in (ServerErrors.parse, MemoryKills.parse):
        with pytest.raises(CouldNotLook, match=words):
            metrics.read(parse)
    assert "canary" not in json.dumps(metrics.value) + metrics.asked + str(metrics.error)


@pytest.mark.parametrize("name", ["silent", "endless-body", "slow-body", "reset"])
def test_a_server_that_never_ends_is_left_at_the_deadline(
    server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(BEHAVIOURS, PATH, BEHAVIOURS[name])
    metrics = hostile(server, tmp_path)

    assert metrics.error is not None
    assert metrics.error.startswith(f"http://127.0.0.1:{server.port}")
    assert server.hits["requests"] == len(queries(load_target("production")))


def test_a_token_goes_to_an_encrypted_host_or_stays_here() -> None:
    target = load_target("production")

    for good in ("https://metrics.example/prometheus", "http://127.0.0.1:9090", "http://127.0.0.1:9090/prometheus"):
        assert target.with_values({"platform_metrics.base_url": good}, "this test")
    for bad in ("http://metrics.example", "http://127.0.0.1.example", "https://u:p@host", "https://host/?q", "ftp://x"):
        with pytest.raises(TargetError, match="base_url cannot be"):
            target.with_values({"platform_metrics.base_url": bad}, "this test")


def test_a_target_without_such_a_server_says_so(tmp_path: Path) -> None:
    file = tmp_path / "little.toml"
    file.write_text('extends = "twin"\nunset = ["platform_metrics"]\n', encoding="utf-8")
    with LooseWorld(tmp_path, target=load_target(str(file)), environment={"FLY_API_TOKEN": "x"}) as world:
        assert "set [platform_metrics] base_url" in (world.look("platform_metrics").error or "")
