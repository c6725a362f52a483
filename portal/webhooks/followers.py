"""Reads the journal and makes a delivery of each event that a project wants told."""

from collections import defaultdict
from itertools import product

from audit.models import Entry
from jobs.followers import follow
from jobs.models import Trigger
from jobs.services import enqueue
from portal.configuration.services import value
from portal.webhooks.events import HAPPENINGS, payload
from portal.webhooks.jobs import KIND
from portal.webhooks.models import Delivery, WebhookPolicy
from registry.models import Repository
from registry.oci.names import repository_in


@follow("webhooks")
def tell(entries: list[Entry]) -> None:
    """Makes the deliveries, in the transaction in which the entries count as read: none is lost, none made twice."""
    if not value("notification_enable"):
        return
    events = [entry for entry in entries if entry.action in HAPPENINGS]
    wanting = _policies({entry.project for entry in events}) if events else {}
    events = [entry for entry in events if (entry.project, HAPPENINGS[entry.action].type) in wanting]
    if not events:
        return
    names = {repository_in(entry.target) for entry in events}
    created = dict(Repository.objects.filter(name__in=names).values_list("name", "created_at"))
    for entry in events:
        happening = HAPPENINGS[entry.action]
        since = created.get(repository_in(entry.target))
        seconds = int(since.timestamp()) if since else None
        for special, policy in product(happening.tell(entry), wanting[entry.project, happening.type]):
            told = payload(entry, special, public=policy.project.public, repository_created=seconds)
            _deliver(policy, happening.type, told, entry.request_id)


def _policies(projects: set[str]) -> dict[tuple[str, str], list[WebhookPolicy]]:
    """The enabled policies of the projects, by project and type of event."""
    found = defaultdict(list)
    enabled = WebhookPolicy.objects.filter(project__namespace__name__in=projects, enabled=True)
    for policy in enabled.select_related("project__namespace").order_by("pk"):
        for event_type in policy.event_types:
            found[policy.project.name, event_type].append(policy)
    return found


def _deliver(policy: WebhookPolicy, event_type: str, told: dict[str, object], request_id: str) -> None:
    for number, target in enumerate(policy.targets):
        Delivery.objects.create(
            policy=policy,
            job=enqueue(KIND, trigger=Trigger.EVENT),
            event_type=event_type,
            notify_type=target["type"],
            target=number,
            payload=told,
            request_id=request_id,
        )
