"""Who may administer users: the one place that says so."""

from aiohttp import web

from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.credentials.held import ADMINISTRATORS_ONLY
from dhq_auth.errors import Forbidden
from dhq_auth.principal import ADMIN
from dhq_auth.web.params import Params


async def administrator(
    authenticator: Authenticator, request: web.Request, sent: Params
) -> Authenticated:
    """Return the administrator who presents *request*, as the database has him at this moment.

    Raises InvalidCredential without a good credential; Forbidden for everybody else, and for a
    token that was made for less.
    """
    who = await authenticator.authenticate(request, sent, ADMIN)
    if not who.user.is_admin:
        raise Forbidden(ADMINISTRATORS_ONLY)
    return who
