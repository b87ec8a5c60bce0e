"""What an application asks of dhq-auth, in five requests."""

from typing import Any

from aiohttp import ClientSession
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey


class Refused(Exception):
    """dhq-auth said no; the text is its explanation."""


class AuthClient:
    """Talks to the dhq-auth at *address*.

    *http* is shared by all users: it must not keep cookies (`aiohttp.DummyCookieJar`).
    """

    def __init__(self, address: str, http: ClientSession) -> None:
        self.address = address
        self._http = http
        self._service_keys: KeySet | None = None

    async def check(self, token: str | None, next_url: str) -> dict[str, Any]:
        """Ask whose *token* it is; if nobody's, where to sign in to come back to *next_url*."""
        return await self._ask("GET", "/auth/check", token, params={"next": next_url})

    async def exchange(self, code: str, code_verifier: str) -> dict[str, Any]:
        """Swap the code that came to *next_url* for a token, once."""
        proof = {"code": code, "code_verifier": code_verifier}
        return await self._ask("POST", "/auth/exchange", json=proof)

    async def authorize(self, token: str, service: str) -> dict[str, Any]:
        """Ask for the user's permissions in *service*, and the signed token that states them."""
        return await self._ask("GET", "/auth/authorize", token, params={"service": service})

    async def logout(self, token: str) -> None:
        """End the session that *token* belongs to."""
        await self._ask("POST", "/auth/logout", token)

    async def verify(self, service_token: str, service: str) -> dict[str, Any]:
        """Return the claims of *service_token*, checked without asking dhq-auth.

        Only the public key is fetched, once. This is the part that a service behind the application
        would do with every request.
        """
        if self._service_keys is None:
            async with self._http.get(f"{self.address}/auth/public-key") as answer:
                answer.raise_for_status()
                key = RSAKey.import_key(await answer.text())
            key.ensure_kid()  # the thumbprint of RFC 7638, as in the tokens
            self._service_keys = KeySet([key])
        try:
            decoded = jwt.decode(service_token, self._service_keys, algorithms=["RS256"])
            jwt.JWTClaimsRegistry(
                iss={"essential": True, "value": self.address},
                exp={"essential": True},
                service={"essential": True, "value": service},
            ).validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise Refused(f"The service token is not good: {error}") from error
        return decoded.claims

    async def _ask(
        self, method: str, path: str, token: str | None = None, **options: Any
    ) -> dict[str, Any]:
        headers = {"Auth-Token": token} if token else {}
        async with self._http.request(
            method, f"{self.address}{path}", headers=headers, **options
        ) as answer:
            body: dict[str, Any] = await answer.json()
            if not answer.ok:
                raise Refused(body.get("detail") or body.get("title") or answer.reason)
            return body
