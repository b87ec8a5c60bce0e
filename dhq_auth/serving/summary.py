"""What a person at a terminal wants to know once the service runs: what is on, and where to click."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final

from dhq_auth.settings import Settings

LOGINS: Final = {"google": ("Google", "GOOGLE"), "github": ("GitHub", "GITHUB")}
"""The login providers that a key and a secret turn on, with how their variables begin."""

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class PendingSetup:
    """There is no administrator yet; `code` is for a terminal alone, else None."""

    file: Path
    code: str | None = field(repr=False)


def setup_of(settings: Settings) -> PendingSetup | None:
    """Return what is to be done first, None if it is done: the start has left the code, or has not.

    The code is in it only where standard output is a terminal, which keeps nothing for others.
    """
    from dhq_auth.administration.setup_file import code_file, read_code  # noqa: PLC0415 - SQLAlchemy

    file = code_file(settings)
    code = read_code(file)
    if code is None:
        return None
    return PendingSetup(file, code if sys.stdout.isatty() else None)


def summary_of(settings: Settings, setup: PendingSetup | None = None) -> str:
    """Return in a few lines what is on, what is off and which setting turns it on.

    With *setup* also that there is no administrator yet, and how one is made.
    """
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
            *_first_administrator(settings, setup),
            *_next_steps(settings),
            "",
            "",
        ]
    )


def _first_administrator(settings: Settings, setup: PendingSetup | None) -> Iterator[str]:
    if setup is None:
        return
    yield f"No administrator yet: open {settings.issuer}/setup (or run `dhq-auth setup`)."
    where = "From elsewhere than this machine" if settings.external_address.is_loopback else "There"
    yield f"{where} it asks for the setup code: {setup.code or f'see {setup.file}'}"
    yield ""


def _logins(settings: Settings) -> Iterator[Row]:
    who = "anybody may register" if settings.registration_is_open else "administrators add users"
    if settings.password_login:
        yield "on", "login with a password", f"{who} (PASSWORD_LOGIN, REGISTRATION)"
    else:
        yield "off", "login with a password", "PASSWORD_LOGIN"
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
    if not settings.providers:
        if not settings.password_login:
            yield "Nobody can sign in yet: turn a login on."
        yield "`make demo` shows the whole loop of a login provider, without an account anywhere."
    yield "`dhq-auth doctor` looks whether all of it works."
