"""Whether the server that counts failed logins is there, and forgets none of them early."""

from dhq_auth.cli.doctor.finding import Findings, fault, ok, warning
from dhq_auth.cli.doctor.reason import reason
from dhq_auth.errors import Unavailable
from dhq_auth.settings import Settings

SUBJECT = "RATE_LIMIT_STORAGE"


async def check_limits(settings: Settings) -> Findings:
    """Look at the Redis or Valkey, where one is set; nothing is counted."""
    if settings.rate_limit_storage is None:
        yield ok(SUBJECT, "is not set: failed logins are counted in the database")
        return
    from dhq_auth.throttle.in_redis import InRedis  # noqa: PLC0415 - redis is large

    storage = InRedis(settings.rate_limit_storage, timeout=settings.limits.database_timeout)
    try:
        async with storage.reading() as counters:
            await counters.get("dhq-auth doctor")
        yield ok(SUBJECT, "answers")
        policy = await storage.evicts()
    except Unavailable as error:
        yield fault(
            SUBJECT,
            reason(error),
            "see to the server, and to the password in its address: nobody logs in with a password "
            "until then",
        )
        return
    finally:
        await storage.close()
    if policy is None:
        yield ok(SUBJECT, "forgets nothing before its time")
    else:
        yield warning(
            SUBJECT,
            f"forgets failures when its memory is full ({policy}): who fills it guesses on",
            "maxmemory-policy noeviction",
        )
