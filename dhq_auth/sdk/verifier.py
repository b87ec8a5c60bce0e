"""The tokens that a service is shown, checked by the service itself."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from dhq_auth.sdk.ask import PATIENCE, Question, Questions
from dhq_auth.sdk.caller import Caller
from dhq_auth.sdk.decision import Action, Decision, Effect, check_action
from dhq_auth.sdk.filters import AskServer, decide
from dhq_auth.sdk.flights import landed, landed_async
from dhq_auth.sdk.follower import Follower
from dhq_auth.sdk.jwks import Keys, OneKey, PublishedKeys
from dhq_auth.sdk.remote import Remote, Unavailable
from dhq_auth.sdk.service_token import MAX_TOKEN, Clock, caller_of, claims_of, kid_of

log = logging.getLogger(__name__)

_NOT_READ: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What reading a claim of a form that is not known may raise."""


def _utcnow() -> datetime:
    return datetime.now(UTC)


class _Judged(NamedTuple):
    """A token that holds unless it was revoked."""

    claims: Mapping[str, Any]
    caller: Caller


class Verifier:
    """Checks tokens that the auth service at *url* has signed for *service*, without asking it.

    *url* is its EXTERNAL_ADDRESS, *service* the name under which ALLOWED_SERVICES lists this one.
    The public keys are fetched from there when they are first needed, or *public_key* (PEM) is the
    only one. With *credential*, an API token of an administrator with the scope `policies`, it can
    ask for the rules of users for whose tokens they are too large. *internal_url* is where keys and
    answers are fetched instead, in a private network where http will do. *max_token* belongs to
    MAX_TOKEN of the auth service.

    Tokens that were revoked before their time are refused: a thread follows the auth service's feed
    of them, from the first token on until `close`, unless *revocations* is False. While the feed
    cannot be had, what is known of it counts; with *max_unseen*, a minute at least, no token is
    believed any more once that lasts longer.

    A Verifier may be used by all threads and event loops of a process at once.
    """

    def __init__(  # noqa: PLR0913 - each has a name, and most are left out
        self,
        url: str,
        *,
        service: str,
        public_key: str | bytes | None = None,
        credential: str | None = None,
        internal_url: str | None = None,
        max_token: int = MAX_TOKEN,
        revocations: bool = True,
        max_unseen: timedelta | None = None,
        now: Clock = _utcnow,
    ) -> None:
        """Raise ValueError for what cannot be used: address, key, time; nothing is fetched yet."""
        remote = Remote(url)
        self.issuer = remote.origin
        if internal_url is not None:
            remote = Remote(internal_url, private=True)
        self.service = service
        self._keys: Keys = PublishedKeys(remote, now) if public_key is None else OneKey(public_key)
        if max_unseen is not None and not revocations:
            raise ValueError("max_unseen is about revocations, which are not to be followed")
        self._follower = (
            Follower(remote, self._keys, issuer=self.issuer, now=now, max_unseen=max_unseen)
            if revocations
            else None
        )
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
        judged = self._judged(token, kid)
        if self._follower is not None and (wait := self._follower.wait_for()) is not None:
            landed(*wait)
        return self._not_revoked(judged, kid)

    async def verify_async(self, token: str) -> Caller:
        """Return whom *token* speaks of, as `verify` does, without ever blocking the loop."""
        kid = kid_of(token, self._max_token)
        if (wait := self._keys.wait_for(kid)) is not None:
            await landed_async(*wait)
        judged = self._judged(token, kid)
        if self._follower is not None and (wait := self._follower.wait_for()) is not None:
            await landed_async(*wait)
        return self._not_revoked(judged, kid)

    def close(self) -> None:
        """Learn no more of what is revoked: for a program that is done with this Verifier.

        Nobody has to: the thread ends with the program, or when the Verifier is forgotten.
        """
        if self._follower is not None:
            self._follower.close()

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

    def _judged(self, token: str, kid: str) -> _Judged:
        claims = claims_of(token, self._keys.key(kid), self._now())
        return _Judged(claims, caller_of(claims, issuer=self.issuer, service=self.service))

    def _not_revoked(self, judged: _Judged, kid: str) -> Caller:
        if self._follower is not None:
            self._follower.check(judged.claims, kid)
        return judged.caller


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
