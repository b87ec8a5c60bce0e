"""Cookies on the host of an application. It sees them, so that they are good for nothing but it.

Their names have the port where it is not the usual one: browsers send a cookie to every port of its
host, and several applications on one would take them from each other.
"""

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from dhq_auth.credentials.session import FOR_EVER
from dhq_auth.redirects import DEFAULT_PORTS, Origin
from dhq_auth.web.cookies import cookie


@dataclass(frozen=True, slots=True)
class HostCookie:
    """A cookie called *name* at one origin."""

    name: str
    secure: bool

    @classmethod
    def session(cls, origin: Origin) -> "HostCookie":
        """Return the cookie of whoever is signed in at *origin*."""
        return cls._of(origin, "dhq-auth")

    @classmethod
    def login(cls, origin: Origin) -> "HostCookie":
        """Return the cookie that binds the logins of a browser that lead back to *origin*."""
        return cls._of(origin, "dhq-auth-login")

    @classmethod
    def _of(cls, origin: Origin, name: str) -> "HostCookie":
        port = "" if origin.port == DEFAULT_PORTS[origin.scheme] else f"-{origin.port}"
        secure = origin.scheme == "https"
        return cls(f"{'__Host-' if secure else ''}{name}{port}", secure)

    def read(self, request: web.Request) -> str | None:
        """Return its value in *request*, None where there is none or more than one."""
        return cookie(request, self.name)

    def give(self, response: web.StreamResponse, secret: str, lifetime: timedelta | None) -> None:
        """Give it to the browser, for *lifetime* or as long as browsers keep any."""
        response.set_cookie(
            self.name,
            secret,
            max_age=int(lifetime.total_seconds()) if lifetime else FOR_EVER,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="Lax",
        )

    def clear(self, response: web.StreamResponse) -> None:
        """Take it from the browser."""
        response.del_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Lax")
