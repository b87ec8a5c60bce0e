"""Pages and forms for who is signed in; everybody else is led to the login."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import Forbidden
from dhq_auth.web.client import ACTOR
from dhq_auth.web.render import redirect
from dhq_auth.web.routing import Handler

PageHandler = Callable[[web.Request, Authenticated], Awaitable[web.StreamResponse]]


def signed_in(authenticator: Authenticator, issuer: str, handler: PageHandler) -> Handler:
    """Return *handler* for the session of the browser, and nothing else that it may present.

    A cookie does not count in a form that another site has sent, so nothing is done for that.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        who = await authenticator.of_cookie(request)
        if who is None and not authenticator.takes_sessions:
            raise Forbidden("This service keeps no sessions (CREDENTIALS).", code="sessions_off")
        if who is None:
            return redirect(f"{issuer}/login", status=303)
        request[ACTOR] = who.user.id
        return await handler(request, who)

    return answer
