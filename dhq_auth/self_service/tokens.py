"""One's own API tokens: see them, make one, end one or all."""

from typing import Any

from aiohttp import web

from dhq_auth.access.tokens import Wanted, make_token, revoke_tokens
from dhq_auth.api_tokens import store
from dhq_auth.api_tokens.store import ApiToken
from dhq_auth.clock import rfc3339
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.credentials.held import keep_logged_in
from dhq_auth.errors import InvalidRequest, NotFound
from dhq_auth.message import Message
from dhq_auth.opaque import is_id
from dhq_auth.principal import LOGIN
from dhq_auth.self_service.listing import Part
from dhq_auth.self_service.name_and_password import Asking
from dhq_auth.self_service.openapi import tokens as openapi
from dhq_auth.self_service.wanted_token import wanted_token
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import Params, params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

NO_TOKEN = "You have no such token."  # noqa: S105 - what is said, not a secret


class TokenViews:
    """The tokens by which programs act for a user."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, asking: Asking
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._asking = asking

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        path = "/auth/tokens"
        return [
            Route(method="GET", path=path, handler=self.show, operation=openapi.LIST),
            Route(method="POST", path=path, handler=self.make, operation=openapi.MAKE),
            Route(method="DELETE", path=path, handler=self.end_all, operation=openapi.END_ALL),
            Route(
                method="POST",
                path=f"{path}/revoke",
                handler=self.revoke,
                operation=openapi.REVOKE,
            ),
            Route(
                method="DELETE",
                path=f"{path}/{{id}}",
                handler=self.end_one,
                operation=openapi.END_ONE,
            ),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """List the tokens of the user, those that ended in the last 30 days included."""
        sent = query(request)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        part = Part.wanted(sent)
        async with self._work.read() as db:
            found = await store.tokens_of(db, who.user.id, part.read, part.after)
        return web.json_response(part.answer([described(each) for each in found], "token_id"))

    async def make(self, request: web.Request) -> web.StreamResponse:
        """Make a token; its value is in this answer and nowhere else."""
        sent = await params(request, self._settings.limits)
        wanted = wanted_token(sent, self._work.now())
        who = await self._asking.who(request, sent, sent)
        token, value = await self.make_for(request, who, wanted)
        return web.json_response(made(token, value), status=201)

    async def end_one(self, request: web.Request) -> web.StreamResponse:
        """End one token of the user."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        await self._end(request, who, token_id=request.match_info["id"])
        return revoked("The token is revoked.")

    async def end_all(self, request: web.Request) -> web.StreamResponse:
        """End every token of the user, the developer token too."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        await self._end(request, who)
        return revoked("All tokens are revoked.")

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """End the token that is named by value or id; without either, all of them."""
        sent = await params(request, self._settings.limits)
        value, token_id = _named(sent, "token"), _named(sent, "token_id")
        if value is not None and token_id is not None:
            raise InvalidRequest("Name one token: by token or by token_id.")
        who = await self._asking.who(request, sent, _user(sent))
        await self._end(request, who, token_id=token_id, value=value)
        one = value is not None or token_id is not None
        return revoked("The token is revoked." if one else "All tokens are revoked.")

    async def make_for(
        self, request: web.Request, who: Authenticated, wanted: Wanted
    ) -> tuple[ApiToken, str]:
        """Make a token of *who*; return it with its value.

        Raises InvalidCredential if the login has ended, Conflict beyond MAX_API_TOKENS.
        """

        async def make(tx: Transaction) -> tuple[ApiToken, str]:
            await keep_logged_in(tx, who)
            limit = self._settings.limits.max_api_tokens
            return await make_token(tx, who.user, wanted, limit=limit)

        return await self._work.transact(source(request), make)

    async def _end(
        self,
        request: web.Request,
        who: Authenticated,
        *,
        token_id: str | None = None,
        value: str | None = None,
    ) -> None:
        if token_id is not None and not is_id(token_id):
            raise NotFound(NO_TOKEN)
        user_id = who.user.id
        ended = await self._work.transact(
            source(request),
            lambda tx: revoke_tokens(tx, user_id=user_id, token_id=token_id, value=value),
        )
        if not ended and (token_id is not None or value is not None):
            raise NotFound(NO_TOKEN)


def described(token: ApiToken) -> dict[str, Any]:
    """Return what its owner may know of *token*; never its value."""
    return {
        "token_id": token.id,
        "title": token.title,
        "hint": token.hint,
        "developer": token.is_developer,
        "scopes": None if token.scopes is None else sorted(token.scopes),
        "created_at": rfc3339(token.created_at),
        "expires_at": rfc3339(token.expires_at),
        "used_at": rfc3339(token.used_at),
        "revoked_at": rfc3339(token.revoked_at),
    }


def made(token: ApiToken, value: str) -> dict[str, Any]:
    """Return what is told of a token that was just made, its value this once."""
    return {
        "success": True,
        "token": value,
        "token_id": token.id,
        "title": token.title,
        "expires_at": rfc3339(token.expires_at),
    }


def revoked(message: str) -> web.Response:
    """Return the answer to whoever ended a token."""
    return web.json_response({"success": True, "message": message})


def _named(sent: Params, name: str) -> str | None:
    """Return the text *name*; a blank one is refused, since without any all tokens are meant."""
    if sent.get(name) == "":
        raise InvalidRequest(
            Message("The parameter {name} is blank; leave it out to revoke all tokens.", name=name)
        )
    return sent.text(name)


def _user(sent: Params) -> Params:
    match sent.get("user"):
        case None:
            return Params(())
        case dict(user):
            return Params(user.items())
    raise InvalidRequest("user must be an object with username and password.")
