"""The route by which anybody asks what the policies let him do, and services ask for others."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from dhq_auth.accounts.store import User, user_by_id
from dhq_auth.administration.cursor import may_be_id
from dhq_auth.administration.guard import NOT_LET
from dhq_auth.administration.policies import openapi
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.db import Db
from dhq_auth.errors import Forbidden, InvalidCredential, InvalidRequest, NotFound
from dhq_auth.message import Message
from dhq_auth.policies.caller import auth_user
from dhq_auth.policies.decide import decide
from dhq_auth.policies.defaults import POLICIES as POLICIES_TABLE
from dhq_auth.policies.draft import check_action, check_name
from dhq_auth.policies.resolve import Question
from dhq_auth.policies.store import ALL
from dhq_auth.principal import ANYTHING, POLICIES
from dhq_auth.sdk.decision import ACTIONS, Action, Decision, Effect
from dhq_auth.settings import Settings
from dhq_auth.throttle.rates import RateLimit
from dhq_auth.web.client import CLIENT_ADDRESS
from dhq_auth.web.params import Params, params
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

NO_SUCH_USER: Final = "There is no such user."
NO_CREDENTIAL: Final = "no credential was presented: who asks about others must be known"
DISABLED: Final = "the user is disabled"
TOO_MANY_QUESTIONS: Final = "Too many questions were asked from here; wait a little."


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and about whom: None is whoever asks."""

    question: Question
    user_id: str | None


class EvaluateViews:
    """Questions about policies."""

    def __init__(self, settings: Settings, work: Work, authenticator: Authenticator) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._anonymous = RateLimit(
            settings.limits.policy_questions,
            work.now,
            refusal=TOO_MANY_QUESTIONS,
            name="policy_questions",
        )

    def routes(self) -> list[Route]:
        """Return the route of this feature."""
        return [
            Route(
                method="POST",
                path="/auth/policies/evaluate",
                handler=self.evaluate,
                operation=openapi.EVALUATE,
            )
        ]

    async def evaluate(self, request: web.Request) -> web.StreamResponse:
        """Say what the caller, or another user, may do with the rows of a table."""
        sent = await params(request, self._settings.limits)
        who = await self._who(request, sent)
        asked = _asked(sent)
        async with self._work.read() as db:
            user = await self._about(db, who, asked.user_id)
            decision = await _decided(db, asked.question, user)
        return web.json_response(decision.to_json())

    async def _who(self, request: web.Request, sent: Params) -> Authenticated | None:
        """Return who asks, None for the anonymous caller: one who presents nothing at all."""
        try:
            return await self._authenticator.authenticate(request, sent, ANYTHING)
        except InvalidCredential as error:
            if error.reason != "missing":
                raise
            self._anonymous.spend(request[CLIENT_ADDRESS])
            return None

    async def _about(self, db: Db, who: Authenticated | None, user_id: str | None) -> User | None:
        """Return about whom *who* asks.

        Others are for those alone who may read every policy: what a user may do tells who he is.
        Whether there is such a user is not told before that.
        """
        if user_id is None:
            return who.user if who else None
        if who is None:
            raise InvalidCredential(NO_CREDENTIAL, reason="missing")
        if user_id == who.user.id:
            return who.user
        who.principal.demand(POLICIES)
        reading = await decide(db, Question(POLICIES_TABLE, "read"), auth_user(who.user))
        if reading.decision.effect is not Effect.ALLOW:
            raise Forbidden(NOT_LET)
        user = await user_by_id(db, user_id) if may_be_id(user_id) else None
        if user is None:
            raise NotFound(NO_SUCH_USER)
        return user


async def _decided(db: Db, question: Question, user: User | None) -> Decision:
    if user is not None and not user.is_active:  # whom nobody lets in, may nothing
        return Decision(Effect.DENY, question.action, reason=DISABLED)
    return (await decide(db, question, auth_user(user))).decision


def _asked(sent: Params) -> Asked:
    table, word = sent.required("table"), sent.required("action")
    check_name("table", table)
    if table == ALL:
        raise InvalidRequest("The table is one of yours: all is what policies call every table.")
    action: Action = check_action(word, ACTIONS)
    if action == "read" and sent.flag("mine"):
        action = "read_mine"
    service = _given(sent, "service")
    service = ALL if service is None else check_name("service", service)
    return Asked(Question(table, action, service), _given(sent, "user"))


def _given(sent: Params, name: str) -> str | None:
    """Return the text *name*; a blank one is not taken for one that is missing."""
    if sent.get(name) == "":
        raise InvalidRequest(Message("The parameter {name} is blank.", name=name))
    return sent.text(name)
