"""Permissions from the policies of this service: `ALLOWED_SERVICES=notes:policies`.

The policies decide that are for the service under the name by which it is asked for, then those for
all services. `permissions` holds, by table and action, what is allowed without a condition;
`filters` all the rest, each condition with the values of the user put in, for `dhq_auth.sdk` or any
other reader. Where that does not fit into a token, `filters` is ``{"v": 1, "ask": true}``, and the
service asks `POST /auth/policies/evaluate`.

The policies are read for each question: one that was changed counts at once. There are no options.
"""

from dhq_auth import Grant, GrantContext
from dhq_auth.policies.caller import auth_user_of
from dhq_auth.policies.grant import Compilations, rules_of
from dhq_auth.policies.why import explained
from dhq_auth.principal import POLICIES

_compilations = Compilations()


async def grant(context: GrantContext) -> Grant:
    """Say what the policies say now."""
    async with context.read() as db:
        rules = await rules_of(db, context.service)
    caller = auth_user_of(context.user)
    claims = _compilations.compiled(rules, context.service, caller, context.room)
    may_read = context.scopes is None or POLICIES in context.scopes
    return Grant(
        claims.permissions,
        claims.filters,
        explanation=explained(rules, context.service, caller, may_read=may_read)
        if context.explain
        else None,
    )
