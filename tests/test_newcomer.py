"""A newcomer's first day, to the letter of the documents: another app adopted, and a check written with its fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from documents import Reader
from runs import ROOT

from fixtures.twin.checkout import commit, git

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

BARE = {
    "fly.toml": 'app = "my-app"\nprimary_region = "ams"\n\n[http_service]\n  internal_port = 3000\n',
    "Dockerfile": 'FROM node:22-alpine\nCOPY . .\nRUN npm ci && npm run build\nUSER node\nCMD ["npm", "start"]\n',
    "package.json": '{"name": "my-app", "scripts": {"build": "next build"}, "dependencies": {"next": "15.5.4"}}\n',
}


def runs(reader: Reader) -> list[dict[str, Any]]:
    """The summaries of all runs, the oldest first."""
    folders = sorted((reader.repository / "reports" / "runs").glob("2*"))
    return [json.loads((folder / "summary.json").read_bytes()) for folder in folders]


def test_another_app_is_adopted(tmp_path: Path) -> None:
    app = tmp_path / "my-app"
    app.mkdir()
    for name, text in BARE.items():
        (app / name).write_text(text, encoding="utf-8")
    git(app, "init", "--quiet", "--initial-branch=main")
    commit(app)
    reader = Reader(tmp_path)

    reader.follow(ROOT / "docs" / "adopting.md")
    (run,) = runs(reader)
    left_out = {row["item"] for row in run["checks"] if row["verdict"] == "not-applicable"}

    assert [target["app"] for target in run["targets"]] == ["my-app"]
    assert run["exit_status"] == 1
    assert run["counts"]["passed"] > 0
    assert {"HCK-2", "HCK-3"} <= left_out


def test_a_check_is_written_with_its_fault(tmp_path: Path) -> None:
    reader = Reader(tmp_path)

    reader.follow(ROOT / "docs" / "writing-a-check.md")
    before, red, green = runs(reader)
    failed = [row["check"] for row in red["checks"] if row["verdict"] not in {"passed", "not-applicable"}]

    assert failed == ["CFG-7/test_servers_are_asked_to_stop"]
    assert len(green["checks"]) == len(before["checks"]) + 1
    assert (before["verdict"], green["verdict"]) == ("passed", "passed")
