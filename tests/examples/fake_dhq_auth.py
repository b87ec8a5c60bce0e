"""dhq-auth as the demo application sees it: a few answers of the contract, which tests bend."""

import time
from collections.abc import Iterable

from aiohttp import web
from joserfc import jwt

from examples.demo.issuer import s256
from tests.fakes.server import LocalServer
from tests.fakes.signing import borrow, give_back

TOKEN = "the-login-token"
CODE = "the-one-time-code"


class FakeDhqAuth(LocalServer):
    """Knows one user, Ada, by one token; `profile`, `claims` and `signing_key` may be bent."""

    def __init__(self) -> None:
        super().__init__()
        self.key = self.signing_key = borrow("RS256")
        self.profile: dict[str, object] = {"id": "u1", "name": "Ada", "avatar_url": None}
        self.claims: dict[str, object] = {}
        self.challenge: str | None = None
        self.live_tokens = {TOKEN}

    async def __aexit__(self, *raised: object) -> None:
        await super().__aexit__(*raised)
        give_back("RS256", [self.key])

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/auth/check", self._check, name="check"),
            web.post("/auth/exchange", self._exchange, name="exchange"),
            web.get("/auth/authorize", self._authorize, name="authorize"),
            web.get("/auth/public-key", self._public_key, name="public-key"),
            web.post("/auth/logout", self._logout, name="logout"),
        ]

    def _knows(self, request: web.Request) -> bool:
        return request.headers.get("Auth-Token") in self.live_tokens

    async def _check(self, request: web.Request) -> web.Response:
        if self._knows(request):
            return web.json_response({"authenticated": True, "profile": self.profile})
        url = f"{self.origin}/auth/login/demo?next={request.query['next']}"
        return web.json_response(
            {
                "authenticated": False,
                "providers": {"demo": {"url": url}, "<b>": {"url": url}},
                "reason": "expired" if "Auth-Token" in request.headers else "missing",
            }
        )

    async def _exchange(self, request: web.Request) -> web.Response:
        proof = await request.json()
        if proof["code"] != CODE or s256(proof["code_verifier"]) != self.challenge:
            problem = {"title": "Invalid grant", "detail": "the <code> is spent"}
            return web.json_response(problem, status=400, content_type="application/problem+json")
        return web.json_response({"token": TOKEN, "expires_in": 3600, "profile": self.profile})

    async def _authorize(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.json_response({"title": "Unauthorized", "permissions": {}}, status=401)
        permissions = {"read": True, "write": False}
        claims = {
            "iss": self.origin,
            "exp": int(time.time()) + 900,
            "service": request.query["service"],
            "permissions": permissions,
        } | self.claims
        header = {"alg": "RS256", "kid": self.key.kid}
        token = jwt.encode(header, claims, self.signing_key)
        return web.json_response({"token": token, "userid": "u1", "permissions": permissions})

    async def _public_key(self, _: web.Request) -> web.Response:
        return web.Response(text=self.key.as_pem(private=False).decode())

    async def _logout(self, request: web.Request) -> web.Response:
        self.live_tokens.discard(request.headers["Auth-Token"])
        return web.json_response({})
