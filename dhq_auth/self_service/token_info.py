"""What is known of a token: told to whoever presents it, and ended for whoever found it."""

from contextlib import suppress

from aiohttp import web

from dhq_auth.access.end import end_session
from dhq_auth.access.tokens import revoke_tokens
from dhq_auth.api_tokens.format import PREFIX, is_well_formed
from dhq_auth.clock import rfc3339
from dhq_auth.credentials import Authenticator
from dhq_auth.credentials.store import session_of_token, user_of_api_token
from dhq_auth.errors import InvalidCredential
from dhq_auth.events import TokenRevoked
from dhq_auth.opaque import digest
from dhq_auth.principal import ANYTHING
from dhq_auth.self_service.openapi import token_info as openapi
from dhq_auth.settings import Settings
from dhq_auth.throttle.rates import RateLimit
from dhq_auth.tokens.revoked.store import revoke_token
from dhq_auth.tokens.signing import LOGIN, SERVICE, TokenSigner
from dhq_auth.web.client import CLIENT_ADDRESS, source
from dhq_auth.web.params import params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

REPORTED = "If this was a token of ours, it counts no more."


class TokenInfoViews:
    """Looking at a token, and ending one that leaked."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, signer: TokenSigner
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._signer = signer
        self._reports = RateLimit(
            settings.limits.token_reports,
            work.now,
            refusal="Too many tokens were reported from here; wait a little.",
            name="token_reports",
        )

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(method="GET", path="/auth/token-info", handler=self.info, operation=openapi.INFO),
            Route(
                method="POST",
                path="/auth/token-leaked",
                handler=self.leaked,
                operation=openapi.LEAKED,
            ),
        ]

    async def info(self, request: web.Request) -> web.StreamResponse:
        """Say what is presented: its kind, its owner, its times; whatever its scopes."""
        who = await self._authenticator.authenticate(request, query(request), ANYTHING)
        principal = who.principal
        times = {
            "created_at": principal.issued_at,
            "expires_at": principal.expires_at,
            "used_at": principal.used_at,
        }
        return web.json_response(
            {
                "kind": principal.method,
                "owner": principal.user_id,
                "token_id": principal.token_id,
                "session_id": principal.session_id,
                "scopes": None if principal.scopes is None else sorted(principal.scopes),
                "expired": False,
                **{name: rfc3339(time) for name, time in times.items()},
            }
        )

    async def leaked(self, request: web.Request) -> web.StreamResponse:
        """End a token for whoever holds it; the answer is the same for what is none."""
        sent = await params(request, self._settings.limits)
        token = sent.required("token", max_length=self._settings.limits.max_token)
        self._reports.spend(request.get(CLIENT_ADDRESS, "unknown"))
        if token.startswith(PREFIX):
            await self._end_api_token(request, token)
        else:
            await self._end_login(request, token)
            await self._end_service_token(request, token)
        return web.json_response({"success": True, "message": REPORTED})

    async def _end_api_token(self, request: web.Request, token: str) -> None:
        if not is_well_formed(token):
            return
        # Made-up ones must not queue for the writer.
        found = await user_of_api_token(self._work, digest(token))
        if found is None or found[0].revoked_at is not None:
            return
        await self._work.transact(
            source(request), lambda tx: revoke_tokens(tx, value=token, how="leaked")
        )

    async def _end_login(self, request: web.Request, token: str) -> None:
        with suppress(InvalidCredential):
            claims = await self._signer.verified(token, LOGIN)
            found = await session_of_token(self._work, claims)
            if found is not None:
                user, session_id = found.user, found.session_id
                await self._work.transact(
                    source(request), lambda tx: end_session(tx, user, session_id)
                )

    async def _end_service_token(self, request: web.Request, token: str) -> None:
        with suppress(InvalidCredential):
            claims = await self._signer.verified(token, SERVICE)

            async def end(tx: Transaction) -> None:
                fresh = await revoke_token(tx.db, claims.token_id, tx.now, claims.expires_at)
                if fresh:
                    told = TokenRevoked(
                        user_id=claims.user_id, token_id=claims.token_id, how="leaked"
                    )
                    tx.emit(told)

            await self._work.transact(source(request), end)
