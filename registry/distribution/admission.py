"""Who is calling, may they, and if not: what they are told."""

from registry import ports, selectors
from registry.distribution.routes import CATALOG, Operation
from registry.oci.errors import Code, OCIError
from registry.oci.names import namespace_of
from registry.ports import Caller


class Refused(OCIError):
    """The caller must authenticate, or do it better; the answer carries a challenge."""

    def __init__(self, host: str, scopes: str, *, refused: bytes = b"", message: str = "") -> None:
        challenge = ports.authorizer().challenge(host, scopes, refused=refused)
        super().__init__(Code.UNAUTHORIZED, message, headers={"WWW-Authenticate": challenge})


def admit(
    operation: Operation, params: dict[str, str], *, authorization: bytes, address: str, host: str, source: str = ""
) -> Caller:
    """The caller of an operation, if it may. Blocks on the database.

    `source` is the repository a blob is to be mounted from. Raises Refused, DENIED or TOOMANYREQUESTS.
    """
    scopes = scopes_of(operation, params, source)
    if not authorization:
        raise Refused(host, scopes)
    caller = authenticate(authorization, address, host, scopes)
    if CATALOG in operation.rights:
        if not caller.may_list_catalog():
            raise OCIError(Code.DENIED, "only a system administrator may list the catalog")
        return caller
    if "name" in params:
        _check_rights(caller, operation, params["name"], Refused(host, scopes, refused=authorization))
        if source and not caller.covers(source):
            raise Refused(host, scopes, refused=authorization)
    return caller


def authenticate(authorization: bytes, address: str, host: str, scopes: str) -> Caller:
    """The caller behind the credentials. Raises Refused or TOOMANYREQUESTS."""
    authorizer = ports.authorizer()
    try:
        return authorizer.cached(authorization) or authorizer.authenticate(authorization, address)
    except ports.Unauthenticated as error:
        raise Refused(host, scopes, refused=authorization, message=str(error)) from None
    except ports.TooManyAttempts as error:
        headers = {"Retry-After": str(error.retry_after)}
        raise OCIError(Code.TOOMANYREQUESTS, "too many failed logins: wait a moment", headers=headers) from None


def scopes_of(operation: Operation, params: dict[str, str], source: str = "") -> str:
    """The scopes of a challenge, separated by a space (Docker Registry token authentication)."""
    if CATALOG in operation.rights:
        return "registry:catalog:*"
    if "name" not in params:
        return ""
    scopes = f"repository:{params['name']}:{','.join(operation.rights)}"
    return f"{scopes} repository:{source}:pull" if source else scopes


def _check_rights(caller: Caller, operation: Operation, name: str, refused: Refused) -> None:
    created_at = selectors.namespace_created_at(name)
    if all(caller.may(right, name, created_at) for right in operation.rights):
        return
    if not caller.covers(name):
        raise refused
    # Nobody learns from the answer whether a project they have no right in exists.
    raise OCIError(Code.DENIED, f"project {namespace_of(name)!r} does not exist, or you may not do this in it")
