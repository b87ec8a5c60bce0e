"""The tokens that a service is shown, checked by the service itself."""

import logging
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Final

from dhq_auth.sdk.ask import PATIENCE, Question, Questions
from dhq_auth.sdk.caller import Caller
from dhq_auth.sdk.decision import Action, Decision, Effect, check_action
from dhq_auth.sdk.filters import AskServer, decide
from dhq_auth.sdk.flights import landed, landed_async
from dhq_auth.sdk.jwks import Keys, OneKey, PublishedKeys
from dhq_auth.sdk.remote import Remote, Unavailable
from dhq_auth.sdk.service_token import MAX_TOKEN, Clock, caller_of, claims_of, kid_of

log = logging.getLogger(__name__)

_NOT_READ: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What reading a claim of a form that is not known may raise."""


def _utcnow() -> datetime:
    return datetime.now(UTC)


class Verifier:
    """Checks tokens that the auth service at *url* has signed for *service*, without asking it.

    *url* is its EXTERNAL_ADDRESS, *service* the name under which ALLOWED_SERVICES lists this one.
    The public keys are fetched from there when they are first needed, or *public_key* (PEM) is the
    only one. With *credential*, an API token of an administrator with the scope `policies`, it can
    ask for the rules of users for whose tokens they are too large. *internal_url* is where keys and
    answers are fetched instead, in a private network where http will do. *max_token* belongs to
    MAX_TOKEN of the auth service.

    A Verifier may be used by all threads and event loops of a process at once.
    """

    def __init__(
        self,
        url: str,
        *,
        service: str,
        public_key: str | bytes | None = None,
        credential: str | None = None,
        internal_url: str | None = None,
        max_token: int = MAX_TOKEN,
        now: Clock = _utcnow,
    ) -> None:
        """Raise ValueError for an address or a key that cannot be used; nothing is fetched yet."""
        remote = Remote(url)
        self.issuer = remote.origin
        if internal_url is not None:
            remote = Remote(internal_url, private=True)
        self.service = service
        self._keys: Keys = PublishedKeys(remote, now) if public_key is None else OneKey(public_key)
        self._questions = Questions(remote, service, credential, now)
        self._max_token = max_token
        self._now = now

    def verify(self, token: str) -> Caller:
        """Return whom *token* speaks of (RFC 7519 7.2).

        It may wait for the keys; in an event loop use `verify_async`. Raises InvalidToken for every
        token that does not hold, and Unavailable while the keys to judge it by cannot be had.
        """
        kid = kid_of(token, self._max_token)
        if (wait := self._keys.wait_for(kid)) is not None:
            landed(*wait)
        return self._caller(token, kid)

    async def verify_async(self, token: str) -> Caller:
        """Return whom *token* speaks of, as `verify` does, without ever blocking the loop."""
        kid = kid_of(token, self._max_token)
        if (wait := self._keys.wait_for(kid)) is not None:
            await landed_async(*wait)
        return self._caller(token, kid)

    async def decide(
        self, caller: Caller, table: str, action: Action, *, mine: bool = False
    ) -> Decision:
        """Return what *caller* may do with the rows of *table*; *mine* makes `read` `read_mine`.

        The signed rules of the token say it. Those of the anonymous caller, and those that were too
        large for a token, the auth service is asked for; an answer holds for two seconds. Raises
        Unavailable where it cannot be asked: that is never a yes. Raises ValueError for an action
        that is none.
        """
        question = _question(caller, table, action, mine=mine)
        decision = _signed(caller, question) or self._questions.known(question)
        if decision is not None:
            return decision
        flight = self._questions.ask(question)
        await landed_async(flight, PATIENCE)
        return _outcome(flight)

    def decide_sync(
        self, caller: Caller, table: str, action: Action, *, mine: bool = False
    ) -> Decision:
        """Return what *caller* may do, as `decide` does, for code without an event loop."""
        question = _question(caller, table, action, mine=mine)
        decision = _signed(caller, question) or self._questions.known(question)
        if decision is not None:
            return decision
        flight = self._questions.ask(question)
        landed(flight, PATIENCE)
        return _outcome(flight)

    def _caller(self, token: str, kid: str) -> Caller:
        claims = claims_of(token, self._keys.key(kid), self._now())
        return caller_of(claims, issuer=self.issuer, service=self.service)


def _question(caller: Caller, table: str, action: Action, *, mine: bool) -> Question:
    check_action(action)
    return Question(caller.user_id, table, "read_mine" if mine and action == "read" else action)


def _signed(caller: Caller, question: Question) -> Decision | None:
    """Return what the token says; None if it is silent, or there is none."""
    if not caller.is_authenticated:
        return None
    try:
        return decide(caller.filters, question.table, question.action)
    except AskServer:
        return None
    except _NOT_READ:
        log.error("the token of %s holds rules of a form that is not known", caller.user_id)  # noqa: TRY400 - whose trace says nothing
        return Decision(Effect.DENY, question.action, reason="rules of an unknown form")


def _outcome(flight: Future[Decision | Unavailable]) -> Decision:
    outcome = flight.result(0) if flight.done() else Unavailable("the auth service is too slow")
    if isinstance(outcome, Unavailable):
        raise Unavailable(str(outcome), retry_after=outcome.retry_after) from outcome
    return outcome
