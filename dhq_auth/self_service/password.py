"""A new password: the old one is asked for, and all that it may have opened ends."""

from unicodedata import normalize

from aiohttp import web

from dhq_auth.access.accounts import change_password, check_password
from dhq_auth.access.begin import Login, answer, begin_session
from dhq_auth.access.password_login import PasswordLogins, still_holds
from dhq_auth.access.store import Account, password_facts
from dhq_auth.accounts.store import User, fold_email
from dhq_auth.credentials import Authenticated, Authenticator, session
from dhq_auth.credentials.held import keep_logged_in
from dhq_auth.errors import (
    AuthError,
    Conflict,
    Forbidden,
    InvalidRequest,
    WeakPassword,
    WrongPassword,
)
from dhq_auth.events import PasswordChanged
from dhq_auth.passwords import store as passwords
from dhq_auth.principal import LOGIN
from dhq_auth.self_service.openapi import password as openapi
from dhq_auth.self_service.profile import ProfilePage
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.web.client import device, source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import Params, params
from dhq_auth.web.render import redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

PASSWORD = "password"  # noqa: S105 - the name of the provider in lists and events
UNCHANGED = "This is the password that you have already; choose another one."


class PasswordViews:
    """Changing one's password, or choosing the first."""

    def __init__(
        self,
        *,
        settings: Settings,
        work: Work,
        authenticator: Authenticator,
        signer: TokenSigner,
        logins: PasswordLogins,
        profile: ProfilePage,
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._signer = signer
        self._logins = logins
        self._profile = profile

    def routes(self) -> list[Route]:
        """Return the routes of this feature; none where nobody has a password."""
        if not self._settings.password_login:
            return []
        return [
            Route(
                method="POST",
                path="/auth/users/me/password",
                handler=self.change,
                operation=openapi.CHANGE,
            )
        ]

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Set a new password; who asked is logged in anew, nobody else any more."""
        sent = await params(request, self._settings.limits)
        who = await self._authenticator.authenticate(request, sent, LOGIN)
        try:
            login = await self._changed(request, who, sent)
        except AuthError as error:
            if not wants_page(request):
                raise
            return await self._profile.again(request, who, "password", error)
        if wants_page(request):
            response = redirect(f"{self._settings.issuer}/profile", status=303)
        else:
            response = web.json_response(
                await answer(self._signer, login.user, login.session.id, self._settings)
            )
        session.give_cookie(request, response, login.session.secret, self._settings)
        return response

    async def _changed(self, request: web.Request, who: Authenticated, sent: Params) -> Login:
        current, wanted = sent.string("current_password"), sent.string("new_password")
        if wanted is None:
            raise InvalidRequest("Give current_password and new_password.")
        new = self._allowed(who.user, current, wanted)
        account = await self._confirmed(request, who, current)
        hashed = await self._logins.hashed(new, source(request))

        async def change(tx: Transaction) -> Login:
            await keep_logged_in(tx, who)
            if account is None:
                await _set_first(tx, who.user, hashed)
            else:
                if not await still_holds(tx, account):
                    raise Conflict("The password has been changed meanwhile.")
                await change_password(tx, who.user, hashed, by="user")
            return await begin_session(
                tx,
                who.user,
                PASSWORD,
                self._settings,
                device=device(request),
                replaced_cookie=session.cookie_secret(request, self._settings),
            )

        return await self._work.transact(source(request), change)

    def _allowed(self, user: User, current: str | None, wanted: str) -> str:
        new = check_password(wanted, user, self._settings)
        if current is not None and normalize("NFC", current) == new:
            raise WeakPassword(UNCHANGED, reason="unchanged")
        return new

    async def _confirmed(
        self, request: web.Request, who: Authenticated, current: str | None
    ) -> Account | None:
        """Return the account of *who*, whose password *current* is; None if there is none yet.

        A wrong one is no 401: what is presented holds, and clients would forget it.
        """
        async with self._work.read() as db:
            has_password, _ = await password_facts(db, who.user.id)
        if not has_password:
            who.principal.demand_recent_login(self._work.now())
            return None
        if current is None:
            raise InvalidRequest("Give current_password and new_password.")
        try:
            return await self._logins.confirm(who.user.id, current, source(request))
        except WrongPassword:
            raise Forbidden("The current password is wrong.", code="wrong_password") from None


async def _set_first(tx: Transaction, user: User, hashed: str) -> None:
    """Set the password of *user*, who has none: it opens a way in, and nothing has to end."""
    if (await password_facts(tx.db, user.id))[0]:
        raise Conflict("The password has been changed meanwhile.")
    await passwords.set_password(
        tx.db, user.id, hashed, tx.now, email_key=fold_email(user.email) if user.email else None
    )
    tx.emit(PasswordChanged(user_id=user.id, by="user"))
