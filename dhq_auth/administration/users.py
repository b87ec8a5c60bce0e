"""The routes by which users are managed: by whom, the policies on `auth_users` say."""

from typing import Any, Final

from aiohttp import web

from dhq_auth.access.accounts import (
    NAMES,
    add_account,
    change_user,
    check_password,
    checked,
    delete_user,
)
from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.accounts import store as accounts
from dhq_auth.accounts.store import User
from dhq_auth.administration import openapi, store
from dhq_auth.administration.cursor import cursor_of, may_be_id, place_of
from dhq_auth.administration.fields import (
    changed_flags,
    changed_names,
    limit_of,
    names_of,
    reading_of,
)
from dhq_auth.administration.guard import USERS, Guard, Permit, sent_with
from dhq_auth.administration.record import record_of
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import InvalidRequest, NotFound
from dhq_auth.sdk.decision import Action
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import Params, params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

NO_SUCH_USER = "There is no such user."
FIXABLE: Final = ("username", "email", *NAMES, "is_admin")
"""What a policy may fix of a user who is made."""


class UserViews:
    """Users, for whom the policies let."""

    def __init__(
        self,
        settings: Settings,
        work: Work,
        authenticator: Authenticator,
        logins: PasswordLogins,
    ) -> None:
        self._settings = settings
        self._work = work
        self._guard = Guard(authenticator, USERS)
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
        who = await self._guard.authenticate(request, sent)
        async with self._work.read() as db:
            permit = await self._guard.look(db, who, reading_of(sent))
            limit, cursor = limit_of(sent), sent.text("cursor")
            after = place_of(cursor) if cursor is not None else None
            found = await store.users_after(db, limit + 1, after, decision=permit.decision)
        page = found[:limit]
        more = cursor_of(page[-1]) if len(found) > limit else None
        return web.json_response({"items": [record_of(user) for user in page], "next": more})

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Add a user; whose the email is an administrator knows, so it counts as verified."""
        sent = await params(request, self._settings.limits)
        who = await self._guard.authenticate(request, sent)
        async with self._work.read() as db:  # nothing is hashed for who may not
            permit = await self._guard.look(db, who, "create")
        hashed = await self._hashed(request, sent_with(sent, permit, FIXABLE))

        async def add(tx: Transaction) -> User:
            permit = await self._guard.hold(tx, who, "create")
            taken = sent_with(sent, permit, FIXABLE)
            user = await add_account(
                tx,
                checked(names_of(taken), reserved=True),
                hashed,
                vouched=permit.by_administrator,
                is_admin=taken.flag("is_admin"),
            )
            permit.check(user)
            return user

        user = await self._work.transact(source(request), add)
        return web.json_response(record_of(user), status=201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Give one user."""
        who = await self._guard.authenticate(request, query(request))
        async with self._work.read() as db:
            permit = await self._guard.look(db, who, "read")
            user = _reached(permit, await accounts.user_by_id(db, _id_of(request)))
        return web.json_response(record_of(user))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change names and flags of a user; all else that is sent is ignored."""
        sent = await params(request, self._settings.limits)
        who = await self._guard.authenticate(request, sent)

        async def change(tx: Transaction) -> User:
            permit, user = await self._meant(tx, request, who, "update")
            changes: dict[str, Any] = {**changed_names(sent), **changed_flags(sent)}
            user = await change_user(tx, user.id, changes, by=who.user.id)
            permit.check(user)
            return user

        return web.json_response(record_of(await self._work.transact(source(request), change)))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete a user, and every session and token with it."""
        who = await self._guard.authenticate(request, await params(request, self._settings.limits))

        async def delete(tx: Transaction) -> None:
            _, user = await self._meant(tx, request, who, "delete")
            await delete_user(tx, user, by=who.user.id)

        await self._work.transact(source(request), delete)
        return web.json_response({})

    async def _hashed(self, request: web.Request, sent: Params) -> str | None:
        """Return the hash of the password that is sent, None where there are no passwords.

        What else is sent is judged first: nothing is hashed for what is no user.
        """
        names = checked(names_of(sent), reserved=True)
        sent.flag("is_admin")
        if not self._settings.password_login:
            return None
        password = sent.string("password")
        if password is None:
            raise InvalidRequest("The parameter password is missing.")
        password = check_password(password, names, self._settings)
        return await self._logins.hashed(password, source(request))

    async def _meant(
        self, tx: Transaction, request: web.Request, who: Authenticated, action: Action
    ) -> tuple[Permit, User]:
        """Return what is let and the user whom the path names, both as they stay; or NotFound."""
        permit = await self._guard.hold(tx, who, action)
        return permit, _reached(permit, await accounts.lock_user(tx.db, _id_of(request)))


def _id_of(request: web.Request) -> str:
    """Return the id in the path; NotFound if it can be nobody's."""
    user_id = request.match_info["id"]
    if not may_be_id(user_id):
        raise NotFound(NO_SUCH_USER)
    return user_id


def _reached(permit: Permit, user: User | None) -> User:
    """Return *user* if it is within reach; who is not is told apart from nobody by nothing."""
    if user is None or not permit.reaches(user):
        raise NotFound(NO_SUCH_USER)
    return user
