"""What processes leave with the keys in the database, so that each knows what others need."""

from dataclasses import replace
from datetime import datetime

from dhq_auth.events import Source
from dhq_auth.settings import Settings
from dhq_auth.tokens import store
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.load import KeyRows, given_keys
from dhq_auth.tokens.states import NOTED_EVERY, KeyState, lifetime_of, standings
from dhq_auth.tokens.store import GivenKey, KeyPurpose
from dhq_auth.tokens.wrapping import Wrapping
from dhq_auth.work import Transaction, Work


async def rewrap(work: Work, rows: KeyRows, wrapping: Wrapping) -> None:
    """Wrap anew what is not wrapped by the first SECRET_KEY, so that older ones can be dropped."""
    keys = [key for key in rows.stored if not wrapping.is_current(key.private_key)]
    secret = rows.secret
    if secret is not None and wrapping.is_current(secret.value):
        secret = None
    given = [key for key in rows.given if not wrapping.is_current(key.public_key)]
    if not (keys or given or secret):
        return

    async def change(tx: Transaction) -> None:
        for key in keys:
            wrapped = wrapping.rewrapped(key.private_key)
            await store.rewrap_key(tx.db, key.kid, key.private_key, wrapped)
        for public in given:
            wrapped = wrapping.rewrapped(public.public_key)
            await store.rewrap_given(tx.db, public.kid, public.public_key, wrapped)
        if secret:
            wrapped = wrapping.rewrapped(secret.value)
            await store.rewrap_secret(tx.db, secret.name, secret.value, wrapped)

    await work.transact(Source(), change)


async def note_use(
    work: Work, rows: KeyRows, settings: Settings, keyring: Keyring, wrapping: Wrapping
) -> None:
    """Note which keys sign here, which are given, and for how long our tokens live.

    Nothing is written where it was noted a moment ago. A key that is noted is not forgotten.
    """
    now = work.now()
    used = _unnoted(rows, settings, keyring, now)
    given = _unnoted_given(rows, settings, now)
    short = {purpose: _short(rows, purpose, settings, now) for purpose in KeyPurpose}
    if not (used or given or any(short.values())):
        return

    async def change(tx: Transaction) -> None:
        for kid in used:
            await store.note_use(tx.db, kid, now)
        for key in given:
            wrapped = wrapping.wrap(key.public_key)
            await store.note_given(tx.db, replace(key, public_key=wrapped))
        for purpose, kids in short.items():
            if kids:
                await store.raise_lifetime(tx.db, kids, _seconds(purpose, settings))

    await work.transact(Source(), change)


def _unnoted(rows: KeyRows, settings: Settings, keyring: Keyring, now: datetime) -> list[str]:
    """Return the stored keys that sign here; once, also the one that did before PRIVATE_KEY."""
    signing = {keyring.signing(purpose).kid for purpose in KeyPurpose}
    newest = rows.of(KeyPurpose.SERVICE)[:1] if settings.private_keys else []
    return [
        *(key.kid for key in rows.stored if key.kid in signing and _is_old(key.used_at, now)),
        *(key.kid for key in newest if key.used_at is None),
    ]


def _unnoted_given(rows: KeyRows, settings: Settings, now: datetime) -> list[GivenKey]:
    noted = {key.kid: key for key in rows.given}
    seconds = _seconds(KeyPurpose.SERVICE, settings)
    return [
        GivenKey(key.kid, key.public_pem, now, seconds)
        for key in given_keys(settings)
        if (note := noted.get(key.kid)) is None
        or _is_old(note.used_at, now)
        or note.longest_lifetime < seconds
    ]


def _short(rows: KeyRows, purpose: KeyPurpose, settings: Settings, now: datetime) -> list[str]:
    """Return the keys that sign, or will, of which it is not known how long our tokens live."""
    keys, seconds = rows.of(purpose), _seconds(purpose, settings)
    return [
        key.kid
        for key, standing in zip(keys, standings(keys, purpose, settings, now), strict=True)
        if standing.state is not KeyState.RETIRING and (key.longest_lifetime or 0) < seconds
    ]


def _is_old(noted_at: datetime | None, now: datetime) -> bool:
    return noted_at is None or noted_at <= now - NOTED_EVERY


def _seconds(purpose: KeyPurpose, settings: Settings) -> int:
    return int(lifetime_of(purpose, settings).total_seconds())
