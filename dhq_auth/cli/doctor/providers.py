"""Whether each login provider is there, is whom we mean, knows us, and has our time."""

from contextlib import aclosing
from typing import Any, Final

from dhq_auth.cli.doctor.finding import Finding, Findings, fault, ok, warning
from dhq_auth.cli.doctor.metadata import described, look_at, variable
from dhq_auth.cli.doctor.reason import reason
from dhq_auth.cli.doctor.witness import Witness, clocks
from dhq_auth.clock import utcnow
from dhq_auth.errors import AuthError, LoginFailed
from dhq_auth.login.attempt import CALLBACK
from dhq_auth.login.connectors import CONNECTORS, LoginRequest
from dhq_auth.login.connectors.protocol import text
from dhq_auth.opaque import new_secret
from dhq_auth.remote import Answer, OpenIdIssuer
from dhq_auth.settings import ProviderSettings, Settings

TRIAL: Final = "dhq-auth-doctor"
"""A code that no provider gave: who knows our client says that he does not know the code."""
_REFUSALS: Final = {
    *("invalid_client", "unauthorized_client"),  # RFC 6749 5.2
    *("incorrect_client_credentials", "Not Found"),  # GitHub's words
}


async def check_without_providers(_settings: Settings) -> Findings:
    """Say how to turn one on."""
    yield warning(
        "login",
        "no login provider is on: nobody can sign in",
        "set GOOGLE_KEY and GOOGLE_SECRET, GITHUB_KEY and GITHUB_SECRET, or OIDC_PROVIDERS",
    )


async def check_provider(provider: ProviderSettings, settings: Settings) -> Findings:
    """Ask *provider* for all that a login needs, up to a code that it must refuse."""
    subject = f"provider {provider.name}"
    callback = f"{settings.issuer}{CALLBACK}"
    yield ok(subject, f"the callback address to register with {provider.title}: {callback}")
    remote = Witness(settings.limits)
    look = _github if provider.protocol == "github" else _openid
    try:
        async with aclosing(look(subject, provider, settings, remote)) as findings:
            async for finding in findings:
                yield finding
        if remote.last is not None:
            yield clocks(subject, remote.last, remote.came_at, settings.limits.clock_leeway)
    except AuthError as error:
        yield fault(subject, reason(error), "see that this machine can reach it; try again later")
    finally:
        await remote.close()


async def _openid(
    subject: str, provider: ProviderSettings, settings: Settings, remote: Witness
) -> Findings:
    setting = variable(provider, "ISSUER")
    metadata = await described(subject, provider.name, provider.issuer, setting, remote)
    if isinstance(metadata, Finding):
        yield metadata
        return
    found = look_at(subject, provider, metadata)
    for finding in found:
        yield finding
    if any(finding.level == "fault" for finding in found):
        return
    issuer = OpenIdIssuer(provider.name, provider.issuer, remote, settings.limits, utcnow)
    yield ok(subject, f"{len(await issuer.keys())} keys verify its ID tokens")
    yield await _known_there(subject, provider, settings, remote)


async def _github(
    subject: str, provider: ProviderSettings, settings: Settings, remote: Witness
) -> Findings:
    answer = await remote.call(provider.name, "GET", f"{provider.api_url}/user")
    # Without a token it must refuse; what matters is that it is GitHub which does so.
    if answer.status in {401, 403, 429} and isinstance(answer.content, dict):
        yield ok(subject, f"{provider.api_url} answers")
    else:
        yield fault(
            subject,
            f"{provider.api_url}/user answers {answer.status}, and not as GitHub does",
            "check GITHUB_API_URL: on GitHub Enterprise it is GITHUB_URL and /api/v3",
        )
    yield await _known_there(subject, provider, settings, remote)


async def _known_there(
    subject: str, provider: ProviderSettings, settings: Settings, remote: Witness
) -> Finding:
    """Redeem a code that does not exist: before saying so, the provider judges our client."""
    connector = CONNECTORS[provider.protocol](provider, remote, settings.limits, utcnow)
    request = LoginRequest(f"{settings.issuer}{CALLBACK}", new_secret(), new_secret())
    check = f"check {variable(provider, 'KEY')} and {variable(provider, 'SECRET')}"
    try:
        await connector.identity(request, {"code": TRIAL, "iss": provider.issuer})
    except LoginFailed:
        return ok(subject, "it accepts our client id and secret")
    except AuthError as error:
        said = _error_in(remote.last)
        refused = said in _REFUSALS or (remote.last is not None and remote.last.status == 401)
        if refused:
            return fault(subject, f"it does not accept our client ({said or 'status 401'})", check)
        how = f"{reason(error)}{f': {said}' if said else ''}"
        return warning(subject, f"whether it knows our client could not be told: {how}", check)
    return fault(subject, "it takes any code for a login", "do not trust it")


def _error_in(answer: Answer | None) -> str | None:
    content: Any = answer.content if answer else None
    return text(content.get("error")) if isinstance(content, dict) else None
