"""What the settings themselves say: they can be used, or this check is never reached."""

from dhq_auth.cli.doctor.finding import Findings, ok, warning
from dhq_auth.settings import Settings

SUBJECT = "settings"


async def check_settings(settings: Settings) -> Findings:
    """Tell the warnings, misspelt names among them."""
    yield ok(SUBJECT, "can be used")
    for text in settings.warnings:
        yield warning(SUBJECT, text, "put it right, or take it out of the environment")
