"""The routes by which administrators manage users."""

from typing import Any

from aiohttp import web

from dhq_auth.access.accounts import add_account, change_user, check_password, checked, delete_user
from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.accounts import store as accounts
from dhq_auth.accounts.store import User
from dhq_auth.administration import openapi, store
from dhq_auth.administration.administrators import administrator
from dhq_auth.administration.cursor import cursor_of, may_be_id, place_of
from dhq_auth.administration.fields import changed_flags, changed_names, limit_of, names_of
from dhq_auth.administration.record import record_of
from dhq_auth.credentials import Authenticator
from dhq_auth.credentials.held import keep_administrator
from dhq_auth.db import Db
from dhq_auth.errors import InvalidRequest, NotFound
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import Params, params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

NO_SUCH_USER = "There is no such user."


class UserViews:
    """Users, for administrators."""

    def __init__(
        self,
        settings: Settings,
        work: Work,
        authenticator: Authenticator,
        logins: PasswordLogins,
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._logins = logins

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        one = "/auth/users/{id}"
        return [
            Route(
                method="GET", path="/auth/users", handler=self.list_users, operation=openapi.LIST
            ),
            Route(method="POST", path="/auth/users", handler=self.add, operation=openapi.ADD),
            Route(method="GET", path=one, handler=self.show, operation=openapi.SHOW),
            Route(method="PUT", path=one, handler=self.change, operation=openapi.CHANGE),
            Route(method="DELETE", path=one, handler=self.delete, operation=openapi.DELETE),
        ]

    async def list_users(self, request: web.Request) -> web.StreamResponse:
        """Give a page of users, the oldest first: who is added meanwhile comes at the end."""
        sent = query(request)
        await administrator(self._authenticator, request, sent)
        limit, cursor = limit_of(sent), sent.text("cursor")
        after = place_of(cursor) if cursor is not None else None
        async with self._work.read() as db:
            found = await store.users_after(db, limit + 1, after)
        page = found[:limit]
        more = cursor_of(page[-1]) if len(found) > limit else None
        return web.json_response({"items": [record_of(user) for user in page], "next": more})

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Add a user; whose the email is the administrator knows, so it counts as verified."""
        sent = await params(request, self._settings.limits)
        who = await administrator(self._authenticator, request, sent)
        names = checked(names_of(sent), reserved=True)
        is_admin = sent.flag("is_admin")
        hashed = await self._hashed(request, sent)
        async with self._work.transaction(source(request)) as tx:
            await keep_administrator(tx, who)
            user = await add_account(tx, names, hashed, vouched=True, is_admin=is_admin)
        return web.json_response(record_of(user), status=201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Give one user."""
        await administrator(self._authenticator, request, query(request))
        async with self._work.read() as db:
            user = await self._named(db, request)
        return web.json_response(record_of(user))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change names and flags of a user; all else that is sent is ignored."""
        sent = await params(request, self._settings.limits)
        who = await administrator(self._authenticator, request, sent)
        changes: dict[str, Any] = {**changed_names(sent), **changed_flags(sent)}
        async with self._work.transaction(source(request)) as tx:
            await keep_administrator(tx, who)
            user = await self._named(tx.db, request)
            user = await change_user(tx, user.id, changes, by=who.user.id)
        return web.json_response(record_of(user))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete a user, and every session and token with it."""
        who = await administrator(
            self._authenticator, request, await params(request, self._settings.limits)
        )
        async with self._work.transaction(source(request)) as tx:
            await keep_administrator(tx, who)
            user = await self._named(tx.db, request)
            if not await delete_user(tx, user, by=who.user.id):
                raise NotFound(NO_SUCH_USER)
        return web.json_response({})

    async def _hashed(self, request: web.Request, sent: Params) -> str | None:
        """Return the hash of the password that is sent, None where there are no passwords."""
        if not self._settings.password_login:
            return None
        password = sent.string("password")
        if password is None:
            raise InvalidRequest("The parameter password is missing.")
        password = check_password(password, names_of(sent), self._settings)
        return await self._logins.hashed(password, source(request))

    async def _named(self, db: Db, request: web.Request) -> User:
        """Return the user whom the path names; raises NotFound."""
        user_id = request.match_info["id"]
        user = await accounts.user_by_id(db, user_id) if may_be_id(user_id) else None
        if user is None:
            raise NotFound(NO_SUCH_USER)
        return user
