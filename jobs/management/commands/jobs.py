"""`manage.py jobs`: see what the work queue does, and tell it what to do."""

import json
import threading
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone
from django.utils.text import capfirst

from audit.origin import SYSTEM
from jobs import runner, services
from jobs.followers import lags
from jobs.kinds import UnknownKind, kind_named, kinds
from jobs.models import Job, Schedule, State
from jobs.sweeper import reclaim

LOOK = 0.3  # Seconds between two looks at a job that is followed.
COLUMNS = ("NUMBER", "KIND", "STATUS", "PROGRESS", "ATTEMPTS", "CREATED", "BY")


class Command(BaseCommand):
    """The operator's view of the work queue."""

    help = "List, show, run and stop background jobs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declares a sub-command per verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|run|stop|schedules|followers")

        def verb(name: str, text: str) -> ArgumentParser:
            added: ArgumentParser = verbs.add_parser(name, help=text, description=f"{capfirst(text)}.")
            return added

        listing = verb("list", "list the newest jobs")
        listing.add_argument("--state", choices=State.values, help="only jobs in this state")
        listing.add_argument("--kind", help="only jobs of this kind")
        listing.add_argument("--limit", type=int, default=20, help="how many (default: 20)")
        show = verb("show", "show everything about one job, with its log")
        show.add_argument("number", type=int, help="the job's number, as `list` shows it")
        run = verb("run", "run a job here and wait for it; exit code 1 when it fails")
        run.add_argument("kind", help="one of: " + ", ".join(kind.name for kind in kinds()))
        run.add_argument(
            "arguments", nargs="*", metavar="name=value", help="arguments, the values as JSON or plain text"
        )
        run.add_argument("--queue", action="store_true", help="leave it to the workers and do not wait")
        stop = verb("stop", "end a job: at once if it waits, at its next checkpoint if it runs")
        stop.add_argument("number", type=int, help="the job's number, as `list` shows it")
        verb("schedules", "show what recurs, and when next")
        verb("followers", "show who follows the journal, and how far behind")

    def handle(self, *, verb: str, **options: Any) -> None:
        """Runs the sub-command of that name."""
        verbs = {
            "list": self._list,
            "show": self._show,
            "run": self._run,
            "stop": self._stop,
            "schedules": self._schedules,
            "followers": self._followers,
        }
        verbs[verb](options)

    def _list(self, options: dict[str, Any]) -> None:
        """Prints a table of the newest jobs."""
        if options["limit"] < 1:
            raise CommandError("--limit takes a whole number of at least 1.")
        wanted = {name: options[name] for name in ("state", "kind") if options[name]}
        jobs = Job.objects.filter(**wanted).order_by("-number")[: options["limit"]]
        self._table(COLUMNS, (_row(job) for job in jobs))

    def _show(self, options: dict[str, Any]) -> None:
        """Prints a job's fields and its log."""
        job = _job(options["number"])
        facts = {
            "number": str(job.number),
            "kind": job.kind,
            "arguments": json.dumps(job.args),
            "status": job.status,
            "progress": _progress(job),
            "attempts": f"{job.attempts} of {job.max_attempts}",
            "asked by": job.asked_by.actor,
            "created": _time(job.created_at),
            "not before": _time(job.run_at),
            "started": _time(job.started_at),
            "finished": _time(job.finished_at),
            "result": json.dumps(job.result) if job.result else "",
            "error": job.error,
        }
        for name, value in facts.items():
            if value:
                self.stdout.write(f"{name + ':':<12}{value}")
        for line in job.log.all():
            self.stdout.write(f"{_time(line.at)}  {line.text}")

    def _run(self, options: dict[str, Any]) -> None:
        """Enqueues a job and, unless told otherwise, runs and follows it."""
        arguments = _arguments(options["arguments"])
        try:
            kind_named(options["kind"]).check(arguments)
        except (UnknownKind, TypeError) as error:
            raise CommandError(str(error.args[0])) from None
        job = services.enqueue(options["kind"], **arguments)
        self.stdout.write(f"{job.kind} {job.number}")
        if options["queue"]:
            return
        threading.Thread(target=_run_here, args=(job,), daemon=True).start()
        try:
            job = self._follow(job)
        except KeyboardInterrupt:
            services.stop(job.number, origin=SYSTEM)
            self.stdout.write("Stopping at the next checkpoint.")
            job = self._follow(job)
        if job.state != State.SUCCESS:
            raise CommandError(f"{job.kind} ended as {job.state}. {job.error}".strip())
        self.stdout.write(self.style.SUCCESS("Success"))

    def _stop(self, options: dict[str, Any]) -> None:
        """Asks a job to end."""
        job = services.stop(_job(options["number"]).number, origin=SYSTEM)
        self.stdout.write("Stopping at its next checkpoint." if job.active else f"The job is {job.state}.")

    def _schedules(self, _options: dict[str, Any]) -> None:
        """Prints a table of the schedules."""
        rows = (
            (
                schedule.name,
                schedule.kind,
                schedule.when,
                _time(schedule.next_run_at) if schedule.enabled else "off",
                f"{schedule.last_job.status} {schedule.last_job_id}" if schedule.last_job else "never ran",
            )
            for schedule in Schedule.objects.select_related("last_job").order_by("name")
        )
        self._table(("NAME", "KIND", "WHEN", "NEXT", "LAST JOB"), rows)

    def _followers(self, _options: dict[str, Any]) -> None:
        """Prints a table of the journal's followers."""
        rows = ((name, str(behind.entries), _time(behind.since)) for name, behind in lags().items())
        self._table(("NAME", "BEHIND", "SINCE"), rows)

    def _follow(self, job: Job) -> Job:
        """Prints progress until the job has ended."""
        seen = ""
        while True:
            job = _job(job.number)
            line = f"{job.status} {_progress(job)}".strip()
            if line != seen:
                self.stdout.write(line)
                seen = line
            if not job.active:
                return job
            time.sleep(LOOK)

    def _table(self, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        table = [header, *rows]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        for row in table:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())


def _run_here(job: Job) -> None:
    """Runs the job unless a worker is faster, and again after an attempt that failed, until it has ended."""
    try:
        while Job.objects.filter(pk=job.pk, finished_at=None).exists():
            if run := runner.claim(only=job.pk):
                runner.execute(run)
            else:
                reclaim()  # A run that died may be what keeps this one waiting.
                time.sleep(LOOK)
    finally:
        connection.close()


def _job(number: int) -> Job:
    try:
        return Job.objects.get(pk=number)
    except Job.DoesNotExist:
        raise CommandError(f"There is no job {number}. `jobs list` shows those there are.") from None


def _row(job: Job) -> tuple[str, ...]:
    attempts = f"{job.attempts}/{job.max_attempts}"
    return str(job.number), job.kind, job.status, _progress(job), attempts, _time(job.created_at), job.asked_by.actor


def _progress(job: Job) -> str:
    total = f"/{job.progress_total}" if job.progress_total is not None else ""
    count = f"{job.progress_done}{total}" if job.progress_done or total else ""
    return f"{count} {job.progress_message}".strip()


def _time(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else ""


def _arguments(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs as keyword arguments. Raises `CommandError`."""
    arguments = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name.isidentifier() and equals):
            raise CommandError(f"{pair!r} is not an argument: write name=value, as in dry_run=true.")
        try:
            arguments[name] = json.loads(text)
        except ValueError:
            arguments[name] = text
    return arguments
