"""Reads the journal and makes a delivery of each event that a project wants told."""

from collections import defaultdict
from collections.abc import Iterator

from audit.models import Entry
from jobs.followers import follow
from jobs.models import Trigger
from jobs.services import enqueue_many
from portal.configuration.services import value
from portal.webhooks.events import HAPPENINGS, payload
from portal.webhooks.jobs import KIND
from portal.webhooks.models import Delivery, WebhookPolicy
from registry.models import Repository
from registry.oci.names import repository_in

AT_ONCE = 500  # Deliveries after which no further entry is taken: on SQLite all other writers wait meanwhile.

Policies = dict[tuple[str, str], list[WebhookPolicy]]


@follow("webhooks")
def tell(entries: list[Entry]) -> int:
    """Makes the deliveries, in the transaction in which the entries count as read: none is lost, none made twice."""
    policies = _policies(entries)
    events = [(entry, _wanting(entry, policies)) for entry in entries]
    created = _created({repository_in(entry.target) for entry, wanting in events if wanting})
    made: list[Delivery] = []
    taken = 0
    for entry, wanting in events:
        if len(made) >= AT_ONCE:
            break
        if wanting:
            made += _deliveries(entry, wanting, created.get(repository_in(entry.target)))
        taken += 1
    _save(made)
    return taken


def _policies(entries: list[Entry]) -> Policies:
    """The enabled policies that the entries may be for, by project and type of event."""
    projects = {entry.project for entry in entries if entry.action in HAPPENINGS}
    found: Policies = defaultdict(list)
    if projects and value("notification_enable"):
        enabled = WebhookPolicy.objects.filter(project__namespace__name__in=projects, enabled=True)
        for policy in enabled.select_related("project__namespace").order_by("pk"):
            for event_type in policy.event_types:
                found[policy.project.name, event_type].append(policy)
    return found


def _wanting(entry: Entry, policies: Policies) -> list[WebhookPolicy]:
    """Those of the policies that want to be told of the entry.

    What happened before there was a policy is not its business: it may be of another project that had this name.
    """
    happening = HAPPENINGS.get(entry.action)
    of_type = policies.get((entry.project, happening.type), []) if happening else []
    return [policy for policy in of_type if policy.created_at <= entry.at]


def _created(repositories: set[str]) -> dict[str, int]:
    """When those of the repositories that are there were created, in seconds."""
    if not repositories:
        return {}
    found = Repository.objects.filter(name__in=repositories).values_list("name", "created_at")
    return {name: int(created_at.timestamp()) for name, created_at in found}


def _deliveries(entry: Entry, wanting: list[WebhookPolicy], repository_created: int | None) -> Iterator[Delivery]:
    """A delivery of each event that the entry stands for to each target of the policies."""
    happening, public = HAPPENINGS[entry.action], wanting[0].project.public
    for special in happening.tell(entry):
        told = payload(entry, special, public=public, repository_created=repository_created)
        for policy in wanting:
            for number, target in enumerate(policy.targets):
                yield Delivery(
                    policy=policy,
                    event_type=happening.type,
                    notify_type=target["type"],
                    target=number,
                    payload=told,
                    request_id=entry.request_id,
                )


def _save(made: list[Delivery]) -> None:
    if made:
        for delivery, job in zip(made, enqueue_many(KIND, len(made), trigger=Trigger.EVENT), strict=True):
            delivery.job = job
        Delivery.objects.bulk_create(made)
