"""What a connector does: send the browser to a provider, and learn from its answer who came."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote_plus

from dhq_auth.errors import LoginFailed, UpstreamFailed
from dhq_auth.message import Message
from dhq_auth.opaque import derive, s256
from dhq_auth.redirects import Origin
from dhq_auth.settings import ProviderSettings

MAX_TEXT = 1024
MAX_EMAIL = 320
"""Characters of an email (RFC 3696, erratum 1690), which PostgreSQL can put into an index."""
JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """One login at a provider, bound to one browser.

    `browser_secret` lies in a cookie of that browser and nowhere else; nonce and code verifier are
    derived from it, so that neither needs to be stored and another browser cannot go on.
    """

    redirect_uri: str
    state: str = field(repr=False)
    browser_secret: str = field(repr=False)

    @property
    def nonce(self) -> str:
        """The `nonce` of the ID token (OpenID Connect Core 3.1.2.1)."""
        return derive(self.browser_secret, f"nonce {self.state}")

    @property
    def code_verifier(self) -> str:
        """The PKCE code verifier (RFC 7636 4.1)."""
        return derive(self.browser_secret, f"code_verifier {self.state}")

    @property
    def code_challenge(self) -> str:
        """The S256 challenge of the verifier (RFC 7636 4.2)."""
        return s256(self.code_verifier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whom a provider vouches for: the account is (issuer, subject), never the email or a name."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    login: str | None
    avatar_url: str | None


class Connector(Protocol):
    """One login provider."""

    settings: ProviderSettings

    async def authorization_url(self, request: LoginRequest, login_hint: str | None) -> str:
        """Return where the browser is to go (RFC 6749 4.1.1)."""

    async def identity(self, request: LoginRequest, answer: Mapping[str, str]) -> Identity:
        """Return who came back with *answer*, the parameters of the callback.

        Raises LoginFailed where the provider or the user refused, UpstreamFailed or
        UpstreamTimeout where the provider is at fault.
        """


# Authlib is loaded by the first login: a start, and whoever only checks tokens, does without it.


def authorization_request(
    endpoint: str, settings: ProviderSettings, request: LoginRequest, **more: str | None
) -> str:
    """Return where the browser is to go, with PKCE (RFC 6749 4.1.1, RFC 7636 4.3)."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415

    return str(
        prepare_grant_uri(
            endpoint,
            settings.client_id,
            "code",
            redirect_uri=request.redirect_uri,
            scope=settings.scopes,
            state=request.state,
            code_challenge=request.code_challenge,
            code_challenge_method="S256",
            **more,
        )
    )


def authorization_code(answer: Mapping[str, str], title: str) -> str:
    """Return the code in *answer*, or raise LoginFailed with the provider's reason in our words.

    What the provider writes (`error_description`) is shown to nobody (RFC 6749 4.1.2.1).
    """
    if "error" in answer:
        if answer["error"] == "access_denied":
            raise LoginFailed(Message("The login at {title} was cancelled.", title=title))
        raise LoginFailed(Message("{title} refused the login.", title=title))
    if not answer.get("code"):
        raise LoginFailed(Message("{title} sent no code.", title=title))
    return answer["code"]


def basic(client_id: str, client_secret: str) -> str:
    """Return the Authorization header of a client; both parts form-encoded (RFC 6749 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def text(value: Any) -> str | None:
    """Return *value* if it is a text that can be kept, else None."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        return None
    return value if value.isprintable() else None


def email_address(value: Any) -> str | None:
    """Return *value* if it is a text no longer than an email can be, else None."""
    address = text(value)
    return address if address and len(address) <= MAX_EMAIL else None


def label(value: Any) -> str | None:
    """Return the name of a person, without what is not to be seen, or None if nothing is left.

    Joiners stay, which names in Persian and in emoji are spelt with; what turns the direction of
    a line goes, since it would turn what stands beside the name as well.
    """
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return None
    seen = "".join(each for each in value if each.isprintable() or each in JOINERS).strip()
    return seen if seen.strip(f"{JOINERS} ") else None


def web_address(value: Any) -> str | None:
    """Return *value* if it is the address of an image on the web, else None."""
    address = text(value)
    if address is None:
        return None
    try:
        Origin.of(address)
    except ValueError:
        return None
    return address


def access_token(content: Any, provider: str) -> str:
    """Return the access token of a token response (RFC 6749 5.1)."""
    token = content.get("access_token") if isinstance(content, dict) else None
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise UpstreamFailed(Message("{provider} sent no access token", provider=provider))
    return token
