"""Whether the keys can be opened, and verify what they sign."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from dhq_auth.cli.doctor.finding import Finding, Findings, fault, ok, warning
from dhq_auth.cli.known_keys import GIVEN, KnownKey, keys_of_settings, known_keys
from dhq_auth.cli.opened import reached
from dhq_auth.clock import rfc3339, utcnow
from dhq_auth.db import driver_url, sqlite_path
from dhq_auth.errors import InvalidCredential, StartRefused
from dhq_auth.settings import Settings
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.signing import LOGIN, SERVICE, TokenSigner, TokenType
from dhq_auth.tokens.states import ANNOUNCED_FOR, KeyState
from dhq_auth.tokens.store import KeyPurpose

SUBJECT: Final = "keys"
TURNED: Final = timedelta(days=1, hours=1)
"""What a running service may take to turn a key over: an upgrade waits a day (`tokens.keeper`)."""
_NAME: Final = "dhq-auth doctor"
_TRIALS: Final[tuple[tuple[TokenType, Mapping[str, Any]], ...]] = (
    (LOGIN, {"sid": _NAME}),
    (SERVICE, {"service": _NAME, "permissions": {}}),
)


async def check_keys(settings: Settings) -> Findings:
    """Open every key, and let those that sign do so; none is made."""
    try:
        async with reached(settings) as database:
            known = await known_keys(database, settings, utcnow())
    except StartRefused:  # which is said of the database
        known = keys_of_settings(settings)
    for text in dict.fromkeys(key.fault for key in known if key.fault):
        yield fault(SUBJECT, text, "until then the service does not start")
    if settings.public_keys:
        yield ok(SUBJECT, "PUBLIC_KEY belongs to PRIVATE_KEY")
    if _lies_open(known, settings):
        yield warning(
            SUBJECT,
            "private keys lie in the database as they are: who reads it can sign anything",
            "set SECRET_KEY, e.g. to what `openssl rand -base64 33` prints",
        )
    for token_type, claims in _TRIALS:
        of_purpose = [key for key in known if key.purpose is token_type.purpose]
        if not of_purpose:
            what = f"no key for {token_type.purpose} tokens yet: the service makes what is missing"
            yield ok(SUBJECT, what)
        for key in of_purpose:
            if key.standing.state is KeyState.SIGNING and key.opened:
                yield await _tried(settings, key, token_type, claims)
                if too_old := _too_old(key, settings):
                    yield too_old


def _lies_open(known: list[KnownKey], settings: Settings) -> bool:
    in_file = sqlite_path(driver_url(settings.database_url.value)) is not None
    stored = any(not key.source.startswith(GIVEN) for key in known)
    return stored and not in_file and not settings.secret_keys


def _too_old(key: KnownKey, settings: Settings) -> Finding | None:
    """Return what is to be said of a key that signs for longer than it should."""
    upkeep = settings.upkeep
    login = key.purpose is KeyPurpose.LOGIN
    lifetime = upkeep.key_lifetime if login else upkeep.service_key_lifetime
    name = "KEY_LIFETIME" if login else "SERVICE_KEY_LIFETIME"
    since = key.standing.since
    if lifetime is None or since is None or since + lifetime + ANNOUNCED_FOR + TURNED > utcnow():
        return None
    return warning(
        SUBJECT,
        f"the {key.purpose} key {key.kid} signs since {rfc3339(since)}, for longer than {name}",
        "the service turns it over by itself, within minutes; if it runs, see its log",
    )


async def _tried(
    settings: Settings, key: KnownKey, token_type: TokenType, claims: Mapping[str, Any]
) -> Finding:
    """Sign and verify a token with *key*."""
    signer = TokenSigner(
        Keyring([key.opened] if key.opened else []),
        issuer=settings.issuer,
        now=utcnow,
        leeway=settings.limits.clock_leeway,
        max_length=settings.limits.max_token,
    )
    what = f"the {key.purpose} key {key.kid} (from {key.source})"
    try:
        token = await signer.sign(token_type, _NAME, timedelta(minutes=1), claims)
        signer.verify(token, token_type)
    except InvalidCredential as error:
        return fault(SUBJECT, f"{what} does not verify what it signs: {error}", "replace it")
    finally:
        signer.close()
    return ok(SUBJECT, f"{what} signs and verifies")
