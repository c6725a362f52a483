"""Deliveries are jobs: they outlive every process, and what fails is tried again."""

from jobs.kinds import JobRun, job
from portal.configuration.services import value
from portal.outgoing import post
from portal.webhooks.formats import body
from portal.webhooks.models import Delivery
from portal.webhooks.sealing import unseal

KIND = "webhooks.deliver"


# Eight attempts take about a quarter of an hour, which outlasts a restart of the other side. An address that is away
# costs every attempt its patience: all other work comes first.
@job(KIND, attempts=8, priority=-1)
def deliver(run: JobRun) -> None:
    """Tells one target of a policy about one event, if that is still wanted. Raises Undelivered, and is repeated then."""
    delivery = Delivery.objects.filter(job_id=run.job.pk).select_related("policy").first()
    if delivery is None or delivery.target >= len(delivery.policy.targets):
        run.abandon("The target is gone.")
    if not (delivery.policy.enabled and value("notification_enable")):
        run.abandon("Switched off meanwhile: nothing was sent.")
    target = delivery.policy.targets[delivery.target]
    content_type, content = body(delivery, target)
    headers = {"Content-Type": content_type, "User-Agent": "Portolan"}
    if secret := unseal(target["auth_header"]):
        headers["Authorization"] = secret
    run.log(f"Attempt {run.job.attempts}: {delivery.event_type}, {len(content)} bytes")
    try:
        status = post(target["address"], headers, content, verify=not target["skip_cert_verify"])
    except Exception as error:
        run.log(f"Failed: {error}")
        raise
    run.log(f"Delivered: {status}")
