"""Each fault makes exactly what it says wrong: seen through the APIs, the app and the edge, without sockets."""

from __future__ import annotations

import json
import shlex
import urllib.parse
from typing import TYPE_CHECKING, Any

import pytest

from fixtures.twin import api, graphql, world
from fixtures.twin.edge import Edge
from fixtures.twin.faults import FAULTS, UnknownFault, inject
from fixtures.twin.http_server import Answer, Request
from fixtures.twin.light_app import LightApp
from fixtures.twin.light_content import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixtures.twin.state import State


class Asking:
    """Ask a world as clients do."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.edge = Edge(state, LightApp(state))

    def answer(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """What the edge answers."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.edge.secure(Request(method, path, names, b"", "HTTP/1.1", "127.0.0.1"))
        assert answer is not None
        return answer

    def status(self, path: str, method: str = "GET", **headers: str) -> int:
        """The status of an answer."""
        return self.answer(path, method, **headers).status

    def header(self, path: str, name: str, method: str = "GET", **headers: str) -> str | None:
        """One header of an answer."""
        told = {key.lower(): value for key, value in self.answer(path, method, **headers).headers}
        return told.get(name)

    def body(self, path: str, **headers: str) -> Any:  # noqa: ANN401 - any JSON
        """The JSON of an answer."""
        return json.loads(self.answer(path, **headers).body)

    def platform(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        """What an API of the platform answers."""
        request = Request("GET", path, {"authorization": "Bearer twin-token"}, b"", "HTTP/1.1", "127.0.0.1")
        return json.loads(api.answer(self.state, request).body)

    def machines(self, *path: str | int) -> list[Any]:
        """One value of each machine, the last machine last."""
        told = self.platform("/v1/apps/paintbox/machines")
        for step in path:
            told = [each[step] for each in told]
        return list(told)

    def history(self, place: int, kind: str) -> list[Any]:
        """The events of one kind of the machine at that place, of the twenty newest."""
        told = self.platform(f"/v1/apps/paintbox/machines/{self.state.machines[place].id}/events")
        return [each for each in told if each["type"] == kind]

    def metric(self, query: str) -> list[float]:
        """The values that a query of the platform's metrics gives."""
        told = self.platform(f"/prometheus/personal/api/v1/query?{urllib.parse.urlencode({'query': query})}")
        return [float(each["value"][1]) for each in told["data"]["result"]]

    def uptime_minutes(self, place: int) -> int:
        """How long the process of the machine at that place says that it runs."""
        text = self.answer("/metrics", fly_force_instance_id=self.state.machines[place].id).body.decode()
        return round(float(text.partition("\npaintbox_uptime_seconds ")[2].split()[0]) / 60)

    def since_start_minutes(self, place: int) -> int:
        """How long ago the platform says that this machine was started."""
        started: float = self.history(place, "start")[0]["timestamp"] / 1000
        return int((self.state.now().timestamp() - started + 30) // 60)

    def logs(self, word: str) -> int:
        """How many lines of the log buffer hold a word."""
        return sum(
            word in each["attributes"]["message"] for each in self.platform("/api/v1/apps/paintbox/logs")["data"]
        )

    def given(self, name: str) -> str:
        """What a variable of the last machine's app is set to."""
        script = f"cat /proc/651/environ | tr '\\0' '\\n' | grep '^{name}='"
        return str(self.inside(f"sh -c {shlex.quote(script)}")["stdout"]).strip().partition("=")[2]

    def platform_status(self, method: str, path: str) -> int:
        """The status that an API of the platform answers with."""
        headers = {"authorization": "Bearer twin-token", "content-type": "application/json"}
        return api.answer(self.state, Request(method, path, headers, b'{"cmd":"true"}', "HTTP/1.1", "127.0.0.1")).status

    def inside(self, command: str) -> Any:  # noqa: ANN401 - any JSON
        """What a command finds in the last machine."""
        from fixtures.twin import guest  # noqa: PLC0415 - one question of many

        return guest.run(self.state, self.state.machines[-1], command)


JWKS, JWKS_API = "/.well-known/jwks.json", "/api/.well-known/jwks.json"
ERRORS = 'sum(increase(fly_edge_http_responses_count{app="paintbox",status=~"5.."}[1h]))'
OOM = 'max_over_time(fly_instance_exit_oom{app="paintbox"}[1d]) > 0'
USED = '100 * (1 - fly_instance_memory_mem_available{app="paintbox"} / fly_instance_memory_mem_total{app="paintbox"})'
RUN = (("GET", ""), ("POST", "/exec"))
FOREIGN = {"origin": "https://foreign.example"}


def crashes(asking: Asking) -> list[int]:
    """Crashes among the newest events of each machine."""
    found = []
    for events in asking.machines("events"):
        ends = [each["request"]["exit_event"] for each in events if "exit_event" in each.get("request", {})]
        found.append(sum(not each["requested_stop"] for each in ends))
    return found


def snapshot_ages(asking: Asking) -> list[int]:
    """Age of each volume's newest snapshot in days; -1 without one."""
    return [
        min(((asking.state.now() - each.created_at).days for each in volume.snapshots), default=-1)
        for volume in asking.state.volumes
    ]


def plain(asking: Asking) -> int | None:
    answer = asking.edge.plain(Request("GET", "/", {"host": "paintbox.fly.dev"}, b"", "HTTP/1.1", "127.0.0.1"))
    return answer.status if answer else None


def source_and_key(asking: Asking) -> tuple[str | None, str]:
    return asking.header(JWKS, "x-jwks-source"), asking.body(JWKS)["keys"][0]["kid"]


def burst(asking: Asking) -> list[int]:
    return [asking.status(JWKS_API) for _ in range(33)]


def compact(asking: Asking) -> Any:  # noqa: ANN401 - any JSON
    """The app as GraphQL tells `fly status` of it."""
    question = {"query": "{ appcompact:app }", "variables": {"appName": "paintbox"}}
    return graphql.answer(asking.state, question)[1]["data"]["appcompact"]


def by_name(asking: Asking) -> dict[str, str]:
    """The header that asks for the last machine."""
    return {"fly_force_instance_id": asking.state.machines[-1].id}


def released(asking: Asking) -> list[bool]:
    """Whether each machine was given the image of a release."""
    known = {release.image.reference for release in asking.state.releases}
    return [image in known for image in asking.machines("config", "image")]


# fault: (what is looked at, what it is in a healthy world, what the fault makes of it)
SEEN: dict[str, tuple[Callable[[Asking], Any], Any, Any]] = {
    "machine-stopped": (lambda a: a.machines("state"), ["started"] * 3, ["started", "started", "stopped"]),
    "machine-asleep": (lambda a: a.state.machines[-1].events[1].source, "user", "proxy"),
    "too-many-asleep": (lambda a: a.machines("state"), ["started"] * 3, ["started", "stopped", "stopped"]),
    "machine-crashed": (crashes, [0, 0, 0], [0, 0, 2]),
    "machine-cordoned": (lambda a: a.machines("cordoned"), [False] * 3, [False, False, True]),
    "machine-too-small": (lambda a: a.machines("config", "guest", "memory_mb"), [2048] * 3, [2048, 2048, 1024]),
    "machine-wrong-cpus": (lambda a: a.machines("config", "guest", "cpu_kind")[-1], "shared", "performance"),
    "machine-other-image": (lambda a: len(set(a.machines("image_ref", "digest"))), 1, 2),
    "image-not-released": (released, [True] * 3, [False] * 3),
    "image-not-labelled": (
        lambda a: (a.state.releases[0].image.tag.endswith(world.digest("tag 43")[:16].upper()), released(a)),
        (True, [True] * 3),
        (False, [True] * 3),
    ),
    "machine-ill": (
        lambda a: [a.status("/api/health", fly_force_instance_id=each) for each in a.machines("id")],
        [200, 200, 200],
        [200, 200, 503],
    ),
    "machine-host-down": (lambda a: a.machines("host_status")[-1], "ok", "unreachable"),
    "no-machine-running": (lambda a: a.status("/"), 200, 503),
    "too-few-machines": (lambda a: len(a.machines()), 3, 1),
    "too-many-machines": (lambda a: len(a.machines()), 3, 8),
    "check-failing": (lambda a: a.machines("checks", 1, "status"), ["passing"] * 3, ["passing", "passing", "critical"]),
    "tcp-check-failing": (
        lambda a: a.machines("checks", 2, "status"),
        ["passing"] * 3,
        ["passing", "passing", "critical"],
    ),
    "restart-loop": (lambda a: len(a.history(-1, "restart")), 0, 4),
    "oom-kill": (lambda a: (a.metric(OOM), len(a.history(-1, "restart"))), ([], 0), ([1.0], 1)),
    "oom-kill-recent": (
        lambda a: (a.metric(OOM), [e["request"]["exit_event"]["oom_killed"] for e in a.history(-1, "exit")]),
        ([], [False]),
        ([], [True, False]),
    ),
    "process-restarts": (lambda a: a.uptime_minutes(-1) < a.since_start_minutes(-1), False, True),
    "high-memory": (lambda a: a.metric(USED), [12.0] * 3, [12.0, 12.0, 92.5]),
    "drift-env": (lambda a: a.machines("config", "env", "POOL_MAX"), ["10"] * 3, ["10", "10", "50"]),
    "drift-concurrency": (
        lambda a: a.machines("config", "services", 0, "concurrency", "hard_limit"),
        [200] * 3,
        [200, 200, 500],
    ),
    "drift-autostop": (lambda a: a.machines("config", "services", 0, "autostop"), [True] * 3, [True, True, False]),
    "drift-checks": (
        lambda a: a.machines("config", "services", 0, "checks", 0, "interval"),
        ["15s"] * 3,
        ["15s", "15s", "1m0s"],
    ),
    "drift-deep-check": (
        lambda a: a.machines("config", "services", 0, "checks", 1, "interval"),
        ["45s"] * 3,
        ["45s", "45s", "5m0s"],
    ),
    "drift-tcp-check": (lambda a: a.machines("config", "checks", "tcp", "timeout"), ["3s"] * 3, ["3s", "3s", "30s"]),
    "drift-floor": (lambda a: a.machines("config", "services", 0, "min_machines_running"), [2] * 3, [2, 2, 0]),
    "drift-force-https": (
        lambda a: ["force_https" in port for port in a.machines("config", "services", 0, "ports", 0)],
        [True] * 3,
        [True, True, False],
    ),
    "no-health-checks": (lambda a: sum(map(len, a.machines("checks"))), 9, 0),
    "not-authenticated": (lambda a: a.platform("/v1/apps/paintbox").get("error"), None, "unauthorized"),
    "app-not-visible": (lambda a: a.platform("/v1/apps/paintbox").get("error"), None, "app not found: paintbox"),
    "app-suspended": (lambda a: compact(a)["status"], "deployed", "suspended"),
    "host-moved": (lambda a: compact(a)["hostname"], "paintbox.fly.dev", "paintbox-2.fly.dev"),
    "no-public-ipv6": (lambda a: [ip.kind for ip in a.state.ips], ["shared_v4", "v6"], ["shared_v4", "private_v6"]),
    "no-public-ipv4": (lambda a: [ip.kind for ip in a.state.ips], ["shared_v4", "v6"], ["v6"]),
    "secret-staged": (
        lambda a: sum(each.updated_at > a.state.releases[0].created_at for each in a.state.secrets),
        0,
        1,
    ),
    "secret-missing": (lambda a: len(a.platform("/v1/apps/paintbox/secrets")["secrets"]), 2, 1),
    "release-half-done": (
        lambda a: (a.state.releases[0].status, len(set(a.machines("image_ref", "digest")))),
        ("complete", 1),
        ("running", 2),
    ),
    "release-failed": (lambda a: a.state.releases[0].status, "complete", "failed"),
    "next-release-sick": (lambda a: a.state.next_release_sick, False, True),
    "release-first": (lambda a: len(a.state.releases), 3, 1),
    "image-old": (lambda a: (a.state.now() - a.state.releases[0].created_at).days, 0, 90),
    "volume-missing": (lambda a: len(a.platform("/v1/apps/paintbox/volumes")), 3, 2),
    "snapshots-missing": (snapshot_ages, [0, 0, 0], [0, 0, -1]),
    "snapshots-old": (snapshot_ages, [0, 0, 0], [0, 0, 6]),
    "certificate-expired": (lambda a: a.state.edge.certificate, "valid", "expired"),
    "certificate-expires-soon": (lambda a: a.state.edge.certificate, "valid", "soon"),
    "certificate-wrong-host": (lambda a: a.state.edge.certificate, "valid", "wrong-host"),
    "certificate-untrusted": (lambda a: a.state.edge.certificate, "valid", "untrusted"),
    "domain-not-issued": (
        lambda a: a.platform("/v1/apps/paintbox/certificates")["certificates"][0]["status"],
        "active",
        "pending_validation",
    ),
    "domain-expires-soon": (lambda a: (a.state.certificates[0].expires_at - a.state.now()).days > 30, True, False),
    "tls-old": (lambda a: a.state.edge.minimum_tls, "1.2", "1.0"),
    "no-redirect": (plain, 301, 200),
    "redirect-temporary": (plain, 301, 302),
    "redirect-loses-path": (lambda a: a.state.edge.redirect_path, "", "/"),
    "not-behind-fly": (lambda a: a.header("/", "fly-request-id") is None, False, True),
    "health-shadowed": (
        lambda a: [a.answer("/api/simple-health", **named).body == b"OK" for named in ({}, by_name(a))],
        [False, False],
        [True, False],
    ),
    "edge-flaky": (
        lambda a: [a.status("/api/simple-health") for _ in range(3)],
        [200, 200, 200],
        [200, 200, 502],
    ),
    "logs-errors": (lambda a: a.logs('"error"'), 0, 5),
    "logs-slow": (lambda a: a.logs("slow"), 0, 1),
    "logs-5xx": (lambda a: a.logs(" 503 "), 0, 1),
    "logs-empty": (lambda a: a.logs("health"), 30, 0),
    "server-errors": (lambda a: a.metric(ERRORS), [], [21.0]),
    "platform-metrics-missing": (lambda a: len(a.metric(USED)), 3, 0),
    "server-as-root": (lambda a: "1001" in a.inside("cat /proc/651/status")["stdout"], True, False),
    "server-other-port": (lambda a: ":0BB8 " in a.inside("cat /proc/net/tcp")["stdout"], False, True),
    "process-environment-other": (lambda a: a.given("NODE_ENV"), "production", "development"),
    "process-heap-other": (
        lambda a: a.given("NODE_OPTIONS"),
        "--max-old-space-size=1536",
        "--max-old-space-size=4096",
    ),
    "volume-not-mounted": (lambda a: " /data " in a.inside("cat /proc/mounts")["stdout"], True, False),
    "volume-read-only": (lambda a: "/data ext4 rw," in a.inside("cat /proc/mounts")["stdout"], True, False),
    "data-not-writable": (lambda a: a.inside("su nextjs -s /bin/sh -c 'test -w /data'")["exit_code"], 0, 1),
    "log-file-old": (lambda a: a.inside("find /data -name '*.log' -mmin -60")["stdout"] != "", True, False),
    "log-file-missing": (lambda a: a.inside("find /data -name '*.log'")["stdout"] != "", True, False),
    "token-read-only": (
        lambda a: [
            a.platform_status(method, f"/v1/apps/paintbox/machines/{a.state.machines[0].id}{path}")
            for method, path in RUN
        ],
        [200, 200],
        [200, 403],
    ),
    "app-broken": (lambda a: (a.status("/"), a.status("/api/simple-health")), (200, 200), (500, 500)),
    "unknown-path-trips": (lambda a: [a.status("/api/none"), a.status("/none")], [404, 404], [500, 404]),
    "health-degraded": (lambda a: a.body("/api/health")["checks"]["storage"]["status"], "pass", "warn"),
    "health-unhealthy": (
        lambda a: (a.status("/api/health"), a.body("/api/health")["checks"]["jwks"]["status"]),
        (200, "pass"),
        (503, "fail"),
    ),
    "slow-simple-health": (lambda a: a.state.app.slow_seconds, {}, {"/api/simple-health": 6.0}),
    "slow-deep-health": (lambda a: a.state.app.slow_seconds, {}, {"/api/health": 11.0}),
    "cold-simple-health": (lambda a: a.state.app.warms_up, set(), {"/api/simple-health"}),
    "cold-deep-health": (lambda a: a.state.app.warms_up, set(), {"/api/health"}),
    "slow-page": (lambda a: a.state.app.slow_seconds, {}, {"/": 2.5}),
    "memory-grown": (lambda a: a.metric(USED), [12.0] * 3, [12.0, 12.0, 25.0]),
    "slower-page": (lambda a: a.state.app.slow_seconds, {}, {"/": 0.6}),
    "metrics-invalid": (lambda a: b"gouge" in a.answer("/metrics").body, False, True),
    "metrics-series-missing": (lambda a: b"paintbox_memory_rss_mb" in a.answer("/metrics").body, True, False),
    "header-missing": (
        lambda a: [a.header(path, "x-frame-options") for path in ("/", "/api/health")],
        ["SAMEORIGIN"] * 2,
        [None] * 2,
    ),
    "header-missing-on-404": (
        lambda a: [a.header(path, "x-frame-options") for path in ("/", "/nothing")],
        ["SAMEORIGIN"] * 2,
        ["SAMEORIGIN", None],
    ),
    "no-nosniff": (lambda a: a.header("/", "x-content-type-options"), "nosniff", None),
    "no-nosniff-on-assets": (
        lambda a: [a.header(path, "x-content-type-options") for path in ("/", SCRIPT)],
        ["nosniff"] * 2,
        ["nosniff", None],
    ),
    "no-xss-protection": (lambda a: a.header("/", "x-xss-protection"), "1; mode=block", None),
    "referrer-policy-weak": (
        lambda a: a.header("/", "referrer-policy"),
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ),
    "powered-by": (lambda a: a.header("/", "x-powered-by"), None, "Next.js"),
    "no-hsts": (lambda a: a.header("/", "strict-transport-security") is None, False, True),
    "hsts-short": (lambda a: a.header("/", "strict-transport-security") == "max-age=3600", False, True),
    "jwks-away": (lambda a: (a.status(JWKS), a.status(JWKS, "HEAD")), (200, 200), (503, 200)),
    "jwks-private": (lambda a: "d" in a.body(JWKS)["keys"][0], False, True),
    "jwks-symmetric": (lambda a: "oct" in [key["kty"] for key in a.body(JWKS)["keys"]], False, True),
    "jwks-slow": (lambda a: a.state.app.slow_seconds, {}, {JWKS_API: 2.5}),
    "jwks-key-unclear": (lambda a: a.body(JWKS)["keys"][0]["use"], "sig", "enc"),
    "jwks-key-broken": (lambda a: a.body(JWKS)["keys"][0]["e"], "AQAB", ""),
    "jwks-says-fallback": (source_and_key, ("aws", "paintbox-2026-03"), ("fallback", "paintbox-2026-03")),
    "jwks-disguised-fallback": (source_and_key, ("aws", "paintbox-2026-03"), ("aws", "paintbox-fallback")),
    "jwks-fallback": (lambda a: a.header(JWKS, "x-jwks-source"), "aws", "fallback"),
    "jwks-weak": (lambda a: len(a.body(JWKS)["keys"][0]["n"]) > 300, True, False),
    "jwks-duplicate-kid": (lambda a: len({key["kid"] for key in a.body(JWKS)["keys"]}), 2, 1),
    "jwks-empty": (lambda a: len(a.body(JWKS)["keys"]), 2, 0),
    "jwks-rewrite-differs": (lambda a: a.body(JWKS) == a.body(JWKS_API), True, False),
    "jwks-rewrite-fallback": (source_and_key, ("aws", "paintbox-2026-03"), ("fallback", "paintbox-fallback")),
    "jwks-rewrite-broken": (lambda a: (a.status(JWKS), a.status(JWKS_API)), (200, 200), (503, 200)),
    "jwks-content-type": (lambda a: a.header(JWKS, "content-type"), "application/json", "text/html; charset=utf-8"),
    "jwks-no-cache-control": (lambda a: a.header(JWKS, "cache-control"), "public, max-age=300", None),
    "jwks-cached-for-a-year": (
        lambda a: a.header(JWKS, "cache-control"),
        "public, max-age=300",
        "public, max-age=31536000",
    ),
    "post-accepted": (lambda a: a.status(JWKS_API, "POST"), 405, 200),
    "post-offered": (
        lambda a: a.header(JWKS_API, "allow", "OPTIONS"),
        "GET, HEAD, OPTIONS",
        "GET, HEAD, OPTIONS, POST",
    ),
    "no-compression": (lambda a: a.header("/", "content-encoding", accept_encoding="gzip"), "gzip", None),
    "no-etag": (lambda a: a.header("/", "etag") is None, False, True),
    "source-maps-served": (lambda a: a.status(f"{SCRIPT}.map"), 404, 200),
    "cors-wildcard-with-credentials": (
        lambda a: a.header("/api/health", "access-control-allow-credentials", **FOREIGN),
        None,
        "true",
    ),
    "cors-foreign-origin": (
        lambda a: a.header("/api/health", "access-control-allow-origin", **FOREIGN),
        None,
        "https://foreign.example",
    ),
    "cors-own-origin-refused": (
        lambda a: a.header("/api/health", "access-control-allow-origin", origin="https://paintbox.fly.dev"),
        "https://paintbox.fly.dev",
        None,
    ),
    "no-rate-limit": (lambda a: 429 in burst(a), True, False),
    "no-retry-after": (lambda a: (burst(a), a.header(JWKS_API, "retry-after") is None)[1], False, True),
}


def test_the_table_is_complete() -> None:
    assert set(SEEN) == set(FAULTS)


@pytest.mark.parametrize("name", SEEN)
def test_a_fault_does_what_it_says(name: str) -> None:
    look, healthy, wrong = SEEN[name]
    well, ill = world.healthy(), world.healthy()
    inject(ill, name)
    assert (look(Asking(well)), look(Asking(ill))) == (healthy, wrong)


def test_faults_combine() -> None:
    state = world.healthy()
    inject(state, "machine-too-small")
    inject(state, "no-hsts")
    asking = Asking(state)
    assert asking.machines("config", "guest", "memory_mb")[-1] == 1024
    assert asking.header("/", "strict-transport-security") is None


def test_an_unknown_fault_names_those_that_exist() -> None:
    with pytest.raises(UnknownFault, match=r"no fault 'nonsense'; it has: app-broken, .*volume-missing"):
        inject(world.healthy(), "nonsense")


def test_every_fault_is_one_sentence() -> None:
    wrong = [
        fault.name for fault in FAULTS.values() if not fault.sentence.endswith(".") or not fault.sentence[0].isupper()
    ]
    assert not wrong
