"""The kinds of credentials that CREDENTIALS names, in its order, as one authenticator."""

from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.credentials.api_token import ApiTokens
from dhq_auth.credentials.authenticate import Authenticator
from dhq_auth.credentials.basic import Basic
from dhq_auth.credentials.extension import OfExtension
from dhq_auth.credentials.jwt import Jwts
from dhq_auth.credentials.kind import Kind
from dhq_auth.credentials.live import LiveSessions
from dhq_auth.credentials.recent import Recent
from dhq_auth.credentials.session import Sessions
from dhq_auth.credentials.trusted_issuers import TrustedIssuers
from dhq_auth.plugins import CredentialKinds
from dhq_auth.remote import Remote
from dhq_auth.revocations.memory import Memory
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.work import Work


def authenticator(
    settings: Settings,
    work: Work,
    *,
    signer: TokenSigner,
    logins: PasswordLogins,
    remote: Remote,
    of_extensions: CredentialKinds,
    memory: Memory,
) -> Authenticator:
    """Return who is asked whose a request is; without PASSWORD_LOGIN there is no Basic."""
    sessions = Sessions(settings, work)
    trusted = TrustedIssuers(settings.trusted_issuers, remote, settings.limits, work.now)
    kinds: dict[str, Kind | None] = {
        "token": ApiTokens(work),
        "jwt": Jwts(signer, trusted, LiveSessions(work, memory), work),
        "basic": Basic(logins) if settings.password_login else None,
        "session": sessions,
    }
    named = (each.name for each in settings.credentials)
    asked = [
        kinds[name] if name in kinds else OfExtension(name, of_extensions, work) for name in named
    ]
    kept = Recent(memory, work.now)
    return Authenticator(settings, [kind for kind in asked if kind], sessions, kept)
