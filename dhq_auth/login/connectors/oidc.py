"""OpenID Connect: Google, and every other issuer (OpenID Connect Core 3.1)."""

import logging
from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError

from dhq_auth.accounts.identities.store import MAX_SUBJECT
from dhq_auth.clock import Clock
from dhq_auth.errors import LoginFailed, UpstreamFailed
from dhq_auth.login.connectors.protocol import (
    Identity,
    LoginRequest,
    access_token,
    authorization_code,
    authorization_request,
    basic,
    email_address,
    label,
    text,
    web_address,
)
from dhq_auth.message import Message
from dhq_auth.remote import OpenIdIssuer, Remote
from dhq_auth.sdk import strict
from dhq_auth.settings import Limits, ProviderSettings

log = logging.getLogger(__name__)

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
)
"""How an ID token may be signed."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint")
MAX_ID_TOKEN = 16 * 1024


class OidcConnector:
    """An OpenID Connect issuer, with the authorization code flow and PKCE."""

    def __init__(
        self, settings: ProviderSettings, remote: Remote, limits: Limits, now: Clock
    ) -> None:
        self.settings = settings
        self._remote = remote
        self._now = now
        self._leeway = int(limits.clock_leeway.total_seconds())
        self._issuer = OpenIdIssuer(
            settings.name, settings.issuer, remote, limits, now, endpoints=ENDPOINTS
        )

    async def authorization_url(self, request: LoginRequest, login_hint: str | None) -> str:
        """Return where the browser is to go (OpenID Connect Core 3.1.2.1)."""
        metadata = await self._issuer.metadata()
        return authorization_request(
            metadata["authorization_endpoint"],
            self.settings,
            request,
            nonce=request.nonce,
            login_hint=login_hint,
        )

    async def identity(self, request: LoginRequest, answer: Mapping[str, str]) -> Identity:
        """Return whom the verified ID token names."""
        metadata = await self._issuer.metadata()
        self._check_issuer(answer, metadata)
        code = authorization_code(answer, self.settings.title)
        tokens = await self._tokens(metadata, request, code)
        claims = await self._verified(tokens, metadata, request.nonce)
        if "email" not in claims and "userinfo_endpoint" in metadata:
            claims.pop("email_verified", None)  # says nothing of an email from elsewhere
            claims = {**await self._userinfo(metadata, tokens, claims["sub"]), **claims}
        return Identity(
            issuer=self.settings.issuer,
            subject=claims["sub"],
            email=email_address(claims.get("email")),
            email_verified=claims.get("email_verified") is True,
            name=label(claims.get("name")),
            login=text(claims.get("preferred_username")),
            avatar_url=web_address(claims.get("picture")),
        )

    def _check_issuer(self, answer: Mapping[str, str], metadata: Mapping[str, Any]) -> None:
        """Refuse an answer that another issuer gave: mix-up (RFC 9207 2.4)."""
        announced = metadata.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", None if announced else self.settings.issuer) != self.settings.issuer:
            raise LoginFailed(
                Message("The answer does not come from {title}.", title=self.settings.title)
            )

    async def _tokens(
        self, metadata: Mapping[str, Any], request: LoginRequest, code: str
    ) -> Mapping[str, Any]:
        """Redeem *code* (OpenID Connect Core 3.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": request.redirect_uri,
            "code_verifier": request.code_verifier,
        }
        headers = {}
        client_id, secret = self.settings.client_id, self.settings.client_secret
        methods = metadata.get("token_endpoint_auth_methods_supported")
        if secret is None:
            form["client_id"] = client_id
        elif isinstance(methods, list) and "client_secret_basic" not in methods:
            form |= {"client_id": client_id, "client_secret": secret.value}
        else:
            headers["Authorization"] = basic(client_id, secret.value)
        answer = await self._remote.call(
            self.settings.name, "POST", metadata["token_endpoint"], headers=headers, form=form
        )
        if not isinstance(answer.content, dict):
            raise UpstreamFailed(
                Message("{title} did not answer as it should", title=self.settings.title)
            )
        if answer.status == 400 and answer.content.get("error") == "invalid_grant":
            raise LoginFailed(
                Message("{title} does not know the code any more.", title=self.settings.title)
            )
        if answer.status != 200 or not isinstance(answer.content.get("id_token"), str):
            log.error("%s: the token endpoint answered %d", self.settings.name, answer.status)
            raise UpstreamFailed(Message("{title} gave no ID token", title=self.settings.title))
        return answer.content

    async def _verified(
        self, tokens: Mapping[str, Any], metadata: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        """Return the claims of the ID token once all of Core 3.1.3.7 holds."""
        id_token = tokens["id_token"]
        try:
            header = strict.header_of(id_token, MAX_ID_TOKEN)
            announced = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
            if not isinstance(announced, list):
                raise ValueError("no algorithms were announced")
            if header["alg"] not in ALGORITHMS or header["alg"] not in announced:
                raise ValueError("signed with an algorithm that was not announced")
            claims = await self._issuer.claims(id_token, header)
            return self._checked(claims, header, tokens, nonce)
        except (ValueError, TypeError, JoseError) as error:
            reason = getattr(error, "description", "") or str(error)
            log.warning("%s: ID token refused: %s", self.settings.name, reason)
            raise UpstreamFailed(
                Message("{title} sent an ID token that is not valid", title=self.settings.title)
            ) from (error)

    def _checked(
        self,
        claims: dict[str, Any],
        header: Mapping[str, Any],
        tokens: Mapping[str, Any],
        nonce: str,
    ) -> dict[str, Any]:
        client_id, subject = self.settings.client_id, claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
            raise ValueError("its subject is no text of up to 255 characters")
        if not subject.isprintable():
            raise ValueError("its subject is not printable")
        for name in ("exp", "iat"):
            if not _is_number(claims.get(name)):
                raise ValueError(f"its {name} is not a number")
        from authlib.oidc.core import CodeIDToken  # noqa: PLC0415

        CodeIDToken(
            claims,
            header,
            {
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": client_id},
            },
            {
                "nonce": nonce,
                "client_id": client_id,
                "access_token": tokens.get("access_token"),
            },
        ).validate(int(self._now().timestamp()), self._leeway)
        return claims

    async def _userinfo(
        self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], subject: str
    ) -> Mapping[str, Any]:
        """Return the claims of the UserInfo endpoint (OpenID Connect Core 5.3)."""
        token = access_token(tokens, self.settings.title)
        answer = await self._remote.call(
            self.settings.name,
            "GET",
            metadata["userinfo_endpoint"],
            headers={"Authorization": f"Bearer {token}"},
        )
        if answer.status != 200 or not isinstance(answer.content, dict):
            raise UpstreamFailed(
                Message("{title} did not say who logged in", title=self.settings.title)
            )
        if answer.content.get("sub") != subject:
            raise UpstreamFailed(
                Message("{title} named two different users", title=self.settings.title)
            )
        return answer.content


def _is_number(value: object) -> bool:
    """Whether *value* is a NumericDate (RFC 7519 2) that we can count with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53
