"""Calls whose last answer is remembered, to compare its clock with ours."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from dhq_auth.cli.doctor.finding import Finding, ok, warning
from dhq_auth.clock import utcnow
from dhq_auth.remote import Answer, Remote

_DATES_ARE_ROUNDED: Final = timedelta(seconds=1)


class Witness(Remote):
    """Remembers the last answer, and when it came."""

    last: Answer | None = None
    came_at: datetime

    async def call(self, provider: str, method: str, url: str, **rest: Any) -> Answer:
        """Send the request and remember the answer."""
        self.last = None
        self.last = await super().call(provider, method, url, **rest)
        self.came_at = utcnow()
        return self.last


def clocks(subject: str, answer: Answer, came_at: datetime, leeway: timedelta) -> Finding:
    """Compare the clocks by the Date of *answer* (RFC 9110 6.6.1), less its Age in a cache."""
    try:
        date = parsedate_to_datetime(answer.headers["Date"])
        age = timedelta(seconds=int(answer.headers.get("Age", "0")))
        theirs = (date if date.tzinfo else date.replace(tzinfo=UTC)) + age
        apart = came_at - theirs
    except (KeyError, ValueError, OverflowError):
        return ok(subject, "it does not say what time it is")
    if abs(apart) <= leeway + _DATES_ARE_ROUNDED:
        return ok(subject, "its clock agrees with ours")
    seconds = abs(int(apart.total_seconds()))
    return warning(
        subject,
        f"our clock is {seconds} s {'ahead of' if apart > timedelta(0) else 'behind'} its",
        f"set the clock of this machine by NTP: beyond CLOCK_LEEWAY ({leeway.seconds} s) its "
        "tokens are refused",
    )
