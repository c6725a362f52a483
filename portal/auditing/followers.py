"""Hands the journal on as it grows, to the place that `audit_log_forward_endpoint` names.

An entry counts as forwarded once the other side has taken it. While it is away entries wait where they are, in the
journal: nothing is lost, and an entry may arrive twice, with the same id.
"""

from audit.models import Entry
from jobs.followers import follow
from portal.auditing.endpoints import deliver
from portal.configuration.services import values


@follow("audit.forward", outside=True)
def forward(entries: list[Entry]) -> None:
    """Sends a batch; what was recorded while there was no endpoint is not made up for. Raises Undelivered."""
    # Read now and not remembered: whatever was recorded after the endpoint was set is sent there.
    if endpoint := values()["audit_log_forward_endpoint"]:
        deliver(endpoint, entries)
