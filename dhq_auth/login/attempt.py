"""A login under way: bound to one browser by a cookie, to one provider, to one `next`."""

import re

from aiohttp import web

from dhq_auth.errors import InvalidRequest, LoginFailed, RedirectNotAllowed, Unavailable
from dhq_auth.events import Source
from dhq_auth.login import store
from dhq_auth.login.connectors import LoginRequest
from dhq_auth.login.store import Attempt
from dhq_auth.opaque import SECRET_LENGTH, digest, new_secret
from dhq_auth.settings import Settings
from dhq_auth.web.params import Params
from dhq_auth.work import Work

CALLBACK = "/auth/oauth_callback"
_SECRET = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_LENGTH}}}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Attempts:
    """Begins logins, and takes up those that come back."""

    def __init__(self, settings: Settings, work: Work) -> None:
        self._settings = settings
        self._work = work

    @property
    def cookie(self) -> str:
        """The name of the cookie that binds logins to a browser."""
        return "__Host-login" if self._settings.is_https else "dhq_auth_login"

    def checked_next(self, params: Params) -> str | None:
        """Return `next` if a token may go there; raises RedirectNotAllowed."""
        wanted = params.text("next")
        if wanted is None:
            return None
        try:
            return self._settings.redirects.check(wanted)
        except ValueError as error:
            raise RedirectNotAllowed(f"next is refused: {error}.") from None

    async def begin(self, request: web.Request, provider: str, params: Params) -> LoginRequest:
        """Remember a login at *provider* that the browser of *request* begins."""
        target, challenge = self.checked_next(params), self._code_challenge(params)
        if target and not challenge and not self._settings.redirects.takes_tokens(target):
            raise InvalidRequest("This application takes codes only: send response_mode=code.")
        # One secret serves all the logins that a browser has under way in its tabs.
        browser = self._browser_secret(request) or new_secret()
        begun = LoginRequest(f"{self._settings.issuer}{CALLBACK}", new_secret(), browser)
        limits = self._settings.limits
        async with self._work.transaction(Source()) as tx:
            if await store.count_attempts(tx.db) >= limits.login_attempts_pending:
                raise Unavailable("too many logins are under way", retry_after=60)
            await store.add_attempt(
                tx.db,
                Attempt(
                    state_digest=digest(begun.state),
                    browser_digest=digest(browser),
                    provider=provider,
                    next=target,
                    code_challenge=challenge,
                    expires_at=tx.now + limits.login_attempt_lifetime,
                ),
            )
        return begun

    async def resume(self, request: web.Request, params: Params) -> tuple[Attempt, LoginRequest]:
        """Return the login that comes back with `state`, which is spent by that.

        Raises LoginFailed if it is unknown, too old, or was begun in another browser (RFC 6749
        10.12).
        """
        state, browser = params.text("state"), self._browser_secret(request)
        attempt = None
        if state and _SECRET.fullmatch(state):
            async with self._work.transaction(Source()) as tx:
                attempt = await store.take_attempt(tx.db, digest(state))
        # Committed: spent, whatever becomes of this request.
        if attempt is None or state is None or attempt.expires_at <= self._work.now():
            raise LoginFailed("This login is over, or took too long. Please start again.")
        if browser is None or digest(browser) != attempt.browser_digest:
            raise LoginFailed("This login was begun in another browser. Please start again.")
        return attempt, LoginRequest(f"{self._settings.issuer}{CALLBACK}", state, browser)

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

    def _browser_secret(self, request: web.Request) -> str | None:
        secret = request.cookies.get(self.cookie, "")
        return secret if _SECRET.fullmatch(secret) else None

    def _code_challenge(self, params: Params) -> str | None:
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
