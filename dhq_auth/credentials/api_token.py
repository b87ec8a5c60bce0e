"""API tokens and developer tokens: opaque, told by their prefix."""

from datetime import timedelta
from typing import Final

from aiohttp import web

from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.api_tokens.format import PREFIX, is_well_formed
from dhq_auth.api_tokens.store import ApiToken
from dhq_auth.credentials.kind import Authenticated
from dhq_auth.credentials.last_use import LastUse
from dhq_auth.credentials.store import user_of_api_token
from dhq_auth.errors import InvalidCredential
from dhq_auth.events import Source
from dhq_auth.hookspecs import Presented
from dhq_auth.opaque import digest
from dhq_auth.principal import AuthMethod, Principal
from dhq_auth.work import Transaction, Work

KEPT_TO: Final = timedelta(minutes=1)
"""How exactly the last use of a token is known: it is written that often at most."""


class ApiTokens:
    """The kind `token`."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._last_use = LastUse(work)

    async def authenticate(
        self,
        _request: web.Request,
        presented: Presented | None,
        *,
        remember: bool = False,  # noqa: ARG002
    ) -> Authenticated | None:
        """Return whose API token is presented; a wrong prefix or checksum costs no query."""
        if presented is None or presented.scheme != "bearer":
            return None
        if not presented.value.startswith(PREFIX):
            return None
        if not is_well_formed(presented.value):
            raise InvalidCredential("the API token is malformed: is it complete?")
        now = self._work.now()
        found = await user_of_api_token(self._work, digest(presented.value))
        if found is None:
            raise InvalidCredential("the API token is not known")
        token, user = found
        if token.revoked_at is not None or not user.is_active:
            raise InvalidCredential("the API token was revoked", reason="revoked")
        if not token.is_live(now):
            raise InvalidCredential("the API token has expired", reason="expired")
        if token.used_at is None or token.used_at <= now - KEPT_TO:
            await self._last_use.write(lambda: self._touch(token))
        method = AuthMethod.DEVELOPER_TOKEN if token.is_developer else AuthMethod.API_TOKEN
        principal = Principal(
            user.id,
            method,
            token_id=token.id,
            issued_at=token.created_at,
            expires_at=token.expires_at,
            scopes=token.scopes,
            used_at=token.used_at,
        )
        # Asked again in time for its next use to be written.
        good_until = now + KEPT_TO
        if token.expires_at is not None:
            good_until = min(good_until, token.expires_at)
        return Authenticated(principal, user, good_until=good_until)

    async def _touch(self, token: ApiToken) -> None:
        async def touch(tx: Transaction) -> None:
            await api_tokens.touch(tx.db, token.id, tx.now, tx.now - KEPT_TO)

        await self._work.transact(Source(), touch)
