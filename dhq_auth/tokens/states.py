"""What a stored key is for at a time: announced, signing, retiring, and then over.

It is a function of the rows and of the time, so that no process has to tell another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from dhq_auth.settings import Settings
from dhq_auth.tokens.store import KEPT_LONGER, GivenKey, KeyPurpose, StoredKey

ANNOUNCED_FOR: Final = timedelta(minutes=10)
"""How long a new key is published before it signs: as long as others keep our keys (five minutes),
and what clocks, commits and caches on the way may add."""

NOTED_EVERY: Final = timedelta(minutes=10)
"""How old a note may be that a key is in use: many processes share it, and few write it."""


class KeyState(StrEnum):
    """What a key is for."""

    ANNOUNCED = "announced"
    SIGNING = "signing"
    RETIRING = "retiring"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a key, since when, and until when; None where that is not known, or has no end.

    When the time of a retiring key is over, its row is deleted.
    """

    state: KeyState
    since: datetime | None
    until: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether everything that the key has signed has expired."""
        return self.state is KeyState.RETIRING and self.until is not None and self.until <= now


def lifetime_of(purpose: KeyPurpose, settings: Settings) -> timedelta:
    """Return how long tokens live that keys for *purpose* sign."""
    login = purpose is KeyPurpose.LOGIN
    return settings.login_token_lifetime if login else settings.service_token_lifetime


def is_supplanted(purpose: KeyPurpose, settings: Settings) -> bool:
    """Whether a key of PRIVATE_KEY signs instead of all that are stored for *purpose*."""
    return purpose is KeyPurpose.SERVICE and bool(settings.private_keys)


def standings(
    keys: Sequence[StoredKey], purpose: KeyPurpose, settings: Settings, now: datetime
) -> list[Standing]:
    """Return where each of *keys* stands: all that are stored for *purpose*, the newest first."""
    supplanted, lifetime = is_supplanted(purpose, settings), lifetime_of(purpose, settings)
    signing = -1 if supplanted else _signing(keys, now)
    found = []
    for index, key in enumerate(keys):
        newest_ended = key.used_at if supplanted else None
        ended = min((newer.begins for newer in keys[:index]), default=newest_ended)
        if index < signing:
            found.append(Standing(KeyState.ANNOUNCED, key.created_at, key.begins))
        elif index == signing:
            found.append(Standing(KeyState.SIGNING, key.begins, ended))
        else:
            found.append(Standing(KeyState.RETIRING, ended, _over(key, ended, lifetime)))
    return found


def given_until(key: GivenKey) -> datetime:
    """Return until when *key*, of PRIVATE_KEY, is published after a process had it last."""
    return key.used_at + timedelta(seconds=key.longest_lifetime) + KEPT_LONGER


def in_use(key: GivenKey, now: datetime) -> bool:
    """Whether there is still a process that has *key*, of PRIVATE_KEY."""
    return key.used_at > now - 2 * NOTED_EVERY


def _signing(keys: Sequence[StoredKey], now: datetime) -> int:
    """Return which of *keys* signs: the newest whose time has come, else the oldest."""
    return next((i for i, key in enumerate(keys) if key.begins <= now), len(keys) - 1)


def _over(key: StoredKey, ended: datetime | None, lifetime: timedelta) -> datetime | None:
    if ended is None:
        return None
    longest = max(lifetime, timedelta(seconds=key.longest_lifetime or 0))
    return ended + longest + KEPT_LONGER
