"""What a person at a terminal wants to know once the service runs: what is on, and where to click."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

from dhq_auth.settings import Settings

LOGINS: Final = {"google": ("Google", "GOOGLE"), "github": ("GitHub", "GITHUB")}
"""The login providers that a key and a secret turn on, with how their variables begin."""

Row = tuple[str, str, str]


def summary_of(settings: Settings) -> str:
    """Return in a few lines what is on, what is off and which setting turns it on."""
    rows = [*_logins(settings), *_plugins(settings)]
    width = max(len(what) for _, what, _ in rows)
    lines = [f"  {state:<4} {what:<{width}}  {how}" for state, what, how in rows]
    return "\n".join(
        [
            "",
            f"dhq-auth {version('dhq-auth')} is ready. Open {settings.issuer}/login",
            "",
            *lines,
            "",
            *_next_steps(settings),
            "",
            "",
        ]
    )


def _logins(settings: Settings) -> Iterator[Row]:
    for provider in settings.providers:
        yield "on", f"login with {provider.title}", provider.issuer
    on = {provider.name for provider in settings.providers}
    for name, (title, prefix) in LOGINS.items():
        if name not in on:
            yield "off", f"login with {title}", f"{prefix}_KEY, {prefix}_SECRET"
    if on <= LOGINS.keys():
        yield "off", "login with any OpenID Connect issuer", "OIDC_PROVIDERS"


def _plugins(settings: Settings) -> Iterator[Row]:
    services = ", ".join(service.alias for service in settings.services)
    yield _row("permission tokens", services, "ALLOWED_SERVICES")
    extensions = ", ".join(extension.name for extension in settings.extensions)
    yield _row("extensions", extensions, "INSTALLED_EXTENSIONS")


def _row(what: str, names: str, setting: str) -> Row:
    return ("on", what, f"{names} ({setting})") if names else ("off", what, setting)


def _next_steps(settings: Settings) -> Iterator[str]:
    allowed = ", ".join(map(str, settings.allowed_redirects or ()))
    yield f"A login may lead to {allowed} (ALLOWED_REDIRECTS)."
    if settings.providers:
        yield "`dhq-auth doctor` looks whether all of it works."
    else:
        yield "Nobody can sign in yet. `make demo` shows the whole loop, without an account anywhere;"
        yield "`dhq-auth doctor` says what is missing."
