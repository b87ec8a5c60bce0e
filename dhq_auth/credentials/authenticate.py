"""The chain: which credential a request presents, and whether it holds."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import takewhile

from aiohttp import web

from dhq_auth.credentials.extension import OfExtension
from dhq_auth.credentials.jwt import Jwts
from dhq_auth.credentials.kind import Authenticated, Kind
from dhq_auth.credentials.presented import presented
from dhq_auth.credentials.recent import Recent, key_of
from dhq_auth.credentials.session import Sessions, cookie_secret
from dhq_auth.errors import AuthError, InvalidCredential
from dhq_auth.hookspecs import Presented
from dhq_auth.settings import Settings
from dhq_auth.web.client import ACTOR
from dhq_auth.web.params import Params
from dhq_auth.web.repeat import BELIEVED


class Authenticator:
    """Says who is asking, from the credential that the request presents."""

    def __init__(
        self, settings: Settings, kinds: Sequence[Kind], sessions: Sessions, recent: Recent
    ) -> None:
        self._settings = settings
        self._kinds = kinds
        self._sessions = sessions
        self._recent = recent
        # An extension that comes first may refuse tomorrow what it lets pass today.
        ours = takewhile(lambda kind: not isinstance(kind, OfExtension), kinds)
        self._jwts = next((kind for kind in ours if isinstance(kind, Jwts)), None)
        self._challenge = _challenge([each.name for each in settings.credentials])

    async def authenticate(
        self, request: web.Request, params: Params, need: str, *, remember: bool = False
    ) -> Authenticated:
        """Return who presents *request*, with a credential that may be used for *need*.

        Explicit credentials come first, and a bad one is never rescued by another. *need* is a
        scope, `LOGIN` or `ANYTHING`. Whoever is asked often, and changes nothing, may *remember* who
        it was a moment ago: what ended here since then is known, what ended elsewhere within a
        second. Raises InvalidCredential: its reason is `missing`, `invalid`,
        `expired` or `revoked`; Forbidden for a credential that holds, but was made for less.
        """
        try:
            who = await self._asked(request, params, remember=remember)
        except InvalidCredential as error:
            if self._challenge != "Bearer":  # else it is that of what was presented
                error.scheme = self._challenge
            raise
        request[ACTOR] = who.user.id
        who.principal.demand(need)
        return who

    def known(self, token: str, need: str) -> tuple[Authenticated, Callable[[], bool]] | None:
        """Return whose bearer *token* is, and what tells whether that is so still.

        None where `authenticate`, which is to *remember*, would have to wait, or would refuse it.
        """
        key, mark = key_of(Presented("bearer", token)), self._recent.mark()
        who = self._recent.known(key)
        try:
            if who is None:
                who = self._jwts.known(token) if self._jwts else None
                if who is None:
                    return None
                self._recent.put(key, who, mark)
            who.principal.demand(need)
        except AuthError:
            return None
        return who, self._recent.holds(key, who)

    @property
    def takes_sessions(self) -> bool:
        """Whether browsers can be signed in at all."""
        return self._settings.accepts("session")

    async def of_cookie(self, request: web.Request) -> Authenticated | None:
        """Return whose browser this is, whatever else it presents; None if nobody's."""
        secret = cookie_secret(request, self._settings)
        if secret is None:
            return None
        try:
            return await self._sessions.of_secret(secret)
        except InvalidCredential:
            return None

    async def _asked(
        self, request: web.Request, params: Params, *, remember: bool
    ) -> Authenticated:
        explicit = presented(request, params)
        if not remember or explicit is None:
            return await self._found(request, explicit, remember=False)
        key = key_of(explicit)
        if (who := await self._recent.get(key)) is None:
            mark = self._recent.mark()
            who = await self._found(request, explicit, remember=True)
            self._recent.put(key, who, mark)
        if who.good_until is not None:
            request[BELIEVED] = self._recent.holds(key, who)
        return who

    async def _found(
        self, request: web.Request, explicit: Presented | None, *, remember: bool
    ) -> Authenticated:
        is_ours = True
        for kind in self._kinds:
            who = await kind.authenticate(request, explicit, remember=remember)
            if who is not None:
                return who if is_ours else replace(who, good_until=None)
            # An extension that comes first may refuse tomorrow what it lets pass today.
            is_ours = is_ours and not isinstance(kind, OfExtension)
        if explicit is not None:
            raise InvalidCredential("no kind of credential that is accepted here takes this one")
        raise InvalidCredential("no credential was presented", reason="missing")


def _challenge(accepted: Sequence[str]) -> str:
    """Return the scheme that a refusal names (RFC 9110 11.6.1): of several that for programs."""
    if {*accepted} <= {"session"}:
        return "Session"  # no scheme of HTTP: there is a login page
    return "Basic" if {*accepted} <= {"basic", "session"} else "Bearer"
