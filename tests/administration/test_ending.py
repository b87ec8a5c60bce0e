"""Who is disabled, deleted or demoted: everything in hand is dead, and one administrator stays."""

import asyncio

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.fixtures.service import Service
from tests.self_service.people import (
    GOOD,
    Person,
    ask,
    basic,
    is_known,
    is_signed_in,
)

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DISABLE = {"is_active": False}
PARALLEL = 6


async def rows(service: Service, table: str, user_id: str) -> int:
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        found = await db.execute(
            text(f"SELECT count(*) FROM {table} WHERE user_id = :id"),  # noqa: S608 - of ours
            {"id": user_id},
        )
        number: int = found.scalar_one()
    await database.close()
    return number


@pytest.mark.slow
@sqlite
async def test_who_is_disabled_by_hand_in_the_database_is_nobody(alice: Person) -> None:
    api = (await alice.make_token())["token"]
    database = Database(alice.service.settings.database_url.value, pool=1, timeout=10)
    async with database.write() as db:
        await db.execute(text("UPDATE users SET is_active = false"))
    await database.close()
    assert not await is_known(alice.service, api)
    assert not await is_known(alice.service, alice.token)
    assert not await is_signed_in(alice.browser)
    by_password = await ask(alice.service, "GET", "/auth/tokens", headers=basic("alice"))
    assert by_password[0] == 401


@pytest.mark.slow
@pytest.mark.parametrize("end", ["disable", "delete"])
async def test_everything_in_hand_is_dead(admin: Person, alice: Person, end: str) -> None:
    api = (await alice.make_token(title="script"))["token"]
    status, developer = await alice.call("POST", "/auth/developer-token")
    assert status == 201, developer
    other = await alice.again()
    where = f"/auth/users/{alice.id}"
    if end == "disable":
        assert (await admin.call("PUT", where, json=DISABLE))[1]["is_active"] is False
    else:
        assert await admin.call("DELETE", where) == (200, {})
    for bearer in (alice.token, other.token, api, developer["token"]):
        assert not await is_known(admin.service, bearer)
        assert (await ask(admin.service, "GET", "/auth/users/me", bearer=bearer))[0] == 401
    for browser in (alice.browser, other.browser):
        assert not await is_signed_in(browser)
    status, said = await ask(
        admin.service, "POST", "/auth/login", json={"username": "alice", "password": GOOD}
    )
    assert (status, said["code"]) == (401, "wrong_password")
    assert await rows(admin.service, "sessions", alice.id) == 0
    if end == "delete":
        for table in ("api_tokens", "passwords", "identities"):
            assert await rows(admin.service, table, alice.id) == 0


@pytest.mark.slow
async def test_who_is_enabled_again_logs_in_again_and_gets_nothing_old_back(
    admin: Person, alice: Person
) -> None:
    api = (await alice.make_token(title="script"))["token"]
    where = f"/auth/users/{alice.id}"
    await admin.call("PUT", where, json=DISABLE)
    await admin.call("PUT", where, json={"is_active": True})
    assert not await is_known(admin.service, alice.token)
    assert not await is_known(admin.service, api)
    assert await is_known(admin.service, (await alice.again()).token)


@pytest.mark.slow
@sqlite
async def test_others_keep_what_they_have(admin: Person, alice: Person, bob: Person) -> None:
    await admin.call("PUT", f"/auth/users/{alice.id}", json=DISABLE)
    await admin.call("DELETE", f"/auth/users/{alice.id}")
    assert await is_known(admin.service, bob.token)
    assert await is_signed_in(bob.browser)


@pytest.mark.slow
async def test_a_login_at_the_moment_of_the_disabling_leaves_nothing_alive(
    admin: Person, alice: Person
) -> None:
    sent = {"username": "alice", "password": GOOD}
    logins = [ask(admin.service, "POST", "/auth/login", json=sent) for _ in range(PARALLEL)]
    disabling = admin.call("PUT", f"/auth/users/{alice.id}", json=DISABLE)
    *answers, (status, _) = await asyncio.gather(*logins, disabling)
    assert status == 200
    for answered, said in answers:
        assert answered in {200, 401, 400}, said
        if answered == 200:
            assert not await is_known(admin.service, said["token"])
    assert await rows(admin.service, "sessions", alice.id) == 0


@pytest.mark.slow
async def test_a_change_of_names_at_the_moment_of_the_disabling_enables_nobody(
    admin: Person, alice: Person
) -> None:
    where = f"/auth/users/{alice.id}"
    names = [admin.call("PUT", where, json={"name": f"A{n}"}) for n in range(PARALLEL)]
    own = [alice.call("PUT", "/auth/users/me", json={"last_name": f"B{n}"}) for n in range(2)]
    await asyncio.gather(*names[:3], admin.call("PUT", where, json=DISABLE), *own, *names[3:])
    _, after = await admin.call("GET", where)
    assert after["is_active"] is False
    assert after["name"].startswith("A")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["delete", "demote", "disable", "leave"])
async def test_of_two_administrators_who_end_one_another_at_once_one_stays(
    admin: Person, alice: Person, how: str
) -> None:
    await admin.call("PUT", f"/auth/users/{alice.id}", json={"is_admin": True})

    async def end(who: Person, whom: Person) -> int:
        where = f"/auth/users/{whom.id}"
        match how:
            case "delete":
                return (await who.call("DELETE", where))[0]
            case "leave":
                return (await who.call("DELETE", "/auth/users/me"))[0]
        change = {"is_admin": False} if how == "demote" else DISABLE
        return (await who.call("PUT", where, json=change))[0]

    statuses = await asyncio.gather(end(admin, alice), end(alice, admin))
    assert min(statuses) == 200
    assert max(statuses) in {401, 403, 409}
    left = admin if statuses[0 if how != "leave" else 1] == 200 else alice
    status, page = await left.call("GET", "/auth/users")
    assert status == 200
    assert [user["id"] for user in page["items"] if user["is_admin"] and user["is_active"]] == [
        left.id
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "sent"),
    [("PUT", {"is_admin": False}), ("PUT", DISABLE), ("DELETE", {})],
    ids=["demote", "disable", "delete"],
)
async def test_the_last_enabled_administrator_stays(
    admin: Person, alice: Person, method: str, sent: dict[str, bool]
) -> None:
    # One who is disabled is none.
    await admin.call("PUT", f"/auth/users/{alice.id}", json={"is_admin": True})
    await admin.call("PUT", f"/auth/users/{alice.id}", json=DISABLE)
    where = f"/auth/users/{admin.id}"
    status, said = await admin.call(method, where, json={**sent})
    assert (status, said["code"]) == (409, "last_administrator")
    _, after = await admin.call("GET", where)
    assert (after["is_admin"], after["is_active"]) == (True, True)
    assert (await admin.call("DELETE", f"/auth/users/{alice.id}"))[0] == 200


@pytest.mark.slow
@sqlite
async def test_an_administrator_may_go_where_another_stays(admin: Person, alice: Person) -> None:
    await admin.call("PUT", f"/auth/users/{alice.id}", json={"is_admin": True})
    status, after = await admin.call("PUT", f"/auth/users/{admin.id}", json={"is_admin": False})
    assert (status, after["is_admin"]) == (200, False)
    assert (await admin.call("GET", "/auth/users"))[0] == 403
    assert (await alice.call("DELETE", f"/auth/users/{admin.id}"))[0] == 200


@sqlite
async def test_what_was_done_is_remembered_with_who_did_it(admin: Person, alice: Person) -> None:
    where = f"/auth/users/{alice.id}"
    await admin.call("PUT", where, json={"name": "A", **DISABLE})
    await admin.call("DELETE", where)
    database = Database(admin.service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        found = await db.execute(
            text("SELECT kind, detail FROM audit_events WHERE user_id = :id ORDER BY id"),
            {"id": alice.id},
        )
        told = [(row.kind, row.detail) for row in found]
    await database.close()
    changed = next(detail for kind, detail in told if kind == "user.changed")
    assert '"is_active"' in changed
    assert admin.id in changed
    assert [kind for kind, _ in told][-1] == "user.deleted"
    assert admin.id in told[-1][1]
