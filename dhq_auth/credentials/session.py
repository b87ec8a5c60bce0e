"""The session cookie, which counts only where no foreign page can have sent it."""

import re
from datetime import datetime, timedelta
from typing import Final

from aiohttp import web

from dhq_auth.credentials.kind import Authenticated
from dhq_auth.credentials.last_use import LastUse
from dhq_auth.credentials.store import LiveSession, session_of_cookie, session_of_host
from dhq_auth.errors import InvalidCredential
from dhq_auth.events import Source
from dhq_auth.hookspecs import Presented
from dhq_auth.opaque import SECRET_LENGTH, digest
from dhq_auth.principal import AuthMethod, Principal
from dhq_auth.redirects import Origin
from dhq_auth.sessions import store as sessions
from dhq_auth.settings import Settings
from dhq_auth.web.cookies import cookie
from dhq_auth.work import Transaction, Work

_SECRET = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_LENGTH}}}")
FOR_EVER = 400 * 86400  # as long as browsers keep any cookie
RENEWED_AFTER: Final = timedelta(minutes=1)
"""A session is renewed by use that often at most."""
_SAFE = frozenset({"GET", "HEAD"})


def cookie_secret(request: web.Request, settings: Settings) -> str | None:
    """Return the session cookie of *request*, or None if there is none or it does not count."""
    if not settings.accepts("session"):
        return None
    secret = cookie(request, settings.session_cookie)
    return secret if secret and counts(request, settings.external_address) else None


def counts(request: web.Request, own: Origin, method: str | None = None) -> bool:
    """Whether a cookie of *request* speaks for the user.

    It does in requests from *own*, the origin that the cookie belongs to, and in top-level
    navigations. `same-site` is not enough: other ports of localhost are. Programs that are no
    browsers send neither header. *method* is that of the browser, where a proxy asks with another.
    """
    origin = request.headers.get("Origin")
    if origin is not None and origin != str(own):
        return False
    match request.headers.get("Sec-Fetch-Site"):
        case None | "same-origin":
            return True
        case _:
            navigates = request.headers.get("Sec-Fetch-Mode") == "navigate"
            to_page = request.headers.get("Sec-Fetch-Dest", "document") == "document"
            return (method or request.method) in _SAFE and navigates and to_page


def set_cookie(response: web.StreamResponse, secret: str, settings: Settings) -> None:
    """Give the browser the session *secret* (RFC 6265bis 4.1.3.2: `__Host-` where it can)."""
    # A session that slides would outlive its cookie: the database knows when it ends.
    lifetime = None if settings.session_sliding else settings.session_duration
    response.set_cookie(
        settings.session_cookie,
        secret,
        max_age=int(lifetime.total_seconds()) if lifetime else FOR_EVER,
        path="/",
        secure=settings.is_https,
        httponly=True,
        samesite="Lax",
    )


def give_cookie(
    request: web.Request, response: web.StreamResponse, secret: str, settings: Settings
) -> None:
    """Give the browser of *request* its session, unless a page elsewhere has sent it here."""
    if settings.accepts("session") and counts(request, settings.external_address):
        set_cookie(response, secret, settings)


def clear_cookie(response: web.StreamResponse, settings: Settings) -> None:
    """Take the session cookie from the browser."""
    response.del_cookie(
        settings.session_cookie,
        path="/",
        secure=settings.is_https,
        httponly=True,
        samesite="Lax",
    )


class Sessions:
    """The kind `session`."""

    def __init__(self, settings: Settings, work: Work) -> None:
        self._settings = settings
        self._work = work
        self._last_use = LastUse(work)

    async def authenticate(
        self,
        request: web.Request,
        presented: Presented | None,
        *,
        remember: bool = False,  # noqa: ARG002
    ) -> Authenticated | None:
        """Return whose session cookie is sent, where it counts and nothing explicit is presented."""
        if presented is not None:
            return None
        secret = cookie_secret(request, self._settings)
        return None if secret is None else await self.of_secret(secret)

    async def of_secret(self, secret: str) -> Authenticated:
        """Return whose session *secret* is; raises InvalidCredential if it is nobody's."""
        session = None
        if _SECRET.fullmatch(secret):
            async with self._work.read() as db:
                session = await session_of_cookie(db, digest(secret), self._work.now())
        return await self._used(session)

    async def of_host(self, secret: str, origin: Origin) -> Authenticated:
        """Return whose session has a branch at *origin*, of which *secret* is the cookie.

        Raises InvalidCredential if there is none. To use the branch is to use the session.
        """
        session = None
        if _SECRET.fullmatch(secret):
            async with self._work.read() as db:
                session = await session_of_host(db, digest(secret), str(origin), self._work.now())
        return await self._used(session)

    async def _used(self, session: LiveSession | None) -> Authenticated:
        """Return whose *session* is used now."""
        if session is None or self._was_idle(session):
            raise InvalidCredential("the session has ended", reason="expired")
        if self._is_to_be_renewed(session):
            await self._last_use.write(lambda: self._renew(session))
        principal = Principal(
            session.user.id,
            AuthMethod.SESSION,
            session.session_id,
            issued_at=session.created_at,
            expires_at=session.expires_at,
            logged_in_at=session.created_at,
            used_at=session.used_at,
        )
        return Authenticated(principal, session.user)

    def _was_idle(self, session: LiveSession) -> bool:
        idle = self._settings.session_idle
        return idle is not None and self._work.now() - _last_used(session) >= idle

    def _is_to_be_renewed(self, session: LiveSession) -> bool:
        if not self._settings.session_sliding and self._settings.session_idle is None:
            return False
        return self._work.now() - _last_used(session) >= RENEWED_AFTER

    async def _renew(self, session: LiveSession) -> None:
        duration = self._settings.session_duration

        async def renew(tx: Transaction) -> None:
            expires_at, keep_until = session.expires_at, session.keep_until
            if self._settings.session_sliding and duration and keep_until:
                expires_at = tx.now + duration
                keep_until = max(keep_until, expires_at + timedelta(seconds=1))
            await sessions.renew(
                tx.db,
                session.session_id,
                used_before=session.used_at,
                now=tx.now,
                expires_at=expires_at,
                keep_until=keep_until,
            )

        await self._work.transact(Source(), renew)


def _last_used(session: LiveSession) -> datetime:
    return session.used_at or session.created_at
