"""Status, counts, and the two refusals."""

import pytest

from tests.fixtures.service import Service, Start
from tests.self_service.people import Person, ask, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@sqlite
@pytest.mark.parametrize("path", ["/auth/status", "/auth/status/"])
async def test_the_status_needs_no_credential(local: Service, path: str) -> None:
    assert await ask(local, "GET", path) == (200, {"status": "OK"})
    assert await ask(local, "GET", path, bearer="rubbish") == (200, {"status": "OK"})


@pytest.mark.slow
async def test_the_counts_are_of_what_is_alive(admin: Person, alice: Person) -> None:
    async def counts() -> dict[str, int]:
        status, found = await admin.call("GET", "/auth/stats")
        assert status == 200
        return found

    assert await counts() == {"users": 2, "sessions": 2, "tokens": 0}
    token = await alice.make_token(title="script")
    await alice.make_token(title="brief", expires_in=3600)
    bob = await registered(admin.service, "bob")
    assert await counts() == {"users": 3, "sessions": 3, "tokens": 2}
    admin.service.clock.advance(hours=2)
    assert (await counts())["tokens"] == 1
    await bob.call("DELETE", "/auth/logout")
    await alice.call("DELETE", f"/auth/tokens/{token['token_id']}")
    assert await counts() == {"users": 3, "sessions": 2, "tokens": 0}
    await admin.call("PUT", f"/auth/users/{alice.id}", json={"is_active": False})
    await admin.call("DELETE", f"/auth/users/{bob.id}")
    assert await counts() == {"users": 1, "sessions": 1, "tokens": 0}


@sqlite
async def test_sessions_that_are_over_do_not_count(alice: Person) -> None:
    alice.service.clock.advance(days=15)
    again = await alice.again()
    _, found = await again.call("GET", "/auth/stats")
    assert found["sessions"] == 1


@sqlite
async def test_the_counts_are_for_whoever_has_an_account(local: Service, alice: Person) -> None:
    assert (await ask(local, "GET", "/auth/stats"))[0] == 401
    assert (await alice.call("GET", "/auth/stats"))[0] == 200


@sqlite
async def test_a_401_and_a_403_can_be_looked_at(local: Service) -> None:
    status, said = await ask(local, "GET", "/auth/unauthorized")
    assert (status, said["code"]) == (401, "missing_credential")
    status, said = await ask(local, "GET", "/auth/forbidden/")
    assert (status, said["code"]) == (403, "forbidden")
    answer = await local.browser.get("/auth/unauthorized")
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@sqlite
async def test_statistics_are_refused_to_a_token_for_something_else(start: Start) -> None:
    service = await start()
    carol = await registered(service, "carol")
    token = (await carol.make_token(title="x", scopes=["authorize:notes"]))["token"]
    assert (await ask(service, "GET", "/auth/stats", bearer=token))[0] == 403
