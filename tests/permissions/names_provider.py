"""A permission provider that goes by the name of the user; its answer holds for a minute."""

from datetime import timedelta

from dhq_auth import hookimpl
from dhq_auth.hookspecs import Grant, GrantContext


@hookimpl
async def grant(context: GrantContext) -> Grant:
    return Grant({"name": context.user["name"]}, fresh_for=timedelta(minutes=1))
