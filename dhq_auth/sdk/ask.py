"""Asking the auth service what its policies say of a caller whose token does not say it."""

import logging
import re
from concurrent.futures import Future
from threading import Lock
from typing import Final, NamedTuple

from dhq_auth.sdk.decision import Action, Decision, Effect, from_answer
from dhq_auth.sdk.flights import Flights
from dhq_auth.sdk.remote import DEADLINE, Answer, Remote, Unavailable
from dhq_auth.sdk.service_token import Clock

log = logging.getLogger(__name__)

PATH: Final = "/auth/policies/evaluate"
LIFETIME: Final = 2.0
"""Seconds for which an answer holds: a change of the policies is in force everywhere after them."""
MAX_ANSWERS: Final = 1000
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
PATIENCE: Final = DEADLINE + 1
"""Seconds to wait for an answer."""


class Question(NamedTuple):
    """Whether *user_id* (None for the anonymous caller) may do this."""

    user_id: str | None
    table: str
    action: Action


class Questions:
    """Asks `POST /auth/policies/evaluate` in the name of *service*.

    About the anonymous caller anybody may ask. About a user the service asks with its own
    *credential*, an API token of an administrator's with the scope `policies`: it has no other
    credential of the user's than the token that it has checked itself.
    """

    def __init__(self, remote: Remote, service: str, credential: str | None, now: Clock) -> None:
        self._remote = remote
        self._service = service
        self._credential = credential
        self._now = now
        self._lock = Lock()
        self._flights: Flights[Decision] = Flights(threads=8)
        self._answers: dict[Question, tuple[float, Decision]] = {}

    def known(self, question: Question) -> Decision | None:
        """Return an answer that is `LIFETIME` old at most."""
        with self._lock:
            answered_at, decision = self._answers.get(question, (0.0, None))
        return decision if 0 <= self._now().timestamp() - answered_at < LIFETIME else None

    def ask(self, question: Question) -> "Future[Decision | Unavailable]":
        """Begin to ask; many who ask the same at once are answered by one call.

        Raises Unavailable without a *credential* to ask about a user.
        """
        if question.user_id is not None and self._credential is None:
            raise Unavailable(
                "the rules do not fit into the tokens of this user; give Verifier the credential "
                "of an administrator, so that it can ask for them"
            )
        return self._flights.join(question, lambda: self._asked(question))

    def _asked(self, question: Question) -> Decision:
        content: dict[str, object] = {"table": question.table, "service": self._service}
        mine = question.action == "read_mine"
        content |= {"action": "read" if mine else question.action, "mine": mine}
        token = None
        if question.user_id is not None:
            content["user"], token = question.user_id, self._credential
        answered_at = self._now().timestamp()
        answer = self._remote.call("POST", PATH, content=content, token=token)
        if answer.status == 404 and question.user_id is not None:
            # The token is good, but its user has been deleted since.
            return Decision(
                Effect.DENY, question.action, reason="the user is not known", anonymous=True
            )
        decision = _decision_of(answer, question)
        self._keep(question, answered_at, decision)
        return decision

    def _keep(self, question: Question, answered_at: float, decision: Decision) -> None:
        with self._lock:
            self._answers.pop(question, None)
            if len(self._answers) >= MAX_ANSWERS:
                del self._answers[next(iter(self._answers))]  # the oldest
            self._answers[question] = (answered_at, decision)


def _decision_of(answer: Answer, question: Question) -> Decision:
    """Return the decision that *answer* is; raise Unavailable if it is none."""
    if answer.status != 200:
        log.error("the auth service answers %d to a question about policies", answer.status)
        wait = answer.headers.get("Retry-After") or ""
        retry_after = min(int(wait), 60) if _SECONDS.fullmatch(wait) else 5
        raise Unavailable(f"the auth service answers {answer.status}", retry_after=retry_after)
    try:
        return from_answer(answer.json(), question.action, anonymous=question.user_id is None)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise Unavailable("the auth service answers no decision") from error
