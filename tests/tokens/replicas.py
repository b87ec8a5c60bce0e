"""Processes of the service as far as keys go: each its own keyring, clock and settings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from dhq_auth.clock import Clock
from dhq_auth.db import Database
from dhq_auth.errors import InvalidCredential
from dhq_auth.events import Event
from dhq_auth.settings import Settings
from dhq_auth.tokens.keeper import KeyKeeper
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.load import KeyRows, read_rows
from dhq_auth.tokens.rotation import Rotation
from dhq_auth.tokens.signing import LOGIN, SERVICE, TokenSigner, TokenType
from dhq_auth.tokens.states import lifetime_of
from dhq_auth.tokens.store import KeyPurpose
from dhq_auth.tokens.wrapping import wrapping_of
from dhq_auth.work import Work
from tests.tokens.stored import settings

CLAIMS = {"login": {"sid": "session"}, "service": {"service": "notes", "permissions": {}}}
TYPES: dict[KeyPurpose, TokenType] = {KeyPurpose.LOGIN: LOGIN, KeyPurpose.SERVICE: SERVICE}


@dataclass
class Replica:
    """One process; `told` is what extensions heard from it."""

    database: Database
    settings: Settings
    now: Clock
    told: list[Event]

    def __post_init__(self) -> None:
        self.keyring = Keyring(now=self.now)
        self.work = Work(self.database, self.now, self._tell)
        self.keeper = KeyKeeper(self.work, self.settings, self.keyring)
        self.signer = TokenSigner(
            self.keyring,
            issuer=self.settings.issuer,
            now=self.now,
            leeway=self.settings.limits.clock_leeway,
            max_length=self.settings.limits.max_token,
            look=self.keeper.look,
        )

    async def start(self) -> Self:
        await self.keeper.load()
        return self

    async def stop(self) -> None:
        self.signer.close()
        await self.database.close()

    @property
    def rotation(self) -> Rotation:
        return Rotation(self.work, self.settings, wrapping_of(self.database, self.settings))

    async def sign(self, purpose: KeyPurpose = KeyPurpose.SERVICE) -> str:
        lifetime = lifetime_of(purpose, self.settings)
        return await self.signer.sign(TYPES[purpose], "ada", lifetime, CLAIMS[purpose])

    async def takes(self, token: str, purpose: KeyPurpose = KeyPurpose.SERVICE) -> bool:
        try:
            claims = await self.signer.verified(token, TYPES[purpose])
        except InvalidCredential:
            return False
        return claims.user_id == "ada"

    def published(self) -> list[str]:
        return [key["kid"] for key in self.keyring.jwks()["keys"]]

    def signing(self, purpose: KeyPurpose = KeyPurpose.SERVICE) -> str:
        return self.keyring.signing(purpose).kid

    async def rows(self) -> KeyRows:
        async with self.work.read() as db:
            return await read_rows(db)

    async def _tell(self, events: Sequence[Event]) -> None:
        self.told += events


NewReplica = Callable[..., Replica]


def replica_of(url: str, clock: Clock, *, ahead: float = 0, **environ: str) -> Replica:
    """Return a process on the database *url* whose clock is *ahead* so many seconds."""
    database = Database(url, pool=3, timeout=20)

    def now() -> datetime:
        return clock() + timedelta(seconds=ahead)

    return Replica(database, settings(database, **environ), now, [])


async def all_take(replicas: Sequence[Replica], token: str, purpose: KeyPurpose) -> bool:
    """Whether every one of *replicas* takes *token*."""
    return all([await replica.takes(token, purpose) for replica in replicas])
