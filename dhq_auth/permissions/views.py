"""The routes of permission tokens, and of the keys by which they are checked."""

import logging
from functools import lru_cache
from hashlib import sha256
from time import monotonic

from aiohttp import hdrs, web
from aiohttp.helpers import ETAG_ANY

from dhq_auth.accounts.profile import user_info
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import AuthError, InvalidRequest, UpstreamFailed
from dhq_auth.hookspecs import GrantContext
from dhq_auth.permissions import openapi
from dhq_auth.permissions.fresh import Answer, FreshAnswers
from dhq_auth.permissions.granted import Grants, digest_of
from dhq_auth.permissions.signed import SignedGrants
from dhq_auth.plugins import PermissionProviders
from dhq_auth.principal import ANYTHING, authorize
from dhq_auth.revocations.memory import Memory
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.tokens.store import KeyPurpose
from dhq_auth.web.client import source
from dhq_auth.web.params import Params, query
from dhq_auth.web.repeat import BELIEVED, FOR_ANOTHER, HOLDS, Body
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

_log = logging.getLogger(__name__)

KEYS_LIFETIME = 300
"""Seconds for which others may keep our keys (the `max-age` of both routes)."""


class PermissionViews:
    """Permission tokens."""

    def __init__(
        self,
        settings: Settings,
        work: Work,
        *,
        signer: TokenSigner,
        authenticator: Authenticator,
        providers: PermissionProviders,
        memory: Memory,
    ) -> None:
        self._settings = settings
        self._work = work
        self._signer = signer
        self._authenticator = authenticator
        self._providers = providers
        self._grants = Grants(work, memory)
        self._fresh = FreshAnswers(memory, work.now)
        self._signed = SignedGrants(
            signer, memory, lifetime=settings.service_token_lifetime, now=work.now
        )

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        return [
            Route(
                method="GET",
                path="/auth/authorize",
                handler=self.authorize,
                operation=openapi.AUTHORIZE,
            ),
            Route(
                method="GET",
                path="/auth/public-key",
                handler=self.public_key,
                operation=openapi.PUBLIC_KEY,
                early=True,  # PRIVATE_KEY is there before any database
            ),
            Route(
                method="GET",
                path="/.well-known/jwks.json",
                handler=self.jwks,
                operation=openapi.JWKS,
            ),
        ]

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """Say, signed, what the user may do in a service; a refusal says that it is nothing."""
        try:
            return await self._granted(request)
        except AuthError as error:
            error.extra["permissions"] = {}
            raise

    async def _granted(self, request: web.Request) -> web.Response:
        sent, mark = query(request), self._fresh.mark()
        who = await self._authenticator.authenticate(request, sent, ANYTHING, remember=True)
        service = sent.text("service", max_length=255)
        if service is None:
            raise InvalidRequest("The parameter service is missing.")
        who.principal.demand(authorize(service))
        explain = _flag(sent, "explain")
        answer = None if explain else self._fresh.get(who, service)
        if answer is None:
            answer = await self._asked(request, who, service, mark, explain=explain)
        more = answer.age
        if explain:
            more["explanation"] = answer.grant.explanation
        body = answer.signed.and_more(more) if more else answer.signed.body
        if not more and (believed := request.get(BELIEVED)) is not None:
            request[HOLDS] = lambda: believed() and self._fresh.get(who, service) is answer
            request[FOR_ANOTHER] = lambda token: self._granted_before(service, token)
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    def _granted_before(self, service: str, token: str) -> Body | None:
        """Say what was granted to *token* in *service*, where that is known at once to hold."""
        known = self._authenticator.known(token, authorize(service))
        if known is None:
            return None
        who, believed = known
        answer = self._fresh.get(who, service)
        if answer is None or answer.age:
            return None
        return Body(
            answer.signed.body, lambda: believed() and self._fresh.get(who, service) is answer
        )

    async def _asked(
        self, request: web.Request, who: Authenticated, service: str, mark: int, *, explain: bool
    ) -> Answer:
        """Ask the provider, and sign what it grants; *mark* was taken before *who* was known."""
        asked_at = monotonic()
        grant = await self._providers.grant(
            GrantContext(
                service,
                user_info(who.user),
                self._work.read,
                scopes=who.principal.scopes,
                explain=explain,
                room=self._signed.room(who, service),
            )
        )
        digest = digest_of(grant)
        signed = await self._signed.sign(who, service, grant, digest, mark)
        self._check_size(signed.token_length, service)
        await self._grants.note(source(request), who.user.id, service, grant, digest)
        answer = Answer(signed, grant, asked_at + grant.fresh_for.total_seconds())
        if not explain:
            self._fresh.put(who, service, answer, mark)
        return answer

    def _check_size(self, length: int, service: str) -> None:
        """Refuse a token that is larger than what readers take."""
        allowed = self._settings.limits.max_token
        if length > allowed:
            _log.error(
                "the permissions in %s make a token of %d bytes; MAX_TOKEN allows %d",
                service,
                length,
                allowed,
            )
            raise UpstreamFailed("The permissions do not fit into a token.")

    async def public_key(self, request: web.Request) -> web.StreamResponse:
        """Give the public half of the key that signs service tokens now."""
        pem = self._signer.keyring.signing(KeyPurpose.SERVICE).public_pem
        keyring = self._signer.keyring
        request[HOLDS] = lambda: keyring.signing(KeyPurpose.SERVICE).public_pem is pem
        return _cacheable(request, pem, "text/plain")

    async def jwks(self, request: web.Request) -> web.StreamResponse:
        """Give the public halves of all service keys (RFC 7517 5)."""
        keyring, text = self._signer.keyring, self._signer.keyring.jwks_text
        request[HOLDS] = lambda: keyring.jwks_text is text
        return _cacheable(request, text, "application/json")


def _flag(sent: Params, name: str) -> bool:
    """Return the boolean *name*, which people write as a number, too."""
    value = sent.text(name)
    return value == "1" if value in ("0", "1") else sent.flag(name)


def _cacheable(request: web.Request, text: str, content_type: str) -> web.Response:
    """Return *text*, or that it is still what the caller has (RFC 9110 13.1.2)."""
    body, tag = _published(text)
    if hdrs.IF_NONE_MATCH in request.headers and any(
        each.value in {tag, ETAG_ANY} for each in request.if_none_match or ()
    ):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type=content_type, charset="utf-8")
    response.headers[hdrs.ETAG] = f'"{tag}"'
    response.headers[hdrs.CACHE_CONTROL] = f"public, max-age={KEYS_LIFETIME}"
    return response


@lru_cache(maxsize=8)
def _published(text: str) -> tuple[bytes, str]:
    """Return *text* as it is sent, and its entity tag (RFC 9110 8.8.3)."""
    body = text.encode()
    return body, sha256(body).hexdigest()[:32]
