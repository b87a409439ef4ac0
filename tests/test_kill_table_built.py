"""The kill table of what is installed, built, tested and booted.

The decisive faults happen for real. The others are changes to the recording of one healthy run, judged again.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from kills import tried
from runs import run_pytest

from fixtures.twin import fault_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runs import Finished

    from fixtures.twin.edits import Edit
    from fixtures.twin.fault_services import Service

# One worker, so that the module's build is made once.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("test_kill_table_built")]

Change = tuple[str, str, "Callable[[Any], object]"]  # the check it kills, the look it changes, and how


def without(header: str, *kinds: str) -> Callable[[dict[str, Any]], None]:
    """These answers without a header; all of them, where none is named."""

    def change(answers: dict[str, Any]) -> None:
        for kind in kinds or tuple(answers):
            answers[kind]["headers"] = [pair for pair in answers[kind]["headers"] if pair[0].lower() != header.lower()]

    return change


def put(**values: object) -> Callable[[Any], None]:
    """The recorded value with other members."""
    return lambda value: value.update(values)


def status(kind: str, number: int) -> Callable[[Any], None]:
    """Another status of one answer."""
    return lambda answers: answers[kind].update(status=number)


def chunks(choose: Callable[[dict[str, Any]], bool], **values: object) -> Callable[[dict[str, Any]], None]:
    """Other facts of some scripts."""

    def change(value: dict[str, Any]) -> None:
        for chunk in filter(choose, value["chunks"]):
            chunk.update(values)

    return change


def of_a_page(chunk: dict[str, Any]) -> bool:
    return str(chunk["name"]).startswith("chunks/app/")


FAILED = {"exit_status": 1, "trouble": "npm error code EUSAGE"}
CANDIDATE, AGAIN = "answers[candidate]", "answers_again[candidate]"
RECORDED: dict[str, Change] = {
    "install-fails": ("BLD-1/test_dependencies_install_as_locked", "install", put(**FAILED)),
    "heap-overridden": (
        "BLD-1/test_build_keeps_to_its_heap",
        "build",
        put(heap_limits=[{"where": "package.json:14", "text": "--max-old-space-size=8192", "limit_mb": 8192}]),
    ),
    "unknown-next-key": ("OPT-1/test_next_config_has_no_key_without_effect", "build", put(unknown_keys=["swcMinify"])),
    "no-standalone-server": ("BLD-2/test_standalone_server_is_built", "build_output", put(server=None)),
    "module-not-traced": (
        "BLD-2/test_traced_modules_are_in_the_standalone_folder",
        "build_output",
        put(untraced=["node_modules/react/index.js"]),
    ),
    "link-leads-out": (
        "BLD-2/test_standalone_folder_holds_all_it_links_to",
        "build_output",
        put(links_out=["node_modules/next"]),
    ),
    "assets-not-copied": (
        "BLD-2/test_static_assets_lie_beside_the_server",
        "build_output",
        put(static_missing=["chunks/main.js"]),
    ),
    "public-not-copied": (
        "BLD-2/test_public_files_lie_beside_the_server",
        "build_output",
        put(public_missing=["robots.txt"]),
    ),
    "not-minified": (
        "OPT-1/test_client_code_is_minified",
        "build_output",
        chunks(lambda chunk: chunk["long_lines_percent"] is not None, long_lines_percent=3),
    ),
    "commonjs-modules": (
        "OPT-2/test_client_code_can_be_shaken",
        "build_output",
        chunks(of_a_page, commonjs=4, es_modules=0),
    ),
    "react-in-a-page": (
        "OPT-3/test_vendor_code_has_chunks_of_its_own",
        "build_output",
        chunks(of_a_page, holds_react=True),
    ),
    "source-map-built": ("OPT-4/test_no_source_map_is_built", "build_output", put(maps=["static/main.js.map"])),
    "source-map-named": ("OPT-4/test_no_script_names_a_source_map", "build_output", put(mapped=["static/main.js"])),
    "source-map-served": ("OPT-4/test_no_source_map_is_served[candidate]", AGAIN, status("asset map", 200)),
    "not-compressed": (
        "OPT-5/test_text_comes_compressed[candidate]",
        AGAIN,
        without("content-encoding", "page", "asset"),
    ),
    "no-304": ("OPT-6/test_nothing_is_sent_twice[candidate]", AGAIN, status("page again", 200)),
    "frames-allowed-on-404s": (
        "HDR-1/test_other_sites_cannot_frame_ours[candidate]",
        CANDIDATE,
        without("x-frame-options", "missing page"),
    ),
    "sniffing-allowed-on-assets": (
        "HDR-2/test_content_type_is_never_sniffed[candidate]",
        CANDIDATE,
        without("x-content-type-options", "asset"),
    ),
    "no-xss-protection": (
        "HDR-3/test_old_browsers_block_injected_script[candidate]",
        CANDIDATE,
        without("x-xss-protection"),
    ),
    "referrer-leaks": (
        "HDR-4/test_other_sites_do_not_learn_our_paths[candidate]",
        CANDIDATE,
        without("referrer-policy", "simple"),
    ),
    "framework-named": (
        "HDR-5/test_answers_do_not_name_the_framework[candidate]",
        CANDIDATE,
        lambda answers: answers["page"]["headers"].append(["X-Powered-By", "Next.js"]),
    ),
    "no-test-ran": (
        "PRE-5/test_app_tests_are_not_empty",
        "app_tests",
        put(counts={"passed": 0, "failed": 0, "skipped": 30}),
    ),
    "no-security-test-ran": (
        "SEC-2/test_security_tests_are_not_empty",
        "security_tests",
        put(counts={"passed": 0, "failed": 0, "skipped": 9}),
    ),
    "built-from-uncommitted-files": (
        "REC-6/test_commit_holds_all_that_was_built",
        "clean_clone",
        put(differences=["app/page.js differs"], difference_count=1),
    ),
}
FAULTS: dict[str, Edit | Service] = {**fault_table.BUILT, **fault_table.SERVICES}
WHOLE = ("build-fails", "server-crashes-at-boot", "sniffing-allowed-on-404s")
PARTS = {
    "app-test-fails": "PRE-5 or SEC-2",
    "security-test-fails": "PRE-5 or SEC-2",
    "minification-off": "test_minification_is_left_on or test_unused or test_chunks",
    "tree-shaking-off": "test_minification_is_left_on or test_unused or test_chunks",
    "chunks-not-split": "test_minification_is_left_on or test_unused or test_chunks",
    **dict.fromkeys(fault_table.SERVICES, "SEC-1 or PRE-3"),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The whole of predeploy on the healthy twin: installed, tested, built, booted and asked for real."""
    return run_pytest("-m", "predeploy", "--target=twin", reports=tmp_path_factory.mktemp("healthy"))


def test_the_healthy_twin_is_green_and_no_check_is_without_a_fault(healthy: Finished) -> None:
    killed = {kills for kills, _, _ in RECORDED.values()}
    killed |= {fault.kills for fault in FAULTS.values()}
    needs_build = {
        check for check in healthy.verdicts() if check.startswith(("BLD", "SEC-1", "SEC-2", "PRE-3", "PRE-5"))
    }
    needs_build |= {check for check in healthy.verdicts() if check.startswith(("HDR", "OPT", "REC-6"))}

    assert healthy.status == 0, healthy.text
    assert set(healthy.verdicts().values()) == {"passed"}
    assert {check for check in needs_build - killed if not check.startswith("OPT-7")} == set(), "checks without a fault"


def test_the_rest_costs_nothing_while_the_chain_goes_on(healthy: Finished) -> None:
    chain = (
        "install",
        "dependencies",
        "build",
        "build_output",
        "candidate",
        "simple_health",
        "answers",
        "answers_again",
    )
    seconds = {row["look"]: row["seconds"] for row in healthy.record.observations.values()}

    assert healthy.summary["seconds"] <= 1.15 * sum(seconds[look] for look in chain) + 2


@pytest.mark.parametrize("name", RECORDED)
def test_a_change_of_the_recording_turns_its_check_red_and_no_other(
    healthy: Finished, tmp_path: Path, name: str
) -> None:
    kills, look, change = RECORDED[name]
    assert healthy.folder is not None
    changed = tmp_path / "changed"
    shutil.copytree(healthy.folder, changed)
    lines = [json.loads(line) for line in (changed / "record.jsonl").read_text(encoding="utf-8").splitlines()]
    hit = [line for line in lines if line["kind"] == "observation" and line["id"].endswith(f"/{look}")]
    for line in hit:
        change(line["value"])
    (changed / "record.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    assert len(hit) == 1
    tried(run_pytest(f"--replay={changed}", reports=tmp_path / "runs"), name, kills, ())


@pytest.mark.parametrize("name", WHOLE)
def test_a_fault_that_happens_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    fault = fault_table.BUILT[name]

    run = run_pytest("-m", "predeploy", "--target=twin", f"--twin-fault={name}", reports=tmp_path)
    tried(run, name, fault.kills, fault.blinds)


@pytest.mark.parametrize("name", PARTS)
def test_a_fault_that_needs_no_build_turns_its_check_red_and_no_other(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    selection = ("-m", "predeploy", "-k", PARTS[name])

    run = run_pytest(*selection, "--target=twin", f"--twin-fault={name}", reports=tmp_path)
    tried(run, name, fault.kills, fault.blinds)
