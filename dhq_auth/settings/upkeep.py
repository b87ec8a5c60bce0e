"""What is kept and for how long, and what turns over by age."""

from dataclasses import dataclass
from datetime import timedelta

from dhq_auth.settings.environment import variable
from dhq_auth.settings.parse import duration


def retention(raw: str) -> timedelta | None:
    """Read a duration of a day or more; `never` or 0 is None."""
    if raw.lower() in {"never", "0"}:
        return None
    try:
        return duration(86400, 36500 * 86400)(raw)
    except ValueError as error:
        raise ValueError(f"{error}; or never") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """How long what lasts."""

    key_lifetime: timedelta = variable(
        "KEY_LIFETIME",
        "90d",
        duration(3600, 3650 * 86400),
        "age at which a new key of login tokens is announced, an hour at least",
    )
    service_key_lifetime: timedelta | None = variable(
        "SERVICE_KEY_LIFETIME",
        None,
        duration(3600, 3650 * 86400),
        "age at which a new key of service tokens is announced, an hour at least; unset: never, "
        "since published verifiers read the public key once",
    )
    delivery_retention: timedelta = variable(
        "DELIVERY_RETENTION",
        "30d",
        duration(60, 3650 * 86400),
        "time for which it is remembered what an extension has delivered, or could not; what is "
        "owed is kept",
    )
    audit_retention: timedelta | None = variable(
        "AUDIT_RETENTION",
        "400d",
        retention,
        "age at which rows of the audit log are removed; `never` keeps them for ever",
    )
