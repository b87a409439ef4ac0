"""Whether a run still goes on: it holds a lock on its record as long as it lives, and no kill leaves one behind."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def hold(record: Path) -> IO[bytes]:
    """Lock the record of this run; the lock is gone when the file is closed, or the process.

    Raises:
        OSError: there is no such record.
    """
    file = record.open("r+b")
    with suppress(OSError):  # a file system without locks: there, nobody can ask
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def goes_on(folder: Path) -> bool:
    """Whether the run that writes this folder is still alive; it is not where nobody can tell."""
    with suppress(FileNotFoundError, NotADirectoryError), (folder / "record.jsonl").open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks
            return False
    return False
