"""An audit that did not run is told from one that found nothing. The documents are npm 11's own, shortened."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from worlds import LooseWorld

from fixtures.audit import Audit, AuditRun, Blind, report
from fixtures.looks import CouldNotLook
from fixtures.twin.advisories import NEXT_RCE, Advisories
from fixtures.twin.checkout import APP

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fixtures.looks import Observation

VIA = {"source": 1, "name": "next", "title": "RCE", "url": "https://x.y/1", "severity": "critical", "range": "<15.4.8"}


def document(*entries: dict[str, Any], packages: int = 54, total: int | None = None, version: int = 2) -> str:
    return json.dumps(
        {
            "auditReportVersion": version,
            "vulnerabilities": {entry["name"]: entry for entry in entries},
            "metadata": {
                "vulnerabilities": {"total": len(entries) if total is None else total},
                "dependencies": {"total": packages},
            },
        }
    )


def entry(name: str, *via: object, severity: str = "critical", fix: object = False) -> dict[str, Any]:
    return {"name": name, "severity": severity, "via": list(via), "range": "*", "fixAvailable": fix}


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"error":{"code":"ENOLOCK","summary":"This command requires an existing lockfile."}}', "found no lock file"),
        (
            '{"message":"405 Method Not Allowed - POST x","statusCode":405,"error":{"summary":"","detail":""}}',
            "the registry refuses to audit (405 Method Not Allowed - POST x)",
        ),
        (
            '{"message":"request to x failed, reason: connect ECONNREFUSED","error":{"summary":"","detail":""}}',
            "the registry could not be asked (request to x failed",
        ),
        ('{"error":{"code":"EAUDITNOPJSON","summary":"no package.json"}}', "npm audit failed: EAUDITNOPJSON"),
        ("", "npm audit gave no report: what it printed is not JSON: it is empty"),
        ("<html>", "npm audit gave no report"),
        ("[]", "npm audit gave no report but '[]'"),
        ("{}", "of an unknown shape"),
        (document(version=1), "contradicts itself"),
        (document(packages=0), "contradicts itself, or is about no package"),
        (document(total=3), "contradicts itself"),
        (document(entry("next", VIA), total=0), "contradicts itself"),
    ],
)
def test_what_is_no_report_is_blind(output: str, words: str) -> None:
    with pytest.raises(Blind) as blind:
        report(output)

    assert words in str(blind.value)


def test_a_clean_report_has_no_finding() -> None:
    assert report(document()) == {"ran": True, "why": "", "packages": 54, "findings": []}


def test_findings_are_advisories_worst_first() -> None:
    low = VIA | {"severity": "low", "title": "leak", "range": "*"}
    fix = {"name": "next", "version": "15.5.29", "isSemVerMajor": True}
    value = report(document(entry("a", low, fix=True), entry("next", VIA, fix=fix), entry("b", "next")))
    audit = Audit.parse(value)

    assert audit.at_or_above("low") == [
        "next <15.4.8: critical, RCE (https://x.y/1); update next to 15.5.29, a breaking change",
        "a *: low, leak (https://x.y/1); `npm audit fix` repairs it",
    ]
    assert len(audit.at_or_above("high")) == 1


@pytest.fixture
def audited(tmp_path: Path) -> Callable[..., Observation]:
    """Audit the reference app at an endpoint."""

    def look(url: str, *, lock: bool = True) -> Observation:
        source = tmp_path / "app"
        source.mkdir()
        for name in ("package.json", *(["package-lock.json"] if lock else [])):
            shutil.copy(APP / name, source)
        with LooseWorld(tmp_path, source, environment={"RUNBOOK_AUDIT_REGISTRY": url}) as world:
            return world.look("dependency_audit")

    return look


@pytest.mark.slow
def test_npm_itself_asks_the_endpoint_about_every_locked_package(audited: Callable[..., Observation]) -> None:
    with Advisories() as endpoint:
        seen = audited(endpoint.url)

    assert seen.read(AuditRun.parse).ran
    assert seen.read(Audit.parse).findings == ()
    assert "15.5.29" in endpoint.asked[0]["next"]


@pytest.mark.slow
def test_npm_itself_reports_what_the_endpoint_knows(audited: Callable[..., Observation]) -> None:
    with Advisories({"next": [NEXT_RCE], "left-pad": [NEXT_RCE]}) as endpoint:
        (finding,) = audited(endpoint.url).read(Audit.parse).findings

    assert (finding.package, finding.severity, finding.url) == ("next", "critical", NEXT_RCE["url"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lock", "words"), [(True, "the registry refuses to audit (405"), (False, "found no lock file")]
)
def test_npm_itself_that_cannot_audit_is_blind(audited: Callable[..., Observation], words: str, *, lock: bool) -> None:
    with Advisories(refuses=True) as endpoint:
        seen = audited(endpoint.url, lock=lock)

    assert words in seen.read(AuditRun.parse).why
    with pytest.raises(CouldNotLook, match="audit"):
        seen.read(Audit.parse)
