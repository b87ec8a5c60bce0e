"""JWTs: the one that a login ended with, and those of issuers whom the operator trusts."""

from aiohttp import web

from dhq_auth.credentials.kind import Authenticated
from dhq_auth.credentials.live import LiveSessions, Seen
from dhq_auth.credentials.store import user_of_identity
from dhq_auth.credentials.trusted_issuers import ForeignClaims, TrustedIssuers
from dhq_auth.errors import InvalidCredential
from dhq_auth.hookspecs import Presented
from dhq_auth.principal import AuthMethod, Principal
from dhq_auth.tokens.signing import LOGIN, TokenSigner, VerifiedClaims
from dhq_auth.work import Work


class Jwts:
    """The kind `jwt`."""

    def __init__(
        self, signer: TokenSigner, trusted: TrustedIssuers, sessions: LiveSessions, work: Work
    ) -> None:
        self._signer = signer
        self._trusted = trusted
        self._sessions = sessions
        self._work = work

    async def authenticate(
        self, _request: web.Request, presented: Presented | None, *, remember: bool = False
    ) -> Authenticated | None:
        """Return whom a JWT names; no query unless its signature holds."""
        if presented is None or presented.scheme != "bearer" or presented.value.count(".") != 2:
            return None
        foreign = await self._trusted.verify(presented.value)
        if foreign is None:
            return await self._of_login(presented.value, remember=remember)
        return await self._of_trusted_issuer(foreign)

    async def _of_login(self, token: str, *, remember: bool) -> Authenticated:
        claims = await self._signer.verified(token, LOGIN)
        seen = await self._sessions.of_token(claims, remember=remember)
        if seen is None:
            raise InvalidCredential("the login has ended", reason="revoked")
        return _logged_in(claims, seen)

    def known(self, token: str) -> Authenticated | None:
        """Return whose login *token* is, if that is known without waiting.

        Raises InvalidCredential for one that we have not signed, or that has expired.
        """
        claims = self._signer.verify_of(token, LOGIN, self._sessions.knows)
        if claims is None or (seen := self._sessions.known(claims)) is None:
            return None
        return _logged_in(claims, seen)

    async def _of_trusted_issuer(self, claims: ForeignClaims) -> Authenticated:
        async with self._work.read() as db:
            user = await user_of_identity(db, claims.issuer, claims.subject, local=claims.local)
        if user is None or not user.is_active:
            raise InvalidCredential("the token is of nobody who is known here")
        if claims.local and user.is_admin:
            raise InvalidCredential("an administrator is never taken from another system's token")
        principal = Principal(
            user.id,
            AuthMethod.TRUSTED_ISSUER,
            token_id=claims.token_id,
            issued_at=claims.issued_at,
            expires_at=claims.expires_at,
        )
        return Authenticated(principal, user)


def _logged_in(claims: VerifiedClaims, seen: Seen) -> Authenticated:
    """Return who has logged in, as a token says of the session that was *seen*."""
    session = seen.session
    principal = Principal(
        session.user.id,
        AuthMethod.LOGIN_TOKEN,
        session.session_id,
        claims.token_id,
        claims.issued_at,
        claims.expires_at,
        logged_in_at=session.created_at,
        used_at=session.used_at,
    )
    good_until = min(claims.expires_at, seen.until)
    return Authenticated(principal, session.user, good_until=good_until)
