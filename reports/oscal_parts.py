"""What the parts of oscal.json have in common: stable uuids, and texts and properties as OSCAL demands them."""

from __future__ import annotations

import re
import uuid
from typing import Any

NAMES = uuid.UUID("6f0c9d3e-6b1a-5c55-9d0e-0f6b7e1f2a90")  # ours: uuids below it are stable from run to run
NAMESPACE = "https://paintbox.fly.dev/ns/runbook"  # of the properties that OSCAL has no field for
TOKEN = re.compile(r"[^A-Za-z0-9._-]+")
NIST = "nist-800-53:"
LONGEST = 1_000  # characters of a description; the record has the whole


class Names:
    """Stable uuids within one run."""

    def __init__(self, run: str) -> None:
        self._run = uuid.uuid5(NAMES, run)

    def of(self, kind: str, *parts: str) -> str:
        """The uuid of one thing of the run."""
        return str(uuid.uuid5(self._run, "\n".join((kind, *parts))))


def props(**values: Any) -> list[dict[str, str]]:  # noqa: ANN401 - plain values of the summary
    """Properties of our own: those that have a value."""
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
    return [
        {"name": name.replace("_", "-"), "ns": NAMESPACE, "value": one_line(value)}
        for name, value in given.items()
        if value is not None and one_line(value)
    ]


def one_line(value: object) -> str:
    """Text on one line, as OSCAL demands of titles and properties: no white space at its ends."""
    return " ".join(str(value).split())[:LONGEST]


def prose(value: object) -> str:
    """Text of any length that OSCAL takes: never empty, and no longer than a reader wants here."""
    return str(value).strip()[:LONGEST] or "(nothing)"


def control_id(control: str) -> str:
    """A control's id as an OSCAL token: NIST's as its own catalogue writes it (`ia-5.7`), others as they are."""
    framework, _, name = control.partition(":")
    if f"{framework}:" == NIST:
        return name.lower().replace("(", ".").replace(")", "")
    return TOKEN.sub("_", name)
