"""What can be done with runs that are over: `python -m reports COMMAND`."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn

from reports import export, finish, history, merge, prune, verify
from reports.summary import MISUSE

COMMANDS = (verify, finish, merge, history, export, prune)
CTRL_C = 130  # as shells have it


class Parser(argparse.ArgumentParser):
    """Ends with the project's own status for misuse."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(MISUSE, f"{message}; see {self.prog} --help\n")


def main(words: list[str] | None = None) -> int:
    """Run one command, and give its exit status."""
    parser = Parser(prog="python -m reports", description="What can be done with runs that are over.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add_to(commands)
    options = parser.parse_args(words)
    try:
        return int(options.command(options))
    except KeyboardInterrupt:
        return CTRL_C


if __name__ == "__main__":
    sys.exit(main())
