"""Who is calling, may they, and if not: what they are told."""

from dataclasses import dataclass

from registry import ports, selectors
from registry.distribution.routes import CATALOG, Operation
from registry.oci.errors import Code, OCIError
from registry.oci.names import namespace_of
from registry.ports import Caller

_READS = frozenset({"GET", "HEAD"})


@dataclass(slots=True)
class Admission:
    """One request's way in: `known` or `authenticate` tells its caller, `check` whether that caller may."""

    operation: Operation
    method: str
    params: dict[str, str]
    authorization: bytes
    address: str
    host: str
    source: str = ""  # The repository a blob is to be mounted from.

    @property
    def by_password(self) -> bool:
        """Whether the credentials are a name and password."""
        return self.authorization[:6].lower() == b"basic "

    def known(self) -> Caller | None:
        """The caller, from memory alone. Raises the challenge when there are no credentials at all."""
        if not self.authorization:
            raise self._refused()
        return ports.authorizer().cached(self.authorization)

    def authenticate(self) -> Caller:
        """The caller behind the credentials. Raises the challenge, or TOOMANYREQUESTS. Blocks, for a password long."""
        try:
            return ports.authorizer().authenticate(self.authorization, self.address)
        except ports.Unauthenticated as error:
            raise self._refused(str(error)) from None
        except ports.TooManyAttempts as error:
            headers = {"Retry-After": str(error.retry_after)}
            raise OCIError(Code.TOOMANYREQUESTS, "too many failed logins: wait a moment", headers=headers) from None

    def check(self, caller: Caller) -> None:
        """Raises DENIED when the caller may not, or the challenge when better credentials could. Blocks on the database."""
        if CATALOG in self.operation.rights and not caller.may_list_catalog():
            raise OCIError(Code.DENIED, "only a system administrator may list the catalog")
        name = self.params.get("name")
        if name is None:
            return
        created_at = selectors.namespace_created_at(name)
        may = all(caller.may(right, name, created_at) for right in self.operation.rights)
        source_covered = not self.source or caller.covers(self.source)
        if may and source_covered:
            self._check_writable()
            return
        if not (source_covered and caller.covers(name)):
            raise self._refused()
        # Nobody learns from the answer whether a project they have no right in exists.
        raise OCIError(Code.DENIED, f"project {namespace_of(name)!r} does not exist, or you may not do this in it")

    def _check_writable(self) -> None:
        if self.method not in _READS and ports.writes().read_only():
            raise OCIError(Code.DENIED, "the registry is read only now: an administrator has to allow changes again")

    def _refused(self, message: str = "") -> OCIError:
        challenge = ports.authorizer().challenge(self.host, self._scopes(), refused=self.authorization)
        return OCIError(Code.UNAUTHORIZED, message, headers={"WWW-Authenticate": challenge})

    def _scopes(self) -> str:
        """The scopes of a challenge, separated by a space (Docker Registry token authentication)."""
        if CATALOG in self.operation.rights:
            return "registry:catalog:*"
        if "name" not in self.params:
            return ""
        scopes = f"repository:{self.params['name']}:{','.join(self.operation.rights)}"
        return f"{scopes} repository:{self.source}:pull" if self.source else scopes
