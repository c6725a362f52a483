"""Who acts and from where: every verb that changes state takes an `Origin` and hands it to the journal."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The author of a change, as the journal names it. Every field is text and may come from a hostile client."""

    actor: str  # A user's name, a robot's full name, "anonymous" or "system".
    kind: str  # "user", "robot", "anonymous" or "system".
    credential: str = ""  # Which credential was used, by id and never by secret.
    address: str = ""  # The client's IP address.
    user_agent: str = ""
    request_id: str = ""


SYSTEM = Origin("system", "system")
