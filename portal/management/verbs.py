"""What the operator's commands on accounts, projects and robots have in common."""

import getpass
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError
from django.utils.text import capfirst

from audit.origin import Origin
from portal.errors import PortalError

Handler = Callable[..., None]


def operator() -> Origin:
    """Whoever runs the command: the system, by the hand of a user of this machine."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # A container may run under a number without a name.
        account = "unknown"
    return Origin("system", "system", credential=f"shell:{account}")


class VerbCommand(BaseCommand):
    """A command with verbs, each with its own arguments; `verbs` declares them."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Declares the verbs."""
        self._parsers = parser.add_subparsers(required=True, metavar="VERB")
        self.verbs()

    def verbs(self) -> None:
        """Calls `verb` for each."""
        raise NotImplementedError

    def verb(self, name: str, handler: Handler, text: str, /, **arguments: str) -> ArgumentParser:
        """A verb with positional arguments, each given with its help; the parser returned takes the options."""
        parser: ArgumentParser = self._parsers.add_parser(name, help=text, description=f"{capfirst(text)}.")
        for argument, meaning in arguments.items():
            parser.add_argument(argument, help=meaning)
        parser.set_defaults(handler=handler)
        return parser

    def handle(self, *, handler: Handler, **options: Any) -> None:
        """Runs the verb. A refusal becomes a message and exit code 1."""
        known = BaseCommand().create_parser("", "").parse_args([])
        arguments = {name: value for name, value in options.items() if name not in vars(known)}
        try:
            handler(**arguments)
        except PortalError as error:
            raise CommandError(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(f"The database is not ready ({error}): run `manage.py bootstrap` first.") from error

    def say(self, text: str) -> None:
        """A line about success."""
        self.stdout.write(self.style.SUCCESS(text))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Aligned columns under a head, or a word when there is nothing."""
        if not rows:
            self.stdout.write("None.")
            return
        lines = [list(head), *([str(cell) for cell in row] for row in rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        for line in lines:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def read_secret(what: str) -> str:
    """A password from the terminal, typed twice, or the first line of standard input.

    Never from the arguments, where other users of the machine could see it.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"{what}: ")
    if first != getpass.getpass(f"{what} (again): "):
        raise CommandError("The two entries differ: try again.")
    return first


def switch(parser: ArgumentParser) -> None:
    """Adds a positional `on` or `off` called `state`."""
    parser.add_argument("state", choices=["on", "off"], metavar="state", help="on or off")
