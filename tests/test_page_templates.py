"""Compiled templates are kept, and never stand for anything but the template as it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from reports import page_templates

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Templates of our own, and a place for bytecode."""
    monkeypatch.setattr(page_templates, "TEMPLATES", tmp_path)
    monkeypatch.setattr(page_templates, "cache_from_source", lambda _: str(tmp_path / "kept" / "x.pyc"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "kept").mkdir()
    (tmp_path / "page.html").write_text("Hello {{ name }}", encoding="utf-8")
    return tmp_path


def page() -> str:
    return page_templates.environment().get_template("page.html").render(name="<b>")


def test_template_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = page()
    monkeypatch.setattr("jinja2.Environment.compile", lambda *_, **__: pytest.fail("compiled again"))

    assert page() == first == "Hello &lt;b&gt;"
    assert len(list((folder / "kept").iterdir())) == 1


def test_changed_template_is_compiled_anew(folder: Path) -> None:
    page()
    (folder / "page.html").write_text("Bye {{ name }}", encoding="utf-8")

    assert page() == "Bye &lt;b&gt;"


def test_what_another_engine_compiled_is_compiled_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page()
    before = (*(folder / "kept").iterdir(),)[0].read_bytes()
    monkeypatch.setattr(page_templates, "version", lambda _: "0.0")

    assert page() == "Hello &lt;b&gt;"
    assert (*(folder / "kept").iterdir(),)[0].read_bytes() != before


@pytest.mark.parametrize("left", [0, 12, 40, 70])
def test_damaged_file_is_like_none(folder: Path, left: int) -> None:
    page()
    (kept,) = (folder / "kept").iterdir()
    kept.write_bytes(kept.read_bytes()[:left] + b"\0" * 8)

    assert page() == "Hello &lt;b&gt;"


def test_nothing_is_kept_where_python_may_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    assert page() == "Hello &lt;b&gt;"
    assert not list((folder / "kept").iterdir())


def test_page_is_made_where_nothing_can_be_kept(folder: Path) -> None:
    (folder / "kept").rmdir()

    assert page() == "Hello &lt;b&gt;"
