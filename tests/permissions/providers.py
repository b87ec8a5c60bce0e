"""Permission providers for these tests: one that answers, and some that do not."""

import asyncio
from datetime import UTC, datetime

from dhq_auth.hookspecs import Grant, GrantContext

SINCE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def configure(options: dict[str, str]) -> object:
    """Return the provider that is called `kind`."""
    return {"filtering": Filtering, "stale": Stale, "broken": Broken, "slow": Slow}[
        options["kind"]
    ]()


class Filtering:
    async def grant(self, context: GrantContext) -> Grant:
        return Grant({"read": True}, filters={"notes": {"sql": f"owner = {context.user['id']}"}})


class Stale:
    def grant(self, context: GrantContext) -> Grant:  # noqa: ARG002 - the hook names it
        return Grant({"read": True}, stale_since=SINCE)


class Broken:
    async def grant(self, context: GrantContext) -> Grant:  # noqa: ARG002 - the hook names it
        raise RuntimeError("password=hunter2")


class Slow:
    async def grant(self, context: GrantContext) -> Grant:  # noqa: ARG002 - the hook names it
        await asyncio.Event().wait()
        return Grant({"read": True})
