"""The end of a login in a browser: on to where it leads, with what it gets there."""

from aiohttp import web

from dhq_auth.access.begin import last_token_ends, login_token
from dhq_auth.access.codes import give
from dhq_auth.credentials import session
from dhq_auth.events import Source
from dhq_auth.login.attempt import Destination
from dhq_auth.redirects import handed_over, with_parameter
from dhq_auth.sessions import store as sessions
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.work import Transaction, Work


class Finish:
    """Leads on who has logged in."""

    def __init__(self, settings: Settings, work: Work, signer: TokenSigner) -> None:
        self._settings = settings
        self._work = work
        self._signer = signer

    async def way_on(self, destination: Destination, user_id: str, session_id: str) -> str:
        """Return where the browser goes now, with the token or the code that it carries."""
        if destination.next is None:
            return f"{self._settings.issuer}/profile"
        if destination.code_challenge is None:
            token = await login_token(self._signer, user_id, session_id, self._settings)
            return with_parameter(destination.next, "jwt", token)
        code = await give(
            self._work,
            user_id,
            session_id,
            destination.code_challenge,
            self._settings.limits.login_code_lifetime,
            handed_to=handed_over(destination.next),
        )
        return with_parameter(destination.next, "code", code)

    async def prolong(self, session_id: str) -> None:
        """Keep the row of a session for as long as a token may live that is made of it now."""

        async def keep(tx: Transaction) -> None:
            until = last_token_ends(tx.now, self._settings)
            await sessions.keep_for_token(tx.db, session_id, until)

        await self._work.transact(Source(), keep)

    def set_cookie(self, request: web.Request, response: web.StreamResponse, secret: str) -> None:
        """Give the browser its session, unless a page elsewhere has sent it here."""
        session.give_cookie(request, response, secret, self._settings)
