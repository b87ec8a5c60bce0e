"""Whether browsers that follow EXTERNAL_ADDRESS come to this service."""

from ipaddress import ip_address
from typing import Any, Final

from dhq_auth.cli.doctor.finding import Finding, Findings, fault, ok, warning
from dhq_auth.cli.doctor.reason import reason
from dhq_auth.cli.healthcheck import place
from dhq_auth.errors import AuthError
from dhq_auth.remote import NoAnswer, Remote
from dhq_auth.settings import Settings, SettingsError

SUBJECT: Final = "EXTERNAL_ADDRESS"
ALIVE: Final = {"status": "OK"}


async def check_address(settings: Settings) -> Findings:
    """Look at EXTERNAL_ADDRESS, then knock there as a browser would."""
    own = settings.external_address
    if own.scheme == "https":
        yield ok(SUBJECT, f"{own} is https")
    elif own.is_loopback:
        yield ok(SUBJECT, f"{own} is for browsers on this machine")
    else:
        yield warning(SUBJECT, f"{own} is neither https nor loopback", "use https")
    if own.is_loopback and own.port != settings.port and not settings.trusted_proxies:
        yield warning(
            SUBJECT,
            f"browsers are sent to port {own.port}, but the service listens on {settings.port}",
            f"unless something in between forwards it: EXTERNAL_ADDRESS={own.scheme}://{own.host}:"
            f"{settings.port}, or PORT={own.port}",
        )
    if not settings.trusted_proxies and (proxy := _proxy(settings)):
        shared = ", and share the limits on logins" if settings.password_login else ""
        yield warning(
            "TRUSTED_PROXIES",
            f"is not set, but {proxy}: all callers look like that one{shared}",
            "list the addresses of your proxy: TRUSTED_PROXIES=10.0.0.0/8",
        )
    remote = Remote(settings.limits)
    try:
        yield await _knocked(settings, remote)
    finally:
        await remote.close()


def _proxy(settings: Settings) -> str | None:
    """Say what somebody before us must do, if by the settings there must be somebody."""
    own = settings.external_address
    if own.scheme == "https":
        return "somebody must speak https for us"
    if not own.is_loopback and _is_loopback(settings.host):
        return f"somebody must hand over from {own} to us at HOST={settings.host}"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


async def _knocked(settings: Settings, remote: Remote) -> Finding:
    """Ask who answers at EXTERNAL_ADDRESS; that nobody does is only a warning."""
    own = settings.issuer
    try:
        health = await remote.call(SUBJECT, "GET", f"{own}/healthz")
        described = await remote.call(SUBJECT, "GET", f"{own}/openapi.json")
    except AuthError as error:
        return await _unanswered(settings, remote, error)
    if health.status != 200 or health.content != ALIVE:
        return fault(
            SUBJECT,
            f"{own}/healthz answers {health.status}, and not as dhq-auth does",
            "let your proxy hand every path of this address to the service",
        )
    if (served := _server(described.content)) != own:
        return fault(
            SUBJECT,
            f"who answers at {own} takes itself for {served or 'something else'}",
            "give the running service the same EXTERNAL_ADDRESS, and start it anew",
        )
    return ok(SUBJECT, f"{own} answers, and it is dhq-auth")


async def _unanswered(settings: Settings, remote: Remote, error: AuthError) -> Finding:
    """Say what to do where we do not answer: that depends on whether we run at all."""
    own = settings.issuer
    what = f"{own}/healthz: {reason(error)}"
    try:
        host, port = place(settings)
        here = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        await remote.call("HOST", "GET", f"{here}/healthz")
    except (AuthError, SettingsError):
        return warning(SUBJECT, what, "start the service, then ask again: it does not run here")
    todo = f"it runs here, at {here}: see to name, certificate and proxy of {own}"
    if isinstance(error.__cause__, NoAnswer):
        return fault(SUBJECT, what, f"{todo}, and that no redirect leads away from it")
    return warning(SUBJECT, what, f"{todo}; perhaps it is only this machine that cannot reach it")


def _server(document: Any) -> str | None:
    """Return the address that the OpenAPI *document* names."""
    try:
        server = document["servers"][0]["url"]
    except (KeyError, IndexError, TypeError):
        return None
    return server if isinstance(server, str) else None
