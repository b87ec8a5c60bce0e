"""A real OpenID Connect issuer on this machine: strict as the certified ones, and able to lie.

    async with OidcIssuer() as issuer:
        issuer.user = {"sub": "1001", "email": "ada@example.com", "email_verified": True}
        issuer.lies.id_token = {"nonce": ABSENT}        # what it says that is not so
        issuer.lies.signature = Signature.UNKNOWN_KID
        issuer.faults["jwks"] = server_error            # what fails underneath
        assert issuer.asked["token"] == 1

The endpoints are `discovery`, `jwks`, `authorize`, `token` and `userinfo`.
`/authorize` shows no page: the user has consented already, and is sent straight back.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from aiohttp import web

from tests.fakes.client import Client
from tests.fakes.oauth import (
    Authorization,
    ProtocolError,
    base64url,
    bearer,
    challenge_of,
    form_of,
    proves,
    redirect_with,
    singly,
)
from tests.fakes.server import Changes, LocalServer, changed
from tests.fakes.signing import Key, Signature, borrow, give_back, signed

Alg = Literal["RS256", "ES256"]

CODE_LIFETIME = timedelta(minutes=1)
TOKEN_LIFETIME = timedelta(hours=1)
SCOPE_CLAIMS = {
    "email": {"email", "email_verified"},
    "profile": {
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
        "updated_at",
    },
}
"""Which claims a scope asks for (OpenID Connect Core 5.4)."""


@dataclass
class Lies:
    """What the issuer says that is not so; each field is laid over the honest answer."""

    discovery: Changes = field(default_factory=dict)
    jwks: Changes = field(default_factory=dict)
    authorization: Changes = field(default_factory=dict)
    token: Changes = field(default_factory=dict)
    id_token: Changes = field(default_factory=dict)
    userinfo: Changes = field(default_factory=dict)
    signature: Signature = Signature.HONEST


class OidcIssuer(LocalServer):
    """An OpenID Provider with one client and one user at a time.

    *path* is the issuer's own (`/realms/acme`); with *terse_id_token* the claims of the user
    are in the userinfo alone, as certified providers do it by default.
    """

    def __init__(
        self,
        client: Client | None = None,
        *,
        path: str = "",
        alg: Alg = "RS256",
        requires_pkce: bool = True,
        terse_id_token: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        self.client = client or Client()
        self.path = path
        self.alg: Alg = alg
        self.requires_pkce = requires_pkce
        self.terse_id_token = terse_id_token
        self.now = now
        self.user: dict[str, object] = {
            "sub": "1001",
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada Lovelace",
            "picture": "https://images.example.com/ada.png",
        }
        self.lies = Lies()
        self.keys: list[Key] = []
        self._retired: list[Key] = []
        self._codes: dict[str, Authorization] = {}
        self._tokens: dict[str, Authorization] = {}

    @property
    def url(self) -> str:
        """The issuer identifier."""
        return self.origin + self.path

    async def start(self) -> None:
        if not self.keys:
            self.keys = [borrow(self.alg)]
        await super().start()

    async def __aexit__(self, *raised: object) -> None:
        await super().__aexit__(*raised)
        give_back(self.alg, self.keys + self._retired)
        self.keys, self._retired = [], []

    def rotate_keys(self, *, keep_old: bool = False) -> None:
        """Sign with a new key from now on, and with *keep_old* go on publishing the others."""
        if not keep_old:
            self._retired += self.keys
            self.keys = []
        self.keys.append(borrow(self.alg))

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        well_known = f"{self.path}/.well-known/openid-configuration"
        return [
            web.get(well_known, self._discovery, name="discovery"),
            web.get(f"{self.path}/jwks", self._jwks, name="jwks"),
            web.get(f"{self.path}/authorize", self._authorize, name="authorize"),
            web.post(f"{self.path}/token", self._token, name="token"),
            web.get(f"{self.path}/userinfo", self._userinfo, name="userinfo"),
        ]

    async def _discovery(self, _request: web.Request) -> web.Response:
        document: dict[str, object] = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.alg],
            "scopes_supported": ["openid", *SCOPE_CLAIMS],
            "token_endpoint_auth_methods_supported": [self.client.auth_method],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return web.json_response(changed(document, self.lies.discovery))

    async def _jwks(self, _request: web.Request) -> web.Response:
        keys = {"keys": [key.as_dict(private=False) for key in self.keys]}
        return web.json_response(changed(keys, self.lies.jwks))

    async def _authorize(self, request: web.Request) -> web.Response:
        redirect_uri = request.query.get("redirect_uri", "")
        if request.query.get("client_id") != self.client.id:
            return web.Response(status=400, text="unknown client")
        if redirect_uri not in self.client.redirect_uris:
            return web.Response(status=400, text="redirect_uri is not registered")
        try:
            answer: dict[str, object] = {"code": self._code_for(singly(request.query))}
        except ProtocolError as error:
            answer = error.members()
        if state := request.query.get("state"):
            answer["state"] = state
        answer["iss"] = self.url
        return redirect_with(redirect_uri, changed(answer, self.lies.authorization))

    def _code_for(self, asked: Mapping[str, str]) -> str:
        scope = frozenset(asked.get("scope", "").split())
        if asked.get("response_type") != "code":
            raise ProtocolError("unsupported_response_type", "only code is supported")
        if "openid" not in scope:
            raise ProtocolError("invalid_scope", "openid is not asked for")
        code = secrets.token_urlsafe(24)
        self._codes[code] = Authorization(
            dict(self.user),
            asked["redirect_uri"],
            scope,
            self.now(),
            challenge=challenge_of(asked, required=self.requires_pkce),
            nonce=asked.get("nonce"),
        )
        return code

    async def _token(self, request: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-store"}
        try:
            form = await form_of(request)
            self._authenticate(request, form)
            answer = self._redeemed(form)
        except ProtocolError as error:
            if error.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="token"'
            return web.json_response(error.members(), status=error.status, headers=headers)
        return web.json_response(changed(answer, self.lies.token), headers=headers)

    def _authenticate(self, request: web.Request, form: Mapping[str, str]) -> None:
        if not self.client.authenticates(request.headers.get("Authorization"), form):
            raise ProtocolError("invalid_client", "client authentication failed", 401)

    def _redeemed(self, form: Mapping[str, str]) -> dict[str, object]:
        """Spend the code; a second use revokes what the first one got (RFC 6749 4.1.2)."""
        if form.get("grant_type") != "authorization_code":
            raise ProtocolError("unsupported_grant_type", "only authorization_code is supported")
        granted = self._codes.get(form.get("code", ""))
        if granted is None or self.now() >= granted.at + CODE_LIFETIME:
            raise ProtocolError("invalid_grant", "the code is unknown or expired")
        if granted.spent:
            self._tokens.pop(granted.access_token, None)
            raise ProtocolError("invalid_grant", "the code is used")
        granted.spent = True
        if form.get("redirect_uri") != granted.redirect_uri:
            raise ProtocolError("invalid_grant", "redirect_uri differs from the request's")
        if not proves(form.get("code_verifier"), granted.challenge):
            raise ProtocolError("invalid_grant", "code_verifier does not match the challenge")
        self._tokens[granted.access_token] = granted
        return {
            "access_token": granted.access_token,
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFETIME.total_seconds()),
            "scope": " ".join(sorted(granted.scope)),
            "id_token": self._id_token(granted),
        }

    def _id_token(self, granted: Authorization) -> str:
        now = int(self.now().timestamp())
        digest = hashlib.sha256(granted.access_token.encode()).digest()
        claims: dict[str, object] = {
            **({} if self.terse_id_token else _released(granted)),
            "iss": self.url,
            "sub": granted.user["sub"],
            "aud": self.client.id,
            "iat": now,
            "auth_time": now,
            "exp": now + int(TOKEN_LIFETIME.total_seconds()),
            "at_hash": base64url(digest[:16]),
        }
        if granted.nonce is not None:
            claims["nonce"] = granted.nonce
        claims = changed(claims, self.lies.id_token)
        return signed(claims, self.lies.signature, self.keys[-1], self.alg, self.client.secret)

    async def _userinfo(self, request: web.Request) -> web.Response:
        granted = self._tokens.get(bearer(request) or "")
        if granted is None or self.now() >= granted.at + TOKEN_LIFETIME:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return web.json_response({"error": "invalid_token"}, status=401, headers=headers)
        return web.json_response(changed(_released(granted), self.lies.userinfo))


def _released(granted: Authorization) -> dict[str, object]:
    """Return the claims of the user that the granted scope lets out."""
    hidden = {
        claim
        for scope, claims in SCOPE_CLAIMS.items()
        if scope not in granted.scope
        for claim in claims
    }
    return {claim: value for claim, value in granted.user.items() if claim not in hidden}
