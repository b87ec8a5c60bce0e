"""A login under way: bound to one browser by a cookie, to one provider, to one destination."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from dhq_auth.errors import InvalidRequest, LoginFailed, RedirectNotAllowed, Unavailable
from dhq_auth.events import Source
from dhq_auth.login import store
from dhq_auth.login.connectors import LoginRequest
from dhq_auth.login.store import Attempt
from dhq_auth.message import Message
from dhq_auth.opaque import SECRET_LENGTH, digest, new_secret
from dhq_auth.settings import Settings
from dhq_auth.web.cookies import cookie
from dhq_auth.web.params import Params
from dhq_auth.work import Transaction, Work

CALLBACK = "/auth/oauth_callback"
_SECRET = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_LENGTH}}}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a login leads: an allowed `next`, or None for our own pages.

    With a `code_challenge` (RFC 7636 4.2) it gets a one-time code, else the token itself.
    """

    next: str | None = None
    code_challenge: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The parameters that ask for a login to this destination."""
        if self.next is None:
            return {}
        if self.code_challenge is None:
            return {"next": self.next}
        return {
            "next": self.next,
            "response_mode": "code",
            "code_challenge": self.code_challenge,
            "code_challenge_method": "S256",
        }

    def added_to(self, path: str) -> str:
        """Return *path* with the query that asks for a login to this destination."""
        return f"{path}?{urlencode(self.fields)}" if self.fields else path


class Attempts:
    """Begins logins, and takes up those that come back."""

    def __init__(self, settings: Settings, work: Work) -> None:
        self._settings = settings
        self._work = work

    @property
    def cookie(self) -> str:
        """The name of the cookie that binds logins to a browser."""
        return "__Host-login" if self._settings.is_https else "dhq_auth_login"

    def destination(self, params: Params) -> Destination:
        """Return where *params* want a login to lead.

        Raises RedirectNotAllowed for a `next` that may receive nothing, InvalidRequest for a
        `response_mode` or challenge that is malformed.
        """
        wanted, challenge = params.text("next"), _code_challenge(params)
        if wanted is None:
            return Destination()
        try:
            return Destination(self._settings.redirects.check(wanted), challenge)
        except ValueError as error:
            raise RedirectNotAllowed(
                Message("next is refused: {reason}.", reason=str(error))
            ) from None

    def prepare(self, request: web.Request, destination: Destination) -> LoginRequest:
        """Return a login that the browser of *request* begins; nothing is remembered yet.

        Raises InvalidRequest where *destination* takes codes only, and none is asked for.
        """
        self.check(destination)
        # One secret serves all the logins that a browser has under way in its tabs.
        browser = self._browser_secret(request) or new_secret()
        return LoginRequest(f"{self._settings.issuer}{CALLBACK}", new_secret(), browser)

    def check(self, destination: Destination) -> None:
        """Raise InvalidRequest where *destination* takes codes only, and none is asked for."""
        if not self._may_receive(destination):
            raise InvalidRequest("This application takes codes only: send response_mode=code.")

    async def remember(self, begun: LoginRequest, provider: str, destination: Destination) -> None:
        """Wait for *begun* to come back from *provider*.

        Raises Unavailable while LOGIN_ATTEMPTS_PENDING others are under way.
        """
        limits = self._settings.limits
        attempt = Attempt(
            state_digest=digest(begun.state),
            browser_digest=digest(begun.browser_secret),
            provider=provider,
            next=destination.next,
            code_challenge=destination.code_challenge,
            expires_at=self._work.now() + limits.login_attempt_lifetime,
        )

        async def add(tx: Transaction) -> None:
            if await store.count_attempts(tx.db) >= limits.login_attempts_pending:
                raise Unavailable("Too many logins are under way.", retry_after=60)
            await store.add_attempt(tx.db, attempt)

        await self._work.transact(Source(), add)

    async def take(self, state: str | None) -> Attempt:
        """Spend *state* and return the login that it belongs to; LoginFailed if there is none."""
        attempt = None
        if state and _SECRET.fullmatch(state) and await self._is_under_way(state):
            spent = digest(state)
            attempt = await self._work.transact(
                Source(), lambda tx: store.take_attempt(tx.db, spent)
            )
        # Committed: spent, whatever becomes of this request.
        if attempt is None:
            raise LoginFailed("This login is over, or took too long. Please start again.")
        return attempt

    def resume(self, request: web.Request, attempt: Attempt, state: str) -> LoginRequest:
        """Return the login that *attempt* remembers.

        Raises LoginFailed if it is too old, or was begun in another browser (RFC 6749 10.12).
        """
        browser = self._browser_secret(request)
        if attempt.expires_at <= self._work.now():
            raise LoginFailed("This login took too long. Please start again.")
        if browser is None or digest(browser) != attempt.browser_digest:
            raise LoginFailed("This login was begun in another browser. Please start again.")
        return LoginRequest(f"{self._settings.issuer}{CALLBACK}", state, browser)

    def destination_now(self, attempt: Attempt) -> Destination:
        """Return where *attempt* leads by the settings of today.

        Our own pages, if its `next` may no longer receive what it was to get when it began.
        """
        if attempt.next is None:
            return Destination()
        try:
            target = self._settings.redirects.check(attempt.next)
        except ValueError:
            return Destination()
        destination = Destination(target, attempt.code_challenge)
        return destination if self._may_receive(destination) else Destination()

    def bind(self, response: web.StreamResponse, begun: LoginRequest) -> None:
        """Give the browser the secret that its logins are bound to."""
        response.set_cookie(
            self.cookie,
            begun.browser_secret,
            max_age=int(self._settings.limits.login_attempt_lifetime.total_seconds()),
            path="/",
            secure=self._settings.is_https,
            httponly=True,
            samesite="Lax",
        )

    async def _is_under_way(self, state: str) -> bool:
        """Whether *state* is worth a transaction: made-up ones must not queue for it."""
        async with self._work.read() as db:
            return await store.is_under_way(db, digest(state))

    def _may_receive(self, destination: Destination) -> bool:
        """Whether what *destination* would get, a code or the token itself, may go there."""
        if destination.next is None or destination.code_challenge is not None:
            return True
        return self._settings.redirects.takes_tokens(destination.next)

    def _browser_secret(self, request: web.Request) -> str | None:
        secret = cookie(request, self.cookie)
        return secret if secret and _SECRET.fullmatch(secret) else None


def _code_challenge(params: Params) -> str | None:
    """Return the S256 challenge of an application that wants a code (RFC 7636 4.3)."""
    challenge = params.text("code_challenge")
    if params.text("code_challenge_method") not in {None, "S256"}:
        raise InvalidRequest("code_challenge_method must be S256.")
    match params.text("response_mode"):
        case "code":
            if challenge is None or not _CHALLENGE.fullmatch(challenge):
                raise InvalidRequest(
                    "With response_mode=code send code_challenge: the SHA-256 of your "
                    "code_verifier as 43 characters of base64url."
                )
            if params.text("next") is None:
                raise InvalidRequest("With response_mode=code send next: who gets the code?")
            return challenge
        case None | "jwt":
            if challenge is not None:
                raise InvalidRequest("code_challenge goes with response_mode=code.")
            return None
    raise InvalidRequest("response_mode must be code or jwt.")
