"""The documents of the project: their blocks, and a reader who follows them to the letter in a copy of the repository.

A `console` block has commands behind `$ `; the lines below one must stand in its output, in that order, where `…` is
anything. A `diff` block is applied, a `python` block run, unless the line above says which file it is from.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from runs import ROOT, environment

from fixtures.twin.checkout import commit, git

DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SECONDS = 180
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FROM = re.compile(r"From `([^`]+)`:\s*\Z")
SPAN = re.compile(r"`([^`\n]+)`")
# What differs from run to run: times of day, commits and hashes, durations.
PASSING = re.compile(r"\d\d:\d\d:\d\dZ|\b[0-9a-f]{10,16}\b|\b\d+\.\d+ s\b")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its text, and the file that it quotes, if it does."""

    where: str
    language: str
    text: str
    quotes: str | None


@dataclass(frozen=True)
class Command:
    """A command that a document tells to type, and lines that its output must hold."""

    text: str
    expected: tuple[str, ...]

    @property
    def status(self) -> int:
        """The exit status that its output promises."""
        return int(any(line.startswith("FAILED") for line in self.expected))


def blocks(document: Path) -> list[Block]:
    """All fenced blocks, in their order."""
    text = document.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        quoted = FROM.search(text[: match.start()])
        where = f"{document.name}:{text.count(chr(10), 0, match.start()) + 1}"
        found.append(Block(where, match[1], match[2], quoted[1] if quoted else None))
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a `console` block."""
    found = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        typed, *expected = part.splitlines()
        found.append(Command(typed, tuple(line for line in expected if line.strip(" …"))))
    return found


def spans(document: Path) -> list[str]:
    """All code in running text."""
    return SPAN.findall(FENCE.sub("", document.read_text(encoding="utf-8")))


def taught(document: Path) -> str:
    """What the document's own patches add: names in there exist for whoever has followed it."""
    patches = [block.text for block in blocks(document) if block.language == "diff"]
    return "\n".join(line[1:] for text in patches for line in text.splitlines() if line.startswith("+"))


def missing(expected: tuple[str, ...], output: str) -> str | None:
    """The first expected line that is not in the output behind the one before; None when all are."""
    lines = iter([PASSING.sub("~", " ".join(line.split())) for line in output.splitlines()])
    for line in expected:
        pattern = re.sub(r"(?:\\ )?…(?:\\ )?", ".*", re.escape(PASSING.sub("~", " ".join(line.split()))))
        if not any(re.fullmatch(pattern, one) for one in lines):
            return line
    return None


class Reader:
    """Follows documents in a copy of the repository, which is committed and has nothing from outside but programs."""

    def __init__(self, folder: Path) -> None:
        self.repository = folder / "runbook"
        listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (self.repository / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.repository / name)
        git(self.repository, "init", "--quiet", "--initial-branch=main")
        commit(self.repository)
        own = environment(PYTHONPATH=None)
        self.environment = own | {"PATH": f"{Path(sys.executable).parent}:{own['PATH']}"}

    def follow(self, document: Path) -> None:
        """Do what it says, block by block."""
        for block in blocks(document):
            if block.language == "diff":
                self._finished(["git", "apply", "--whitespace=error-all", "-"], block, given=block.text)
            elif block.language == "python" and block.quotes is None:
                self._finished([sys.executable, "-"], block, given=block.text)
            for command in commands(block) if block.language == "console" else ():
                output = self._finished(["sh", "-c", command.text], block, status=command.status)
                lost = missing(command.expected, output)
                assert lost is None, f"{block.where}: no line {lost!r} in what `{command.text}` prints:\n{output}"

    def _finished(self, words: list[str], block: Block, *, given: str = "", status: int = 0) -> str:
        done = subprocess.run(
            words,
            cwd=self.repository,
            env=self.environment,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == status, f"{block.where}: {words[-1]} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout
