"""The session cookie, which counts only where no foreign page can have sent it."""

import re

from aiohttp import web

from dhq_auth.credentials.store import LiveSession, session_of_cookie
from dhq_auth.errors import InvalidCredential
from dhq_auth.opaque import SECRET_LENGTH, digest
from dhq_auth.principal import AuthMethod, Principal
from dhq_auth.redirects import Origin
from dhq_auth.settings import Settings
from dhq_auth.web.cookies import cookie
from dhq_auth.work import Work

_SECRET = re.compile(rf"[A-Za-z0-9_-]{{{SECRET_LENGTH}}}")
FOR_EVER = 400 * 86400  # as long as browsers keep any cookie
_SAFE = frozenset({"GET", "HEAD"})


def cookie_secret(request: web.Request, settings: Settings) -> str | None:
    """Return the session cookie of *request*, or None if there is none or it does not count."""
    secret = cookie(request, settings.session_cookie)
    return secret if secret and counts(request, settings.external_address) else None


def counts(request: web.Request, own: Origin) -> bool:
    """Whether a cookie of *request* speaks for the user.

    It does in requests from our own origin and in top-level navigations. `same-site` is not
    enough: other ports of localhost are. Programs that are no browsers send neither header.
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
            return request.method in _SAFE and navigates and to_page


def set_cookie(response: web.StreamResponse, secret: str, settings: Settings) -> None:
    """Give the browser the session *secret* (RFC 6265bis 4.1.3.2: `__Host-` where it can)."""
    lifetime = settings.session_duration
    response.set_cookie(
        settings.session_cookie,
        secret,
        max_age=int(lifetime.total_seconds()) if lifetime else FOR_EVER,
        path="/",
        secure=settings.is_https,
        httponly=True,
        samesite="Lax",
    )


def clear_cookie(response: web.StreamResponse, settings: Settings) -> None:
    """Take the session cookie from the browser."""
    response.del_cookie(
        settings.session_cookie,
        path="/",
        secure=settings.is_https,
        httponly=True,
        samesite="Lax",
    )


async def authenticate(secret: str, work: Work) -> tuple[Principal, LiveSession]:
    """Return whose session *secret* is; raises InvalidCredential if it is nobody's."""
    session = None
    if _SECRET.fullmatch(secret):
        async with work.read() as db:
            session = await session_of_cookie(db, digest(secret), work.now())
    if session is None:
        raise InvalidCredential("the session has ended", reason="expired")
    principal = Principal(
        session.user.id, AuthMethod.SESSION, session.session_id, None, session.expires_at
    )
    return principal, session
