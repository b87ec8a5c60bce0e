"""Who loses the right while a request is under way: the request does nothing any more."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.self_service.people import GOOD, HTML, Person, ask, registered

ADD = ("POST", "", {"username": "bob", "password": GOOD, "is_admin": True})
CHANGE = ("PUT", "/{id}", {"is_admin": True})
DELETE: tuple[str, str, Any] = ("DELETE", "/{id}", {})
DEMOTED = ("UPDATE users SET is_admin = false WHERE id = :id", 403)
DISABLED = ("UPDATE users SET is_active = false WHERE id = :id", 401)
SIGNED_OUT = ("DELETE FROM sessions WHERE user_id = :id", 401)


@pytest.mark.parametrize(
    ("tried", "loss"),
    [
        pytest.param(ADD, DEMOTED, id="add-demoted"),
        pytest.param(CHANGE, DEMOTED, id="change-demoted"),
        pytest.param(DELETE, DEMOTED, id="delete-demoted"),
        pytest.param(ADD, DISABLED, id="add-disabled"),
        pytest.param(ADD, SIGNED_OUT, id="add-signed-out"),
    ],
)
@pytest.mark.slow
async def test_who_was_an_administrator_when_the_request_began_is_asked_again(
    admin: Person, alice: Person, tried: tuple[str, str, Any], loss: tuple[str, int]
) -> None:
    (method, of, sent), (statement, refusal) = tried, loss
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=20)
    async with database.write() as db:
        await db.execute(
            text("UPDATE users SET updated_at = updated_at WHERE id = :id"), {"id": admin.id}
        )
        await db.execute(text(statement), {"id": admin.id})
        path = f"/auth/users{of.format(id=alice.id)}"
        asked = asyncio.create_task(admin.call(method, path, json=sent))
        # It is believed, since nothing is committed yet, and waits for us.
        await asyncio.wait({asked}, timeout=0.3)
    await database.close()
    status, said = await asked
    assert status == refusal, said


@pytest.mark.slow
async def test_a_token_that_is_revoked_while_its_request_waits_changes_nothing(
    admin: Person, alice: Person
) -> None:
    made = await admin.make_token()
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=20)
    async with database.write() as db:
        await db.execute(
            text("UPDATE users SET updated_at = updated_at WHERE id = :id"), {"id": admin.id}
        )
        await db.execute(
            text("UPDATE api_tokens SET revoked_at = created_at WHERE id = :id"),
            {"id": made["token_id"]},
        )
        path = f"/auth/users/{alice.id}"
        asked = asyncio.create_task(
            ask(admin.service, "PUT", path, bearer=made["token"], json={"is_admin": True})
        )
        await asyncio.wait({asked}, timeout=0.3)
    await database.close()
    status, said = await asked
    assert status == 401, said


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
async def test_of_administrators_who_leave_at_once_none_waits_for_another_for_ever(
    admin: Person,
) -> None:
    names = [f"person{number}" for number in range(4)]
    people = [await registered(admin.service, name) for name in names]
    for each in people:
        await admin.call("PUT", f"/auth/users/{each.id}", json={"is_admin": True})

    async def leave(who: Person) -> int:
        sent = {"confirmation": who.name}
        answer = await who.browser.post("/profile/delete", data=sent, headers=HTML)
        return answer.status

    assert await asyncio.gather(*map(leave, people)) == [303] * 4
