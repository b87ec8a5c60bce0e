"""The JWT that a login ended with: in `Authorization: Bearer`, `Auth-Token`, or as `jwt`."""

from dhq_auth.credentials.store import LiveSession, session_of_token
from dhq_auth.errors import InvalidCredential
from dhq_auth.principal import AuthMethod, Principal
from dhq_auth.tokens.signing import LOGIN, TokenSigner
from dhq_auth.work import Work


async def authenticate(
    token: str, signer: TokenSigner, work: Work
) -> tuple[Principal, LiveSession]:
    """Return whom *token* names; raises InvalidCredential: `invalid`, `expired` or `revoked`."""
    claims = signer.verify(token, LOGIN)
    async with work.read() as db:
        session = await session_of_token(db, claims)
    if session is None:
        raise InvalidCredential("the login has ended", reason="revoked")
    principal = Principal(
        session.user.id,
        AuthMethod.LOGIN_TOKEN,
        session.session_id,
        claims.token_id,
        claims.expires_at,
    )
    return principal, session
