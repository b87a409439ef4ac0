"""A world to look at without an engine: looks are called directly, and see what they would see in a run."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from fixtures.looks import LOOKS, Observation, Unseen, World
from fixtures.target import load_target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Self

    from fixtures.target import Target

T = TypeVar("T")
SUBJECTS = {"candidate", "edge"}


class LooseWorld(World):
    """`with LooseWorld(folder, source) as world: world.look("build")`; what a look stands on is looked at first."""

    def __init__(
        self,
        folder: Path,
        source: Path | None = None,
        *,
        target: Target | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.target = target or load_target("production")
        self.source = source
        self.clock = datetime(2026, 11, 24, 12, tzinfo=UTC)
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FLY_", "RUNBOOK_"))}
        self.environment: Mapping[str, str] = own | dict(environment or {})
        self.deadline_seconds = 60.0
        self.quick = False
        self.phase = "postdeploy"
        self.reports = folder / "runs"
        self.place: str | None = None
        self.said: list[str] = []
        self.sent = 0
        self._seen: dict[str, Observation] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Begin; what looks keep open ends with the context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave all that looks kept open."""
        self._stack.close()

    def progress(self, text: str) -> None:
        """Keep what a person would see."""
        self.said.append(text)

    def keep(self, context: AbstractContextManager[T]) -> T:
        """Enter a context until the world ends."""
        return self._stack.enter_context(context)

    def count_request(self) -> None:
        """Count what was sent, by all looks together."""
        self.sent += 1

    def give(self, name: str, value: Any) -> None:  # noqa: ANN401 - whatever a look records
        """Let a look have seen this."""
        self._seen[name] = observed(name, value)

    def look(self, name: str, subject: str = "candidate") -> Observation:
        """Make a look, once. A look that could not look gives an observation with an error, as in a run."""
        if name not in self._seen:
            declared = LOOKS[name]
            needs = [need for need in declared.needs if need not in SUBJECTS or need == subject]
            given: dict[str, Any] = {need: self.look(need, subject) for need in needs}
            lost = next((one for one in given.values() if one.error is not None), None)
            if lost is not None:
                self._seen[name] = observed(name, None, error=lost.error)
                return self._seen[name]
            arguments = given | ({"subject": subject} if declared.by_subject else {})
            try:
                seen = declared.function(self, **arguments)
                self._seen[name] = observed(name, seen.value, asked=seen.asked, summary=seen.summary)
            except Unseen as unseen:
                self._seen[name] = observed(name, None, asked=unseen.asked, error=str(unseen) or "no reason")
        return self._seen[name]


def observed(
    name: str,
    value: Any,  # noqa: ANN401 - the same
    *,
    asked: str = "",
    summary: str = "",
    error: str | None = None,
) -> Observation:
    """An observation as the engine would give it."""
    return Observation(
        id=name,
        look=name,
        surface="test",
        target="test",
        subject=None,
        asked=asked,
        started="2026-11-24T12:00:00.000Z",
        seconds=0.0,
        tries=1,
        value=json.loads(json.dumps(value, allow_nan=False)),
        summary=summary,
        error=error,
    )
