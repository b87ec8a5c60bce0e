"""The way of a browser from an application on another host to our login, and back.

::

    https://app/.dhq-auth/start ── cookie on app ──→ https://us/login?next=…&code_challenge=…
    https://app/.dhq-auth/callback?state=…&code=… ──→ https://app/ what was asked for

The verifier (RFC 7636 4.1) is derived from the cookie, the origin and the state: a code is redeemed
in the browser that began the login, at that host, and leads where that login was to lead. Nothing
is stored until it is; each tab has a state of its own.

The application may know the cookie, the state and the code: its own server gets the first, its own
pages the others. What it can make of them is a session at itself: a code that was sent to such a
path is good for nothing else (`redirects.handed_over`), and no token is sent there.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from dhq_auth.access.codes import Redeemed, redeem
from dhq_auth.errors import AuthError, Conflict, InvalidGrant, LoginFailed
from dhq_auth.events import ApplicationEntered
from dhq_auth.forward_auth.host_cookies import HostCookie
from dhq_auth.forward_auth.original import Original, original, target
from dhq_auth.forward_auth.verify import start_url
from dhq_auth.forward_auth.visitors import CALLBACK, Visitors
from dhq_auth.host_sessions import store as host_sessions
from dhq_auth.opaque import SECRET_LENGTH, derive, new_secret, s256
from dhq_auth.redirects import Origin
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import query
from dhq_auth.web.render import redirect
from dhq_auth.work import Transaction, Work

_SECRET: Final = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_LENGTH}}}")
_STATE: Final = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_LENGTH}}}\.([A-Za-z0-9_-]+)")
LOST: Final = "This login was begun in another browser, or is over. Please start again."


class HandOff:
    """Leads browsers to our login and back."""

    def __init__(self, settings: Settings, work: Work, visitors: Visitors) -> None:
        self._settings = settings
        self._work = work
        self._visitors = visitors

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Begin a login that leads back to `rd`, a path of the application."""
        asked = original(request, self._settings)
        self._visitors.check(asked.origin)
        rd = target(query(request).text("rd") or "/")
        cookie = HostCookie.login(asked.origin)
        # One secret serves all the logins that a browser has under way in its tabs.
        secret = _secret(cookie.read(request)) or new_secret()
        state = f"{new_secret()}.{_encoded(rd)}"
        fields = {
            "next": f"{asked.origin}{CALLBACK}?state={state}",
            "response_mode": "code",
            "code_challenge": s256(_verifier(secret, asked.origin, state)),
            "code_challenge_method": "S256",
        }
        response = redirect(f"{self._settings.issuer}/login?{urlencode(fields)}")
        cookie.give(response, secret, self._settings.limits.login_attempt_lifetime)
        return response

    async def callback(self, request: web.Request) -> web.StreamResponse:
        """Redeem the code of a login, sign the browser in at the application, and lead back."""
        asked = original(request, self._settings)
        self._visitors.check(asked.origin)
        sent = query(request)
        state, code = sent.text("state") or "", sent.text("code")
        rd = _decoded(state)
        try:
            secret = _secret(HostCookie.login(asked.origin).read(request))
            if secret is None or code is None or rd is None:
                raise LoginFailed(LOST)
            verifier = _verifier(secret, asked.origin, state)
            login = await self._redeemed(request, code, verifier, asked.origin)
            response = redirect(f"{asked.origin}{rd}")
            if not self._visitors.is_own(asked.origin):
                begun = await self._branch(request, login, asked.origin)
                lasts = None if self._settings.session_sliding else self._settings.session_duration
                HostCookie.session(asked.origin).give(response, begun, lasts)
        except AuthError as error:
            error.way_back = start_url(Original(asked.origin, rd or "/", "GET"))
            raise
        return response

    async def _redeemed(
        self, request: web.Request, code: str, verifier: str, origin: Origin
    ) -> Redeemed:
        try:
            return await redeem(self._work, source(request), code, verifier, handed_to=origin)
        except InvalidGrant:
            raise LoginFailed(LOST) from None

    async def _branch(self, request: web.Request, login: Redeemed, origin: Origin) -> str:
        """Begin the session's branch at *origin*, in place of the one that the browser had."""
        replaced = HostCookie.session(origin).read(request)

        async def begin(tx: Transaction) -> str | None:
            if replaced:
                await host_sessions.end(tx.db, replaced)
            secret = await host_sessions.begin(
                tx.db,
                session_id=login.session_id,
                origin=str(origin),
                now=tx.now,
                slides=self._settings.session_sliding,
            )
            if secret is not None:
                tx.emit(
                    ApplicationEntered(
                        user_id=login.user.id, session_id=login.session_id, origin=str(origin)
                    )
                )
            return secret

        try:
            secret = await self._work.transact(source(request), begin)
        except Conflict:  # the session ended at the same moment
            secret = None
        if secret is None:
            raise LoginFailed(LOST)
        return secret


def _verifier(secret: str, origin: Origin, state: str) -> str:
    return derive(secret, f"login at {origin}, state {state}")


def _secret(value: str | None) -> str | None:
    return value if value and _SECRET.fullmatch(value) else None


def _encoded(rd: str) -> str:
    return urlsafe_b64encode(rd.encode()).rstrip(b"=").decode()


def _decoded(state: str) -> str | None:
    """Return the path that *state* leads to, None if it is not of ours."""
    match = _STATE.fullmatch(state)
    if match is None:
        return None
    try:
        return target(urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode())
    except ValueError:
        return None
