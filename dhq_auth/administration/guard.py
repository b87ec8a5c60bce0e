"""Our own tables, guarded by the policies on them: who may do what with which users and policies.

The policies for service `all` on `auth_users` and `auth_policies` decide, as they are in the very
transaction in which the thing is done. Five things are of the guard itself:

- A credential is needed, whatever the policies say: nobody manages logins anonymously.
- A policy that speaks of what is no column of the public record is no policy for it, and denies.
- A policy by which somebody who is no administrator makes, changes or deletes users is, in each of
  its cases that does not speak of `is_admin` itself, for users who are none, and stay so:
  `auth_user.username = 'helpdesk'` lets nobody make himself an administrator, nor does `not is_admin
  or id = auth_user.id`. One that is meant to says so (`… and is_admin in (true, false)`).
- Whose an email is, administrators know. Of a user whom somebody else adds it is a claim.
- A row that is out of reach is not found, as one that is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from aiohttp import web

from dhq_auth.accounts.store import User, user_by_id
from dhq_auth.administration.fitting import fitted, implying
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.credentials.held import LOGIN_ENDED, keep_as_is
from dhq_auth.db import Db
from dhq_auth.errors import Forbidden, InvalidCredential
from dhq_auth.policies.caller import auth_user
from dhq_auth.policies.decide import decide
from dhq_auth.policies.defaults import POLICIES as POLICIES_TABLE
from dhq_auth.policies.defaults import USERS as USERS_TABLE
from dhq_auth.policies.resolve import Question
from dhq_auth.principal import ADMIN, POLICIES
from dhq_auth.sdk.decision import Action, Decision, Effect
from dhq_auth.sdk.evaluate import evaluate
from dhq_auth.sdk.tree import Column, Comparison, Tree
from dhq_auth.web.params import Params
from dhq_auth.work import Transaction

NOT_LET: Final = "The policies do not let you do this."
NOT_LIKE_THIS: Final = "The policies do not let you make it like this."
_READS: Final[tuple[Action, ...]] = ("read", "read_mine")


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of ours, as policies know it: its columns with their types.

    `need` is the scope that a token needs; `implied` is what holds for rows that are written by
    who is no administrator, unless the policy speaks of that column.
    """

    name: str
    need: str
    columns: Mapping[str, type]
    implied: Comparison | None = None


_TIMES: Final[Mapping[str, type]] = {"created_at": datetime, "updated_at": datetime}
USERS: Final = OwnTable(
    USERS_TABLE,
    ADMIN,
    {
        **dict.fromkeys(("id", "username", "email", "name", "first_name", "last_name"), str),
        "avatar_url": str,
        "is_admin": bool,
        "is_active": bool,
        **_TIMES,
    },
    implied=Comparison("=", Column("is_admin"), operand=False),
)
RULES: Final = OwnTable(
    POLICIES_TABLE,
    POLICIES,
    {
        **dict.fromkeys(("id", "service", "table_name", "action"), str),
        **dict.fromkeys(("expression", "description"), str),
        **_TIMES,
    },
)


@dataclass(frozen=True, slots=True)
class Permit:
    """What is let: everything, or the rows of a filter whose columns are those of the table."""

    table: OwnTable = field(repr=False)
    decision: Decision
    by_administrator: bool
    """Whether it is an administrator who is let."""

    def reaches(self, thing: object) -> bool:
        """Whether *thing*, a user or a policy, is among the rows that are meant."""
        tree = self.decision.tree
        row = {name: getattr(thing, name) for name in self.table.columns}
        return tree is None or evaluate(tree, row) is True

    def check(self, thing: object) -> None:
        """Raise Forbidden unless *thing* may be as it would be written."""
        if not self.reaches(thing):
            raise Forbidden(NOT_LIKE_THIS)


class Guard:
    """The door to one of our own tables."""

    def __init__(self, authenticator: Authenticator, table: OwnTable) -> None:
        self._authenticator = authenticator
        self._table = table

    async def authenticate(self, request: web.Request, sent: Params) -> Authenticated:
        """Return who presents *request*; what he may do is asked where it is done.

        Raises InvalidCredential without a good credential, Forbidden for a token made for less.
        """
        return await self._authenticator.authenticate(request, sent, self._table.need)

    async def look(self, db: Db, who: Authenticated, action: Action) -> Permit:
        """Return what *who* may do, as *db* sees users and policies; raises Forbidden for nothing."""
        user = await user_by_id(db, who.user.id)
        if user is None or not user.is_active:
            raise InvalidCredential(LOGIN_ENDED, reason="revoked")
        return await self._permit(db, user, action)

    async def hold(self, tx: Transaction, who: Authenticated, action: Action) -> Permit:
        """Return what *who* may do, which nobody changes until the end of *tx*.

        Raises Forbidden for nothing, InvalidCredential for a login that has ended since.
        """
        return await self._permit(tx.db, await keep_as_is(tx, who), action)

    async def _permit(self, db: Db, user: User, action: Action) -> Permit:
        verdict = await decide(db, Question(self._table.name, action), auth_user(user))
        decision = verdict.decision
        if decision.effect is Effect.DENY:
            raise Forbidden(NOT_LET)
        tree = self._with_implied(decision.tree, action, user)
        outcome = True if tree is None else fitted(tree, self._table.columns)
        if outcome is False:
            raise Forbidden(NOT_LET)
        if outcome is True:
            return Permit(self._table, decision, user.is_admin)
        narrower = replace(decision, effect=Effect.FILTER, tree=outcome)
        return Permit(self._table, narrower, user.is_admin)

    def _with_implied(self, tree: Tree | None, action: Action, user: User) -> Tree | None:
        implied = self._table.implied
        if implied is None or user.is_admin or action in _READS:
            return tree
        return implied if tree is None else implying(implied, tree)


def sent_with(sent: Params, permit: Permit, names: tuple[str, ...]) -> Params:
    """Return *sent* with what the policy fixes of the fields *names* in place of what is there."""
    fixed = {name: value for name, value in permit.decision.set.items() if name in names}
    return Params({**sent, **fixed}.items())
