"""`keys rotate` in real processes: many at once, and such as are killed in the middle."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from dhq_auth.clock import utcnow
from dhq_auth.tokens.states import ANNOUNCED_FOR
from dhq_auth.tokens.store import KeyPurpose
from tests.fixtures.process import kill
from tests.fixtures.service import FrozenClock
from tests.tokens.replicas import NewReplica, all_take

SERVICE = KeyPurpose.SERVICE
ROTATE = Path(__file__).with_name("rotate.py")

pytestmark = [pytest.mark.slow, pytest.mark.process]


async def rotate(database_url: str, count: int, *killed_after: float) -> list[Any]:
    """Return what so many commands say that begin at once; the first are killed, each at a time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROTATE), str(count)),
        *map(str, killed_after),
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        said = await process.stdout.read()
        assert await process.wait() == 0
    finally:
        await kill(process)
    return [json.loads(line) for line in said.splitlines()]


async def test_twenty_commands_and_three_replicas_at_once_make_one_new_key(
    database_url: str, new_replica: NewReplica, clock: FrozenClock
) -> None:
    clock.now = utcnow()
    replicas = [await new_replica(SERVICE_KEY_LIFETIME="1h").start() for _ in range(3)]
    tokens = [await replica.sign() for replica in replicas]
    async with replicas[0].database.write() as db:  # old enough for the replicas to see to it
        await db.exec_driver_sql(
            "UPDATE signing_keys SET created_at = '2020-01-01 00:00:00+00:00',"
            " signs_from = '2020-01-01 00:00:00+00:00'"
            if "postgresql" in database_url
            else "UPDATE signing_keys SET created_at = '2020-01-01 00:00:00.000000',"
            " signs_from = '2020-01-01 00:00:00.000000'"
        )
    for replica in replicas:
        await replica.keeper.look()
    commands = asyncio.create_task(rotate(database_url, 20))
    while not commands.done():
        await asyncio.gather(*(replica.keeper.turn_over() for replica in replicas))
        tokens.append(await replicas[len(tokens) % 3].sign())
        await asyncio.wait({commands}, timeout=0.5)
    said = await commands
    assert len(said) == 20
    (announced,) = {each["kid"] for each in said}
    keys = (await replicas[0].rows()).of(SERVICE)
    assert keys[0].kid == announced
    assert len(keys) == 2
    clock.now = keys[0].begins
    tokens += [await replica.sign() for replica in replicas]
    assert {replica.signing() for replica in replicas} == {announced}
    clock.now -= ANNOUNCED_FOR  # the tokens of before have not expired, then
    assert all([await all_take(replicas, token, SERVICE) for token in tokens])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_rotation_that_is_killed_has_happened_or_not(
    database_url: str, new_replica: NewReplica, clock: FrozenClock
) -> None:
    one = await new_replica().start()
    before = one.signing()
    said = await rotate(database_url, 12, *(tenth * 0.05 for tenth in range(12)))
    await one.keeper.look()
    assert one.published()[-1] == before == one.signing()
    assert set(one.published()) >= {each["kid"] for each in said}
    assert len(one.published()) in {1, 2}
    assert await one.takes(await one.sign())
    (at_last,) = await rotate(database_url, 1)
    await one.keeper.look()
    assert one.published() == [at_last["kid"], before]
