"""A kind of credential that an extension judges; whose it is must be somebody here, now."""

from aiohttp import web

from dhq_auth.accounts.store import user_by_id
from dhq_auth.credentials.kind import Authenticated
from dhq_auth.errors import InvalidCredential
from dhq_auth.hookspecs import CredentialContext, Presented
from dhq_auth.plugins import CredentialKinds
from dhq_auth.principal import AuthMethod, Principal
from dhq_auth.work import Work


class OfExtension:
    """The kind *name* of CREDENTIALS."""

    def __init__(self, name: str, kinds: CredentialKinds, work: Work) -> None:
        self._name = name
        self._kinds = kinds
        self._work = work

    async def authenticate(
        self,
        _request: web.Request,
        presented: Presented | None,
        *,
        remember: bool = False,  # noqa: ARG002
    ) -> Authenticated | None:
        """Return whom the extension names; whatever it is for a program, it is no login."""
        if presented is None:
            return None
        context = CredentialContext(presented, self._work.read)
        subject = await self._kinds.subject(self._name, context)
        if subject is None:
            return None
        if subject.expires_at is not None and subject.expires_at <= self._work.now():
            raise InvalidCredential("the credential has expired", reason="expired")
        async with self._work.read() as db:
            user = await user_by_id(db, subject.user_id)
        if user is None or not user.is_active:
            raise InvalidCredential("the credential is of nobody who is known here")
        principal = Principal(
            user.id,
            AuthMethod.EXTENSION,
            token_id=subject.token_id,
            expires_at=subject.expires_at,
            scopes=subject.scopes,
        )
        return Authenticated(principal, user)
