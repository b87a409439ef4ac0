"""What all pages over many runs share: one style, one policy for browsers, and links into the runs.

Everything that a template shows is escaped. A browser is told to run nothing, load nothing, and to apply one style.
"""

from __future__ import annotations

import base64
import hashlib
import os
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from reports.page_templates import TEMPLATES, environment

if TYPE_CHECKING:
    from pathlib import Path


def render(template: str, **facts: object) -> str:
    """A page: this template, with these facts."""
    style = (TEMPLATES / "pages.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment().get_template(template).render(facts, style=style, style_hash=digest)


def report_of(run: Path, beside: Path) -> str:
    """The address of a run's report, for a page that lies in this folder."""
    return f"{_base(run.parent, beside)}{quote(run.name)}/report.html"


@lru_cache(maxsize=16)
def _base(parent: Path, beside: Path) -> str:
    base = quote(os.path.relpath(parent, beside).replace(os.sep, "/"))
    return "" if base == "." else f"{base}/"
