"""Who asks where name and password may stand in the place of a credential."""

from typing import Final

from aiohttp import web

from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.credentials.presented import presented
from dhq_auth.errors import Forbidden, InvalidRequest
from dhq_auth.principal import LOGIN
from dhq_auth.settings import Settings
from dhq_auth.web.client import ACTOR, source
from dhq_auth.web.params import Params

MAX_NAME: Final = 8192
_FIELDS: Final = frozenset({"username", "email", "password"})


class Asking:
    """Says whose login it is: that of a credential, or of name and password beside what is asked."""

    def __init__(
        self, settings: Settings, authenticator: Authenticator, logins: PasswordLogins
    ) -> None:
        self._settings = settings
        self._authenticator = authenticator
        self._logins = logins

    async def who(self, request: web.Request, sent: Params, stated: Params) -> Authenticated:
        """Return who asks; *stated* are the parameters in which name and password may stand.

        Name and password count before the cookie, as everything that is presented explicitly; they
        are throttled as any login. Raises what the authenticator raises, WrongPassword,
        TooManyRequests; InvalidRequest for half of them, or beside another explicit credential;
        Forbidden where logins with a password are off.
        """
        if not _FIELDS & stated.keys():
            return await self._authenticator.authenticate(request, sent, LOGIN)
        name = stated.text("username", max_length=MAX_NAME)
        name = name or stated.text("email", max_length=MAX_NAME)
        password = stated.string("password")
        if name is None or password is None:
            raise InvalidRequest("Give a username or an email, and a password.")
        if presented(request, sent) is not None:
            raise InvalidRequest("Present a credential, or name and password: one of them.")
        if not self._settings.password_login:
            raise Forbidden("Nobody logs in with a password here.", code="password_login_off")
        account = await self._logins.account_of(name, password, source(request))
        request[ACTOR] = account.user.id
        return Authenticated.by_password(account)
