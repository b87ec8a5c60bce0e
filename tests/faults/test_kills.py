"""REL-07, REL-08: a process that is killed at any moment leaves the state before or after.

Each time somebody does at once what must not be done by half: chooses a username, makes tokens,
revokes one, logs in by a one-time code. The process is killed at a moment that chance chooses and
starts again: what was acknowledged must be there, and the rest whole or not at all.
"""

import asyncio
import random
from collections.abc import Callable

from tests.fakes.oidc_issuer import OidcIssuer
from tests.faults.halves import half_states
from tests.faults.people import Caller
from tests.faults.stage import Stage
from tests.faults.visitor import Visitor
from tests.fixtures.service import CALLBACK, oidc

KILLS, MANY_KILLS = 6, 100
"""On each database: in the short form, and in the long one."""
LONGEST = 0.15
"""Seconds until the kill at most: about what it all takes."""


async def test_rel_07_08_killed_at_any_moment_nothing_is_done_by_half(
    stage: Callable[..., Stage],
    issuer: OidcIssuer,
    database_url: str,
    *,
    thorough: bool,
) -> None:
    rng = random.Random(7)  # noqa: S311 - the same moments in every run
    on = stage(1, DATABASE_URL=database_url, **oidc(issuer))
    (replica,) = on.replicas
    caller = Caller(on.ledger, lambda: replica.url, keeps_cookies=False)
    issuer.client.redirect_uris.add(f"{on.address}{CALLBACK}")
    await on.start()
    for number in range(MANY_KILLS if thorough else KILLS):
        visitor = Visitor(issuer, caller, f"visitor{number}")
        await visitor.arrive()
        acting = asyncio.create_task(visitor.do_it_all())
        await asyncio.sleep(rng.uniform(0, LONGEST))
        await replica.kill()
        await acting
        await replica.start()
        await visitor.compare(on.ledger)
    await caller.close()
    await replica.kill()
    assert await half_states(database_url) == []
    on.ledger.judge()
