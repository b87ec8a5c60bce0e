"""The routes of a login: who am I, where can I log in, there and back again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from aiohttp import web

from dhq_auth.access.begin import Login, answer
from dhq_auth.access.codes import redeem
from dhq_auth.accounts.profile import own_profile_json
from dhq_auth.accounts.store import User
from dhq_auth.credentials import Authenticator, session
from dhq_auth.errors import AuthError, InvalidCredential, NotFound, Unavailable, UpstreamTimeout
from dhq_auth.events import LoginRefused
from dhq_auth.login import openapi
from dhq_auth.login.attempt import CALLBACK, Attempts, Destination
from dhq_auth.login.complete import complete
from dhq_auth.login.connectors import Connector, LoginRequest
from dhq_auth.login.finish import Finish
from dhq_auth.login.store import Attempt
from dhq_auth.message import Message
from dhq_auth.principal import PROFILE
from dhq_auth.settings import Settings
from dhq_auth.throttle.rates import RateLimit
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.web.client import CLIENT_ADDRESS, device, source
from dhq_auth.web.params import params, query
from dhq_auth.web.render import redirect
from dhq_auth.web.repeat import BELIEVED, FOR_ANOTHER, HOLDS, Body
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

Answer = TypeVar("Answer")
MAX_LOGIN_HINT = 320
"""Characters of a login hint, which is an email at the longest (RFC 3696, erratum 1690)."""


class LoginViews:
    """Logging in through the providers that are configured, and who is logged in."""

    def __init__(
        self,
        *,
        settings: Settings,
        work: Work,
        signer: TokenSigner,
        authenticator: Authenticator,
        connectors: Mapping[str, Connector],
        attempts: Attempts,
    ) -> None:
        self._settings = settings
        self._work = work
        self._signer = signer
        self._authenticator = authenticator
        self._connectors = connectors
        self._attempts = attempts
        self._finish = Finish(settings, work, signer)
        self._password = settings.password_login
        self._starts = RateLimit(
            settings.limits.login_starts,
            work.now,
            refusal="Too many logins were begun from here; wait a little.",
            name="login_starts",
        )

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(method="GET", path="/auth/check", handler=self.check, operation=openapi.CHECK),
            Route(
                method="GET",
                path="/auth/login/{provider}",
                handler=self.start,
                kind="redirect",
                operation=openapi.LOGIN,
            ),
            Route(
                method="GET",
                path=CALLBACK,
                handler=self.callback,
                kind="redirect",
                operation=openapi.CALLBACK,
            ),
            Route(
                method="POST",
                path="/auth/exchange",
                handler=self.exchange,
                operation=openapi.EXCHANGE,
            ),
        ]

    async def check(self, request: web.Request) -> web.StreamResponse:
        """Say who presents the credential, or where one can log in."""
        sent = query(request)
        destination = self._attempts.destination(sent)
        try:
            who = await self._authenticator.authenticate(request, sent, PROFILE, remember=True)
        except InvalidCredential as error:
            urls = self._start_urls(destination)
            return web.json_response(
                {
                    "authenticated": False,
                    "reason": error.reason,
                    "providers": {name: {"url": url} for name, url in urls.items()},
                }
            )
        if BELIEVED in request:
            request[HOLDS], request[FOR_ANOTHER] = request[BELIEVED], self._checked
        return web.Response(
            body=_authenticated(who.user), content_type="application/json", charset="utf-8"
        )

    def _checked(self, token: str) -> Body | None:
        """Say who presents *token*, where that is known at once."""
        known = self._authenticator.known(token, PROFILE)
        if known is None:
            return None
        who, holds = known
        return Body(_authenticated(who.user), holds)

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to a provider, and bind the login to this browser."""
        connector = self._connectors.get(request.match_info["provider"])
        if connector is None:
            raise NotFound("There is no login provider of this name.")
        self._starts.spend(request[CLIENT_ADDRESS])
        sent = query(request)
        destination = self._attempts.destination(sent)
        login_hint = sent.text("login_hint", max_length=MAX_LOGIN_HINT)
        begun = self._attempts.prepare(request, destination)
        try:
            # Asked before anything is remembered: a dead provider leaves no logins under way.
            url = await self._asked(connector, connector.authorization_url(begun, login_hint))
            await self._attempts.remember(begun, connector.settings.name, destination)
        except AuthError as error:
            error.way_back = self._way_back(destination)
            raise
        response = redirect(url)
        self._attempts.bind(response, begun)
        return response

    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Take up the login that comes back from a provider, and lead on to `next`."""
        sent = query(request)
        returned = {name: sent.text(name) or "" for name in sent}
        state = returned.get("state", "")
        attempt = await self._attempts.take(state)
        destination = self._attempts.destination_now(attempt)
        try:
            begun = self._attempts.resume(request, attempt, state)
            login = await self._completed(request, attempt, begun, returned)
        except AuthError as error:
            await self._remember_refusal(request, attempt, error)
            error.way_back = self._way_back(destination)
            raise
        way_on = await self._finish.way_on(destination, login.user.id, login.session.id)
        response = redirect(way_on)
        self._finish.set_cookie(request, response, login.session.secret)
        return response

    async def _completed(
        self,
        request: web.Request,
        attempt: Attempt,
        begun: LoginRequest,
        returned: Mapping[str, str],
    ) -> Login:
        connector = self._connectors.get(attempt.provider)
        if connector is None:
            raise NotFound("This login provider is gone.")
        identity = await self._asked(connector, connector.identity(begun, returned))
        return await complete(
            identity,
            connector.settings,
            self._work,
            self._settings,
            source(request),
            device=device(request),
            replaced_cookie=session.cookie_secret(request, self._settings),
        )

    async def _asked(self, connector: Connector, question: Awaitable[Answer]) -> Answer:
        """Return what a provider answers: one deadline, however many calls that takes."""
        try:
            async with asyncio.timeout(self._settings.limits.remote_login_timeout):
                return await question
        except TimeoutError:
            raise UpstreamTimeout(
                Message("{title} did not answer in time.", title=connector.settings.title)
            ) from None

    async def exchange(self, request: web.Request) -> web.StreamResponse:
        """Give the login token for a one-time code and its verifier (RFC 7636 4.5)."""
        sent = await params(request, self._settings.limits)
        code, verifier = sent.required("code"), sent.required("code_verifier")
        redeemed = await redeem(self._work, source(request), code, verifier)
        return web.json_response(
            await answer(self._signer, redeemed.user, redeemed.session_id, self._settings)
        )

    async def _remember_refusal(
        self, request: web.Request, attempt: Attempt, error: AuthError
    ) -> None:
        # With the database away there is nowhere to remember it; the refusal stands all the same.
        if isinstance(error, Unavailable):
            return
        with contextlib.suppress(Unavailable):
            refused = LoginRefused(user_id=None, provider=attempt.provider, reason=error.code)
            await self._work.tell(source(request), refused)

    def _start_urls(self, destination: Destination) -> dict[str, str]:
        """Return where a login at each provider begins; with a password on our own page."""
        urls = {
            name: destination.added_to(f"{self._settings.issuer}/auth/login/{name}")
            for name in self._connectors
        }
        return urls | {"password": self._way_back(destination)} if self._password else urls

    def _way_back(self, destination: Destination) -> str:
        """Return where one whose login failed can try again."""
        return destination.added_to(f"{self._settings.issuer}/login")


def _authenticated(user: User) -> bytes:
    return b'{"authenticated": true, "profile": %b}' % own_profile_json(user)
