"""Who ran what, where, from which commits: the facts that a year later decide what a run was worth."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.toml_file import shown

if TYPE_CHECKING:
    from fixtures.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
GIT_SECONDS = 10.0

# The actor and the address of the CI run, where one made it: names that the CI systems document.
CI_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR", "CIRCLE_USERNAME")
CI_URLS = ("CI_JOB_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "BUILD_URL")


def git(folder: Path, *arguments: str) -> str | None:
    """What git says in a folder, or None when it cannot say."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def commit_of(folder: Path | None) -> tuple[str | None, bool | None]:
    """The commit that is checked out in a folder, and whether anything below it differs; None where git cannot say."""
    if folder is None:
        return None, None
    status = git(folder, "status", "--porcelain=v2", "--branch", "--", ".")
    if status is None:
        return None, None
    lines = status.splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid")), None)
    return (None if commit == "(initial)" else commit), any(not line.startswith("#") for line in lines)


def provenance(settings: Settings) -> dict[str, Any]:
    """The facts of origin that the plan carries. `dirty` is true if app or runbook differ from their commits."""
    runbook_commit, runbook_dirty = commit_of(ROOT)
    source = settings.source or settings.twin_source
    app_commit, app_dirty = commit_of(source)
    states = [runbook_dirty, *([app_dirty] if source else [])]
    return {
        "runbook_commit": runbook_commit,
        "app_commit": app_commit,
        "dirty": True if True in states else None if None in states else False,
        "source": str(source) if source else None,
        "replay_of": None,
        "who": next((os.environ[name] for name in CI_ACTORS if os.environ.get(name)), None) or _user(),
        "host": socket.gethostname(),
        "ci": _ci_url(),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in ("pytest", "requests")},
        },
    }


def configuration(settings: Settings) -> list[dict[str, str]]:
    """The files that decide what a run judges and with what, each with its SHA-256; those of the targets first.

    A replay takes those of its targets from the recording.

    Raises:
        OSError: one cannot be read.
    """
    own = [ROOT / "runbook" / "catalogue.toml", ROOT / "requirements.lock", ROOT / "pytest.ini"]
    targets = [] if settings.replay else [path for target in settings.targets for path in target.files()]
    files = {shown(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in dict.fromkeys([*targets, *own])}
    recorded = settings.replay.plan.get("configuration", []) if settings.replay else []
    kept = {one["name"]: one["sha256"] for one in recorded if one["name"] not in files}
    return [{"name": name, "sha256": digest} for name, digest in (kept | files).items()]


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return None


def _ci_url() -> str | None:
    server, repository, run = (
        os.environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    )
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return next((os.environ[name] for name in CI_URLS if os.environ.get(name)), None)
