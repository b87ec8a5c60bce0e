"""The pages of API tokens and of the developer token, and their forms.

A value is shown in the answer to the form that made it: it is never in an address or a cookie.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from dhq_auth.access.tokens import revoke_tokens
from dhq_auth.api_tokens import store
from dhq_auth.api_tokens.store import ApiToken
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import AuthError, Conflict, InvalidRequest, NotFound
from dhq_auth.opaque import is_id
from dhq_auth.self_service.developer_token import DeveloperTokenViews
from dhq_auth.self_service.signed_in import signed_in
from dhq_auth.self_service.tokens import NO_TOKEN, TokenViews
from dhq_auth.self_service.wanted_token import wanted_token
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import Params, params
from dhq_auth.web.render import Pages, redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

SHOWN = 200
NEVER = "never"
DAYS: Final = {str(days): days for days in (7, 30, 90, 365)}


class TokenPages:
    """The tokens of a user, for people."""

    def __init__(
        self,
        *,
        settings: Settings,
        work: Work,
        authenticator: Authenticator,
        tokens: TokenViews,
        developer: DeveloperTokenViews,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._api_tokens = tokens
        self._developer = developer
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        pages = (
            ("GET", "/profile/tokens", self.show),
            ("POST", "/profile/tokens", self.make),
            ("POST", "/profile/tokens/revoke", self.revoke),
            ("GET", "/profile/developer", self.show_developer),
            ("POST", "/profile/developer", self.make_developer),
            ("POST", "/profile/developer/revoke", self.revoke_developer),
        )
        issuer = self._settings.issuer
        return [
            Route(
                method="GET" if method == "GET" else "POST",
                path=path,
                handler=signed_in(self._authenticator, issuer, handler),
                kind="page",
            )
            for method, path, handler in pages
        ]

    async def show(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Show the tokens of the user, but for the developer token."""
        return await self._tokens(request, who)

    async def make(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Make a token and show its value, this once."""
        sent = await params(request, self._settings.limits)
        try:
            wanted = wanted_token(_in_seconds(sent), self._work.now())
            token, value = await self._api_tokens.make_for(request, who, wanted)
        except (InvalidRequest, Conflict) as error:
            return await self._tokens(request, who, error=error)
        made = {"token": value, "title": token.title}
        return await self._tokens(request, who, made=made, status=201)

    async def revoke(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """End the token `token_id`, or with `all` every one that is on the page."""
        sent = await params(request, self._settings.limits)
        everyone, token_id = sent.flag("all"), sent.text("token_id", max_length=64) or ""
        if not everyone and not is_id(token_id):
            raise NotFound(NO_TOKEN)

        async def revoke(tx: Transaction) -> Sequence[ApiToken]:
            return await revoke_tokens(
                tx,
                user_id=who.user.id,
                token_id=None if everyone else token_id,
                developer=False if everyone else None,
            )

        ended = await self._work.transact(source(request), revoke)
        if not ended and not everyone:
            raise NotFound(NO_TOKEN)
        return redirect(f"{self._settings.issuer}/profile/tokens", status=303)

    async def show_developer(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Show what is known of the developer token."""
        return self._developer_page(request, await self._developer.of(who))

    async def make_developer(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Make the developer token anew and show its value, this once."""
        token, value = await self._developer.make_for(request, who)
        return self._developer_page(request, token, made=value)

    async def revoke_developer(
        self, request: web.Request, who: Authenticated
    ) -> web.StreamResponse:
        """End the developer token."""
        await self._developer.end_of(request, who)
        return redirect(f"{self._settings.issuer}/profile/developer", status=303)

    def _developer_page(
        self, request: web.Request, token: ApiToken | None, made: str | None = None
    ) -> web.Response:
        return self._pages.render(
            request, "developer.html", status=201 if made else 200, token=token, made=made
        )

    async def _tokens(
        self,
        request: web.Request,
        who: Authenticated,
        *,
        made: dict[str, str] | None = None,
        error: AuthError | None = None,
        status: int = 200,
    ) -> web.Response:
        async with self._work.read() as db:
            found = await store.newest_tokens_of(db, who.user.id, SHOWN)
        now = self._work.now()
        return self._pages.render(
            request,
            "tokens.html",
            status=error.status if error else status,
            tokens=[_shown(token, now) for token in found if not token.is_developer],
            made=made,
            error=(error.detail or error.title) if error else None,
        )


def _shown(token: ApiToken, now: datetime) -> dict[str, Any]:
    return {
        "token_id": token.id,
        "title": token.title,
        "hint": token.hint,
        "scopes": token.scopes,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
        "revoked_at": token.revoked_at,
        "expired": token.revoked_at is None and not token.is_live(now),
    }


def _in_seconds(sent: Params) -> Params:
    """Return the form with `expires_in` in seconds; people choose days."""
    days = sent.string("expires_in") or NEVER
    if days != NEVER and days not in DAYS:
        raise InvalidRequest("Choose for how long the token counts.")
    seconds = None if days == NEVER else int(timedelta(days=DAYS[days]).total_seconds())
    return Params({**sent, "expires_in": seconds}.items())
