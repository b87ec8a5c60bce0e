"""An OpenID Connect issuer that asks for no password: a stand-in for Google, on this machine only.

Authorization code with PKCE (OpenID Connect Core 3.1, RFC 7636) for exactly one client. Whoever
clicks a name is that person, so it proves nothing, and nothing but loopback addresses may use it.
"""

import re
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from multidict import MultiMapping
from yarl import URL

from examples.demo.loopback import is_loopback_origin, loopback_only
from examples.demo.pages import STATIC, drawing, page, redirect
from examples.demo.people import CLAIMS_OF_SCOPE, PEOPLE, Person

CLIENT_ID = "dhq-auth-demo"
CODE_LIFETIME = 60
TOKEN_LIFETIME = 300
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_NO_STORE = {"Cache-Control": "no-store"}


class OAuthError(Exception):
    """An error code of RFC 6749 4.1.2.1 or 5.2, and a sentence for the developer who meets it."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.parameters = {"error": error, "error_description": description}


@dataclass(frozen=True)
class Grant:
    """What the visitor agreed to: the meaning of a code, then of an access token."""

    person: Person
    scopes: frozenset[str]
    nonce: str | None
    code_challenge: str


class Secrets:
    """Random strings, each standing for a grant for some seconds."""

    def __init__(self, lifetime: int, now: Callable[[], float]) -> None:
        self._lifetime = lifetime
        self._now = now
        self._grants: dict[str, tuple[float, Grant]] = {}

    def keep(self, grant: Grant) -> str:
        """Return a new secret for *grant*; forget the expired ones."""
        now = self._now()
        self._grants = {name: kept for name, kept in self._grants.items() if kept[0] > now}
        secret = secrets.token_urlsafe(32)
        self._grants[secret] = (now + self._lifetime, grant)
        return secret

    def look_up(self, secret: str, *, spend: bool = False) -> Grant | None:
        """Return what *secret* stands for; when spent, for the last time."""
        kept = self._grants.pop(secret, None) if spend else self._grants.get(secret)
        return kept[1] if kept and kept[0] > self._now() else None


class Issuer:
    """The endpoints, with a key, codes and access tokens that live as long as the process."""

    def __init__(self, address: str, redirect_uri: str, now: Callable[[], float]) -> None:
        for origin in (address, str(URL(redirect_uri).origin())):
            if not is_loopback_origin(origin):
                raise ValueError(f"{origin} is not on this machine: the demo issuer refuses it")
        self.address = address
        self.redirect_uri = redirect_uri
        self.now = now
        self.codes = Secrets(CODE_LIFETIME, now)
        self.access_tokens = Secrets(TOKEN_LIFETIME, now)

    @cached_property
    def key(self) -> RSAKey:
        """The key that signs ID tokens, made when it is first asked for."""
        return RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)

    async def metadata(self, _: web.Request) -> web.Response:
        """Describe the endpoints (OpenID Connect Discovery 3)."""
        return web.json_response(
            {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "userinfo_endpoint": f"{self.address}/userinfo",
                "jwks_uri": f"{self.address}/jwks.json",
                "scopes_supported": list(CLAIMS_OF_SCOPE),
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "request_uri_parameter_supported": False,
            }
        )

    async def jwks(self, _: web.Request) -> web.Response:
        """Publish the key that signs ID tokens (RFC 7517 5)."""
        return web.json_response(KeySet([self.key]).as_dict(private=False))

    async def authorize(self, request: web.Request) -> web.Response:
        """Ask who the visitor wants to be, then hand out a code (OpenID Connect Core 3.1.2).

        The form posts to the very address of the request, so the same lines check both; before
        client and redirect URI are known to be good, no answer leaves for anywhere.
        """
        query = request.query
        if query.getall("client_id", []) != [CLIENT_ID]:
            return page("refused.html", status=400, reason="The client_id is not the demo's.")
        if query.getall("redirect_uri", []) != [self.redirect_uri]:
            reason = f"The redirect_uri is not exactly {self.redirect_uri}."
            return page("refused.html", status=400, reason=reason)
        try:
            grant_for = _authorization_request(query)
            if request.method != "POST":
                action = f"?{request.rel_url.raw_query_string}"
                return page("choose.html", people=PEOPLE.values(), action=action)
            answer = {"code": self.codes.keep(grant_for(await _chosen_person(request)))}
        except OAuthError as error:
            answer = error.parameters
        if "state" in query:
            answer["state"] = query["state"]
        answer["iss"] = self.address  # RFC 9207: lets the client notice a mix-up of issuers.
        return redirect(str(URL(self.redirect_uri).update_query(answer)))

    async def token(self, request: web.Request) -> web.Response:
        """Swap a code for an ID token and an access token (OpenID Connect Core 3.1.3)."""
        try:
            grant = self._redeem(await request.post())
        except OAuthError as error:
            return web.json_response(error.parameters, status=400, headers=_NO_STORE)
        issued_at = int(self.now())
        claims = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "iat": issued_at,
            "exp": issued_at + TOKEN_LIFETIME,
            **grant.person.claims(grant.scopes, self.address),
        }
        if grant.nonce is not None:
            claims["nonce"] = grant.nonce
        header = {"alg": "RS256", "typ": "JWT", "kid": self.key.kid}
        answer = {
            "access_token": self.access_tokens.keep(grant),
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME,
            "scope": " ".join(sorted(grant.scopes)),
            "id_token": jwt.encode(header, claims, self.key, algorithms=["RS256"]),
        }
        return web.json_response(answer, headers=_NO_STORE)

    def _redeem(self, form: Mapping[str, object]) -> Grant:
        """Spend the code, then judge the request (RFC 6749 4.1.3, RFC 7636 4.6)."""
        grant = self.codes.look_up(str(form.get("code")), spend=True)
        if form.get("client_id") != CLIENT_ID:
            raise OAuthError("invalid_client", "the client_id is not the demo's")
        if form.get("grant_type") != "authorization_code":
            raise OAuthError("unsupported_grant_type", "only authorization_code is offered")
        if grant is None:
            raise OAuthError("invalid_grant", "the code is unknown, spent or expired")
        if form.get("redirect_uri") != self.redirect_uri:
            raise OAuthError("invalid_grant", "the redirect_uri is not the one of the code")
        if s256(str(form.get("code_verifier"))) != grant.code_challenge:
            raise OAuthError("invalid_grant", "the code_verifier does not belong to the code")
        return grant

    async def userinfo(self, request: web.Request) -> web.Response:
        """Tell who is behind an access token (OpenID Connect Core 5.3)."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        grant = self.access_tokens.look_up(secret)
        if scheme.lower() != "bearer" or grant is None:
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            return web.Response(status=401, headers=challenge)
        claims = grant.person.claims(grant.scopes, self.address)
        return web.json_response(claims, headers=_NO_STORE)

    async def portrait(self, request: web.Request) -> web.Response:
        """Draw somebody's initials."""
        person = PEOPLE.get(request.match_info["sub"])
        if person is None:
            raise web.HTTPNotFound
        return drawing("portrait.svg", person=person)


def s256(verifier: str) -> str:
    """Return the challenge that belongs to *verifier* (RFC 7636 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _authorization_request(query: MultiMapping[str]) -> Callable[[Person], Grant]:
    """Check a request (RFC 6749 4.1.1, RFC 7636 4.3); return what it grants once somebody agrees."""
    if any(len(query.getall(name)) > 1 for name in query):
        raise OAuthError("invalid_request", "a parameter is repeated")
    if query.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "only response_type=code is offered")
    scopes = frozenset(query.get("scope", "").split()) & CLAIMS_OF_SCOPE.keys()
    if "openid" not in scopes:
        raise OAuthError("invalid_scope", "the scope openid is missing")
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or not _S256_CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "PKCE with code_challenge_method=S256 is required")
    if query.get("prompt") == "none":
        raise OAuthError("login_required", "the demo always asks who you want to be")
    return lambda person: Grant(person, scopes, query.get("nonce"), challenge)


async def _chosen_person(request: web.Request) -> Person:
    """Return whose button was pressed; `access_denied` for the button that is nobody's."""
    person = PEOPLE.get(str((await request.post()).get("person")))
    if person is None:
        raise OAuthError("access_denied", "nobody was chosen")
    return person


def create_issuer(
    address: str, redirect_uri: str, *, now: Callable[[], float] = time.time
) -> web.Application:
    """Make the issuer *address* for the one client that may be sent to *redirect_uri*.

    ValueError unless both are on this machine.
    """
    issuer = Issuer(address, redirect_uri, now)
    app = web.Application(middlewares=[loopback_only])
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", issuer.metadata),
            web.get("/jwks.json", issuer.jwks),
            web.get("/authorize", issuer.authorize),
            web.post("/authorize", issuer.authorize),
            web.post("/token", issuer.token),
            web.get("/userinfo", issuer.userinfo),
            web.get("/portraits/{sub}.svg", issuer.portrait),
            STATIC,
        ]
    )
    return app
