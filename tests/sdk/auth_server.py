"""An auth service of which tests choose the keys, the answers and the faults."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from joserfc import jws
from joserfc.jwk import RSAKey

from dhq_auth.sdk import InvalidToken, Verifier
from dhq_auth.tokens.key import SigningKey
from dhq_auth.tokens.store import KeyPurpose
from tests.fakes.server import LocalServer, changed
from tests.fakes.signing import borrow, give_back
from tests.fixtures.service import FrozenClock
from tests.tokens.forgeries import Mint

SERVICE = "notes"
LIFETIME = timedelta(minutes=15)


def signing_key(jwk: RSAKey, purpose: KeyPurpose = KeyPurpose.SERVICE) -> SigningKey:
    return SigningKey.of(jwk.private_key, purpose)


class AuthServer(LocalServer):
    """Publishes `keys`, signs with the first, and answers questions about policies with `answer`."""

    def __init__(self, clock: FrozenClock) -> None:
        super().__init__()
        self.clock = clock
        self._borrowed: list[RSAKey] = []
        self.keys = [self.new_key()]
        self.max_age: str | None = "public, max-age=300"
        self.answer: dict[str, Any] = {"decision": "allow", "policy_id": "1", "reason": ""}
        self.questions: list[dict[str, Any]] = []
        self.credentials: list[str | None] = []

    def new_key(self) -> SigningKey:
        """Return a key of our own, which is not published yet."""
        jwk = borrow("RS256")
        assert isinstance(jwk, RSAKey)
        self._borrowed.append(jwk)
        return signing_key(jwk)

    async def stop(self) -> None:
        await super().stop()
        give_back("RS256", self._borrowed)
        self._borrowed = []

    def claims(self, **changes: object) -> dict[str, object]:
        """Return the claims of a good token, with *changes*."""
        now: datetime = self.clock.now
        truth = {
            "iss": self.origin,
            "sub": "ada",
            "userid": "ada",
            "service": SERVICE,
            "permissions": {"read": True},
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "jti": "1",
        }
        return changed(truth, changes)

    def token(self, key: SigningKey | None = None, **changes: object) -> str:
        """Return a token signed with *key*, with *changes* to its claims."""
        key = key or self.keys[0]
        header = {"typ": "JWT", "alg": "RS256", "kid": key.kid}
        return jws.serialize_compact(
            header, json.dumps(self.claims(**changes)).encode(), key.jwk, ["RS256"]
        )

    def mint(self, other: SigningKey) -> Mint:
        """Return a forger of service tokens; the tables of forgeries call the key `login`."""
        return Mint(self.token(), login=self.keys[0], service=other)

    def jwks(self) -> dict[str, object]:
        return {"keys": [dict(key.jwk.as_dict(private=False)) for key in self.keys]}

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return [
            web.get("/.well-known/jwks.json", self._jwks, name="jwks"),
            web.get("/auth/public-key", self._public_key, name="public_key"),
            web.post("/auth/policies/evaluate", self._evaluate, name="evaluate"),
        ]

    async def _jwks(self, _request: web.Request) -> web.Response:
        headers = {} if self.max_age is None else {"Cache-Control": self.max_age}
        return web.json_response(self.jwks(), headers=headers)

    async def _public_key(self, _request: web.Request) -> web.Response:
        return web.Response(text=self.keys[0].public_pem)

    async def _evaluate(self, request: web.Request) -> web.Response:
        self.questions.append(await request.json())
        self.credentials.append(request.headers.get("Authorization"))
        return web.json_response(self.answer)


async def believed(verifier: Verifier, token: str) -> bool:
    """Return whether *verifier* believes *token*; Unavailable is neither."""
    try:
        return (await verifier.verify_async(token)).is_authenticated
    except InvalidToken:
        return False
