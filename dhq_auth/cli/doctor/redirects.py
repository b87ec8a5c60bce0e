"""Where a login may lead, in words."""

from typing import Final

from dhq_auth.cli.doctor.finding import Findings, ok, warning
from dhq_auth.redirects import RedirectPattern
from dhq_auth.settings import Settings

SUBJECT: Final = "ALLOWED_REDIRECTS"
LEGACY: Final = "http://localhost:3000"
"""Where command-line clients of dhq-auth 0.1.6 wait for their token."""


async def check_redirects(settings: Settings) -> Findings:
    """Say where `next` may lead, and what is perhaps missing."""
    patterns = settings.allowed_redirects or ()
    for pattern in patterns:
        yield ok(SUBJECT, f"a login may lead to {_in_words(pattern)}")
    for pattern in settings.code_only_redirects:
        yield ok(SUBJECT, f"{_in_words(pattern)}: gets a one-time code, never a token")
    if patterns == (RedirectPattern(settings.external_address),):
        yield warning(
            SUBJECT,
            "no application can get a token",
            "list where your applications are: ALLOWED_REDIRECTS=https://app.example.com",
        )
    try:
        settings.redirects.check(LEGACY)
    except ValueError:
        yield ok(
            SUBJECT,
            f"not allowed is {LEGACY}, where command-line clients of dhq-auth 0.1.6 wait",
            f"if you have such clients, add it: ALLOWED_REDIRECTS=…;{LEGACY}",
        )


def _in_words(pattern: RedirectPattern) -> str:
    if pattern.any_port:
        return f"any port of {pattern.origin.scheme}://{pattern.origin.host}, on the same machine"
    return f"{pattern} and what is below it" if pattern.prefix else f"every page of {pattern}"
