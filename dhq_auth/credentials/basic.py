"""Name and password with each request (RFC 7617)."""

from base64 import b64decode

from aiohttp import web

from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.credentials.kind import Authenticated
from dhq_auth.errors import InvalidCredential
from dhq_auth.hookspecs import Presented
from dhq_auth.web.client import source


class Basic:
    """The kind `basic`."""

    def __init__(self, logins: PasswordLogins) -> None:
        self._logins = logins

    async def authenticate(
        self,
        request: web.Request,
        presented: Presented | None,
        *,
        remember: bool = False,  # noqa: ARG002
    ) -> Authenticated | None:
        """Return whose name and password are presented."""
        if presented is None or presented.scheme != "basic":
            return None
        try:
            name, password = _name_and_password(presented.value)
            account = await self._logins.account_of(name, password, source(request))
        except InvalidCredential as error:
            error.scheme = "Basic"
            raise
        return Authenticated.by_password(account)


def _name_and_password(value: str) -> tuple[str, str]:
    """Read user-id and password (RFC 7617 2); a name has no colon, a password may."""
    try:
        name, colon, password = b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        raise InvalidCredential("Basic must be followed by name:password in base64") from None
    if not colon:
        raise InvalidCredential("Basic must be followed by name:password in base64")
    return name, password
