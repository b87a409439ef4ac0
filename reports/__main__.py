"""What can be done with runs that are over: `python -m reports COMMAND`."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import NoReturn

from reports.record import unusable
from reports.summary import MISUSE
from reports.terminal import printable

COMMANDS = {  # each is a module of this package; only the one that is asked for is loaded
    "verify": "is a run's evidence whole, untouched and signed?",
    "finish": "make the reports of a run that was killed",
    "merge": "runs of several places, targets or phases side by side",
    "history": "all runs over time, as one page",
    "releases": "every release beside its gate, its postdeploy run and its waivers",
    "export": "a run as one archive with checksums",
    "prune": "delete old runs, and keep on record what they were",
}
CTRL_C = 130  # as shells have it


class Parser(argparse.ArgumentParser):
    """Ends with the project's own status for misuse."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(MISUSE, f"{message}; see {self.prog} --help\n")


def main(words: list[str] | None = None) -> int:
    """Run one command, and give its exit status."""
    given = sys.argv[1:] if words is None else words
    parser = Parser(prog="python -m reports", description="What can be done with runs that are over.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, told in COMMANDS.items():
        command = commands.add_parser(name, help=told, formatter_class=argparse.RawDescriptionHelpFormatter)
        if name in given[:1]:
            import_module(f"reports.{name}").add_to(command)
    options = parser.parse_args(given)
    try:
        return int(options.command(options))
    except KeyboardInterrupt:
        return CTRL_C
    except OSError as error:  # what a command has no better word for: a file of other people's, a disk that fails
        sys.stderr.write(f"{printable(unusable(error))}\n")
        return MISUSE


if __name__ == "__main__":
    sys.exit(main())
