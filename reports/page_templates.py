"""The template engine of our pages: all escaped, nothing undefined, and templates compiled once, not every run."""

from __future__ import annotations

import hashlib
import pickle
import sys
from contextlib import suppress
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from reports.terminal import printable

if TYPE_CHECKING:
    from jinja2.bccache import Bucket

TEMPLATES = Path(__file__).resolve().parent / "templates"


def environment() -> Environment:
    """An environment for our templates."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_Compiled(),
    )


def shown(value: object) -> object:
    """A value as it goes into a page, before it is escaped: nothing invisible, nothing that turns the text around.

    The template engine calls this on each expression; what it has made itself is no plain `str` and stays as it is.
    """
    return printable(value) if type(value) is str else value


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates, kept beside Python's own bytecode and by the same rules: what is missing is made anew.

    They stand for a template only as long as its text, the options above and the engine are what they were.
    """

    def __init__(self) -> None:
        super().__init__(str(Path(cache_from_source(__file__)).parent))
        ours = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
        self._made_by = f"{ours} {version('jinja2')} {sys.implementation.cache_tag}\n"

    def get_source_checksum(self, source: str) -> str:
        """What changes when the compiled template would."""
        return super().get_source_checksum(self._made_by + source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load what is there; damaged is like missing."""
        with suppress(OSError, EOFError, pickle.UnpicklingError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it, where Python may keep bytecode and there is room."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                super().dump_bytecode(bucket)
