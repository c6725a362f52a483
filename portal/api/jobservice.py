"""`/jobservice` and `/schedules`: the work queue as administrators see it."""

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from jobs import selectors
from jobs.models import Job, Schedule
from jobs.services import queue_pause, queue_resume, queue_stop, schedules_pause, schedules_resume, stop
from portal.api.scheduled import log_of
from portal.api.wire import pages
from portal.api.wire.operations import Resource, operation
from portal.api.wire.plain import TEXT, plain
from portal.api.wire.rights import LOGGED_IN, of_system
from portal.api.wire.serializers import Flag, Moment, Text, Whole, Wire, many
from portal.errors import Missing
from portal.harbor import vendor_of

READ = of_system("jobservice-monitor", "list")
STOP = of_system("jobservice-monitor", "stop")
ALL = "ALL"
SCHEDULER = "SCHEDULER"
ACTIONS = {"stop": queue_stop, "pause": queue_pause, "resume": queue_resume}
NO_VENDOR = -1


class WorkerPoolSerializer(Wire):
    """A process that works."""

    pid = Whole()
    worker_pool_id = Text(source="pk")
    start_at = Moment()
    heartbeat_at = Moment()
    concurrency = Whole()
    host = Text()


class WorkerSerializer(Wire):
    """What one worker is doing; one that waits for work has its ids only."""

    id = Text()
    pool_id = Text()
    job_name = serializers.SerializerMethodField()
    job_id = Text(required=False)
    start_at = Moment(required=False)
    check_in = Text(required=False)

    def get_job_name(self, worker: selectors.WorkerView) -> str | None:
        """The kind of job."""
        return worker.job_name and vendor_of(worker.job_name)


class JobQueueSerializer(Wire):
    """The jobs of one kind that wait; `latency` is the age of the oldest of them in seconds."""

    job_type = Text()
    count = Whole()
    latency = Whole()
    paused = Flag()


class ActionRequestSerializer(Wire):
    """What is to be done with a queue."""

    action = serializers.ChoiceField(sorted(ACTIONS))


class ScheduleTaskSerializer(Wire):
    """A job that recurs. `vendor_id` is the policy it belongs to, or -1; `cron` is empty where it has an interval."""

    id = Whole(source="pk")
    vendor_type = serializers.SerializerMethodField()
    vendor_id = serializers.SerializerMethodField()
    cron = Text()
    update_time = Moment(source="updated_at")

    def get_vendor_type(self, schedule: Schedule) -> str:
        """The kind of job."""
        return vendor_of(schedule.kind)

    def get_vendor_id(self, schedule: Schedule) -> int:
        """The policy."""
        return int(schedule.args.get("policy", NO_VENDOR))


class SchedulerStatusSerializer(Wire):
    """Whether recurring jobs are held back."""

    paused = Flag()


class WorkerPools(Resource):
    """`/jobservice/pools`."""

    @operation("getWorkerPools", tag="jobservice", right=READ, answers={200: WorkerPoolSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """The processes that work, on all machines."""
        return Response(WorkerPoolSerializer(selectors.pools(), many=True).data)


class Workers(Resource):
    """`/jobservice/pools/{pool_id}/workers`."""

    @operation("getWorkers", tag="jobservice", right=READ, answers={200: WorkerSerializer(many=True)})
    def get(self, request: Request, pool_id: str) -> Response:
        """What the workers of a process are doing; `all` stands for every process."""
        workers = selectors.workers(None if pool_id.upper() == ALL else pool_id)
        if workers is None:
            raise Missing("There is no such pool of workers.")
        return Response(WorkerSerializer(workers, many=True).data)


class OneJob(Resource):
    """`/jobservice/jobs/{job_id}`."""

    @operation(
        "stopRunningJob", tag="jobservice", right=STOP, answers={200: None}, journal=("job.stop",), in_read_only=True
    )
    def put(self, request: Request, job_id: str) -> HttpResponse:
        """Ends a job at its next step; `all` stands for every job that runs."""
        meant = [job_id]
        if job_id.upper() == ALL:
            meant = [worker.job_id for worker in selectors.workers() or () if worker.job_id]
        for each in meant:
            stop(_job(each).number, origin=self.origin)
        return self.done()


class JobLog(Resource):
    """`/jobservice/jobs/{job_id}/log`."""

    @operation("actionGetJobLog", tag="jobservice", right=READ, answers=TEXT)
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """What a job wrote."""
        return plain(log_of(_job(job_id)))


class Queues(Resource):
    """`/jobservice/queues`."""

    @operation("listJobQueues", tag="jobservice", right=READ, answers={200: JobQueueSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """Every kind of job, and how many of it wait."""
        rows = [
            {"job_type": vendor_of(queue.kind), "count": queue.count, "latency": queue.latency, "paused": queue.paused}
            for queue in selectors.queues()
        ]
        return Response(JobQueueSerializer(rows, many=True).data)


class Queue(Resource):
    """`/jobservice/queues/{job_type}`."""

    @operation(
        "actionPendingJobs",
        tag="jobservice",
        right=STOP,
        body=ActionRequestSerializer,
        answers={200: None},
        journal=("queue.stop", "queue.pause", "queue.resume", "schedules.pause", "schedules.resume"),
        in_read_only=True,
    )
    def put(self, request: Request, job_type: str) -> HttpResponse:
        """Stops what waits in a queue, or holds it back, or lets it go on; `all` stands for every queue."""
        action, name, known = self.read(ActionRequestSerializer)["action"], job_type.upper(), _queues()
        if name == SCHEDULER and action != "stop":
            (schedules_pause if action == "pause" else schedules_resume)(origin=self.origin)
            return self.done()
        if name != ALL and name not in known:
            raise Missing("There is no such queue.")
        for queue in known.values() if name == ALL else [known[name]]:
            ACTIONS[action](kind=queue.kind, origin=self.origin)
        return self.done()


class Schedules(Resource):
    """`/schedules`."""

    @operation(
        "listSchedules",
        tag="schedule",
        right=READ,
        answers={200: ScheduleTaskSerializer(many=True)},
        listed=True,
    )
    def get(self, request: Request) -> Response:
        """The jobs that recur."""
        rows = Schedule.objects.filter(enabled=True).order_by("pk")
        return pages.listed(request, rows, many(ScheduleTaskSerializer))


class SchedulesPaused(Resource):
    """`/schedules/{job_type}/paused`."""

    @operation("getSchedulePaused", tag="schedule", right=LOGGED_IN, answers={200: SchedulerStatusSerializer})
    def get(self, request: Request, job_type: str) -> Response:
        """Whether jobs of a kind are held back; `all` asks for the schedules as a whole."""
        if job_type.upper() == ALL:
            return Response({"paused": selectors.schedules_paused()})
        queue = _queues().get(job_type.upper())
        if queue is None:
            raise Missing("There is no such kind of job.")
        return Response({"paused": queue.paused})


def _queues() -> dict[str, selectors.QueueView]:
    """Every queue by its name in capitals: clients write it as they like."""
    return {vendor_of(queue.kind).upper(): queue for queue in selectors.queues()}


def _job(job_id: str) -> Job:
    """The job by its id, which clients take from the workers' list. Raises Missing."""
    job = selectors.job_named(job_id)
    if job is None:
        raise Missing("There is no such job.")
    return job


PATHS = {
    "jobservice/pools": WorkerPools,
    "jobservice/pools/<str:pool_id>/workers": Workers,
    "jobservice/jobs/<str:job_id>": OneJob,
    "jobservice/jobs/<str:job_id>/log": JobLog,
    "jobservice/queues": Queues,
    "jobservice/queues/<str:job_type>": Queue,
    "schedules": Schedules,
    "schedules/<str:job_type>/paused": SchedulesPaused,
}
