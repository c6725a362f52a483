"""`manage.py audit`: verify, seal, ingest, tail, export."""

import sys
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import F, Sum
from django.utils.text import capfirst

from audit.export import Format, rows
from audit.ingestion import ingest
from audit.models import Entry, Seal
from audit.sealing import seal
from audit.selectors import entries
from audit.verification import verify


class Command(BaseCommand):
    """The operator's access to the journal."""

    help = "Verify, seal, fill and show the journal of who did what."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="verify|seal|ingest|tail|export")

        def verb(name: str, text: str) -> CommandParser:
            parser: CommandParser = verbs.add_parser(name, help=text, description=f"{capfirst(text)}.")
            return parser

        text = "check that no sealed entry was changed, added, moved or removed; exit code 1 if one was"
        verb("verify", text).add_argument(
            "--expect",
            default="",
            metavar="DIGEST",
            help="a digest that an earlier run printed: it must still be in the chain, or the journal was cut or rewritten",
        )
        verb("seal", "seal every entry that is not sealed yet")
        verb("ingest", "make journal entries of the pulls that wait in the spool").add_argument(
            "--directory", type=Path, default=settings.SPOOL_DIR, help="the spool (default: %(default)s)"
        )
        verb("tail", "show the latest entries, the newest last").add_argument(
            "-n", "--lines", type=_positive, default=20, help="how many (default: %(default)s)"
        )

        export = verb("export", "write entries to standard output, the newest first")
        export.add_argument("--format", choices=("csv", "json"), default="csv", dest="form", help="(default: csv)")
        export.add_argument("--actor", default="", help="only what this user or robot did")
        export.add_argument("--action", nargs="+", dest="actions", help="only these, as in manifest.push")
        export.add_argument("--project", nargs="+", dest="projects", help="only what concerns these")
        export.add_argument("--target", default="", help="only targets with this in their name")
        export.add_argument("--result", default="", help="only entries with this result, as in success")
        export.add_argument("--since", type=_moment, help="not what was before, as in 2026-11-24 or 2026-11-24T15:04")
        export.add_argument("--until", type=_moment, help="only what was before")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Runs the sub-command."""
        getattr(self, f"_{verb}")(**options)

    def _verify(self, *, expect: str, **_options: Any) -> None:
        total = Seal.objects.aggregate(total=Sum(F("count") - F("purged")))["total"] or 0
        report = verify(expect, progress=lambda done: self._progress(done, total))
        verified = f"{_counted(report.entries, 'entry', 'entries')} under {_counted(report.seals, 'seal', 'seals')}"
        if report.broken:
            raise CommandError(f"The journal is broken: {report.broken}. Before that: {verified}, as they were sealed.")
        self.stdout.write(self.style.SUCCESS("The journal is as it was sealed."))
        purged = f", {report.purged} purged since" if report.purged else ""
        self.stdout.write(f"{verified}{purged}, {report.unsealed} not sealed yet.")
        self.stdout.write(f"Last digest: {report.head}")

    def _seal(self, **_options: Any) -> None:
        sealed = 0
        while count := seal():
            sealed += count
        self.stdout.write(f"{_counted(sealed, 'entry', 'entries')} sealed.")

    def _ingest(self, *, directory: Path, **_options: Any) -> None:
        lines = 0
        while count := ingest(directory):
            lines += count
        self.stdout.write(f"{_counted(lines, 'line', 'lines')} taken in from {directory}.")

    def _tail(self, *, lines: int, **_options: Any) -> None:
        for entry in reversed(Entry.objects.order_by("-txid", "-id")[:lines]):
            self.stdout.write(_line(entry))

    def _export(
        self, *, form: Format, actor: str, actions: list[str] | None, projects: list[str] | None, **options: Any
    ) -> None:
        wanted = {name: options[name] for name in ("target", "result", "since", "until")}
        found = entries(actor=actor, actions=actions, projects=projects, **wanted)
        for text in rows(found, form):
            self.stdout.write(text, ending="")

    def _progress(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{done} of {total} entries", style_func=str, ending="" if done < total else "\n")
            self.stderr.flush()


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _line(entry: Entry) -> str:
    """One line that is safe on a terminal, whatever clients put into their names."""
    times = f"({entry.count} times)" if entry.count > 1 else ""
    words = (
        f"{entry.at:%Y-%m-%d %H:%M:%S}",
        entry.actor,
        entry.address or "-",
        entry.action,
        entry.target,
        entry.result,
    )
    text = " ".join(word for word in (*words, times) if word)
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("it takes a time such as 2026-11-24 or 2026-11-24T15:04, in UTC") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("it takes a whole number of at least 1")
    return int(text)
