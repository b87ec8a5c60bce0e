"""The routes of logins with a password: register, log in, go on as who one is already."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from dhq_auth.access.accounts import Names, add_account, check_password, checked
from dhq_auth.access.begin import Login, answer, begin_session
from dhq_auth.access.password_login import MAX_NAME, PasswordLogins, still_holds
from dhq_auth.access.store import Account
from dhq_auth.accounts.store import User
from dhq_auth.credentials import Authenticator, session
from dhq_auth.errors import AuthError, Forbidden, InvalidRequest, WrongPassword
from dhq_auth.login import openapi
from dhq_auth.login.attempt import Attempts, Destination
from dhq_auth.login.finish import Finish
from dhq_auth.login.pages import LoginPages
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.web.client import device, source
from dhq_auth.web.errors import wants_page
from dhq_auth.web.params import Params, params
from dhq_auth.web.render import redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

PASSWORD = "password"  # noqa: S105 - the name of the provider in lists and events
MISSING = "Give a username or an email, and a password."


class PasswordViews:
    """Logging in here."""

    def __init__(
        self,
        *,
        settings: Settings,
        work: Work,
        signer: TokenSigner,
        authenticator: Authenticator,
        logins: PasswordLogins,
        attempts: Attempts,
        pages: LoginPages,
    ) -> None:
        self._settings = settings
        self._work = work
        self._signer = signer
        self._authenticator = authenticator
        self._logins = logins
        self._attempts = attempts
        self._finish = Finish(settings, work, signer)
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        routes = [
            Route(method="POST", path="/login/continue", handler=self.resume, kind="page"),
        ]
        if self._settings.password_login:
            routes += [
                Route(
                    method="POST",
                    path="/auth/login",
                    handler=self.log_in,
                    operation=openapi.PASSWORD_LOGIN,
                ),
                Route(
                    method="POST",
                    path="/auth/register",
                    handler=self.register,
                    operation=openapi.REGISTER,
                ),
            ]
        return routes

    async def log_in(self, request: web.Request) -> web.StreamResponse:
        """Begin a session for name and password."""
        sent = await params(request, self._settings.limits)
        destination = self._destination(request, sent)

        async def log_in() -> web.StreamResponse:
            name, password = _name(sent), sent.string("password")
            if name is None or password is None:
                raise InvalidRequest(MISSING)
            account = await self._logins.account_of(name, password, source(request))
            login = await self._begun(request, account)
            return await self._answer(request, destination, login)

        return await self._or_form_again(request, log_in, "login", destination, sent)

    async def register(self, request: web.Request) -> web.StreamResponse:
        """Make an account with a password; who does it with a form is logged in by that."""
        sent = await params(request, self._settings.limits)
        destination = self._destination(request, sent)

        async def register() -> web.StreamResponse:
            if not self._settings.registration_is_open:
                raise Forbidden(
                    "Accounts are made by administrators here.", code="registration_closed"
                )
            return await self._registered(request, sent, destination)

        return await self._or_form_again(request, register, "register", destination, sent)

    async def resume(self, request: web.Request) -> web.StreamResponse:
        """Lead on who is signed in already: to `next`, as a login would."""
        sent = await params(request, self._settings.limits)
        destination = self._destination(request, sent)
        who = await self._authenticator.of_cookie(request)
        if who is None or who.principal.session_id is None:
            return redirect(destination.added_to(f"{self._settings.issuer}/login"), status=303)
        session_id = who.principal.session_id
        await self._finish.prolong(session_id)
        return redirect(await self._finish.way_on(destination, who.user.id, session_id), status=303)

    def _destination(self, request: web.Request, sent: Params) -> Destination:
        """Return where the login leads; raises Forbidden for the form of another site."""
        # Who is logged in by somebody else's page works in somebody else's account.
        if wants_page(request) and not session.counts(request, self._settings.external_address):
            raise Forbidden("This form was sent by another site.", code="foreign_form")
        destination = self._attempts.destination(sent)
        self._attempts.check(destination)
        return destination

    async def _registered(
        self, request: web.Request, sent: Params, destination: Destination
    ) -> web.StreamResponse:
        names = checked(
            Names(
                username=sent.text("username", max_length=MAX_NAME),
                email=sent.text("email", max_length=MAX_NAME),
                name=sent.text("name", max_length=MAX_NAME),
                first_name=sent.text("first_name", max_length=MAX_NAME),
                last_name=sent.text("last_name", max_length=MAX_NAME),
            )
        )
        password = sent.string("password")
        if password is None:
            raise InvalidRequest(MISSING)
        password = check_password(password, names, self._settings)
        hashed = await self._logins.hashed(password, source(request))
        form = wants_page(request)

        async def make(tx: Transaction) -> tuple[User, Login | None]:
            user = await add_account(tx, names, hashed, vouched=False)
            return user, await self._session(tx, request, user) if form else None

        user, login = await self._work.transact(source(request), make)
        if login is not None:
            return await self._answer(request, destination, login)
        return web.json_response({"id": user.id, "username": user.username}, status=201)

    async def _begun(self, request: web.Request, account: Account) -> Login:
        async def begin(tx: Transaction) -> Login:
            if not await still_holds(tx, account):
                raise WrongPassword
            return await self._session(tx, request, account.user)

        return await self._work.transact(source(request), begin)

    async def _session(self, tx: Transaction, request: web.Request, user: User) -> Login:
        return await begin_session(
            tx,
            user,
            PASSWORD,
            self._settings,
            device=device(request),
            replaced_cookie=session.cookie_secret(request, self._settings),
        )

    async def _answer(
        self, request: web.Request, destination: Destination, login: Login
    ) -> web.StreamResponse:
        user, session_id = login.user, login.session.id
        response: web.Response
        if wants_page(request):
            way_on = await self._finish.way_on(destination, user.id, session_id)
            response = redirect(way_on, status=303)
        else:
            response = web.json_response(
                await answer(self._signer, user, session_id, self._settings)
            )
        self._finish.set_cookie(request, response, login.session.secret)
        return response

    async def _or_form_again(
        self,
        request: web.Request,
        act: Callable[[], Awaitable[web.StreamResponse]],
        form: str,
        destination: Destination,
        sent: Params,
    ) -> web.StreamResponse:
        """Return what *act* answers; a person who is refused gets the form once more."""
        try:
            return await act()
        except AuthError as error:
            if not wants_page(request):
                raise
            return self._pages.again(request, form, destination, sent, error)


def _name(sent: Params) -> str | None:
    return sent.text("username", max_length=8192) or sent.text("email", max_length=8192)
