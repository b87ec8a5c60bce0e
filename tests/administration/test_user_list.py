"""The list of users, page by page."""

import base64

import pytest

from tests.self_service.people import Person, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def everybody(admin: Person, limit: int) -> list[str]:
    """Turn all the pages, while somebody is added at each."""
    names, cursor = [], None
    for number in range(100):
        params = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        status, page = await admin.call("GET", "/auth/users", params=params)
        assert status == 200, page
        assert page.keys() == {"items", "next"}
        assert len(page["items"]) <= limit
        names += [user["username"] for user in page["items"]]
        if (cursor := page["next"]) is None:
            return names
        if number < 2:
            await registered(admin.service, f"late{number}")
    raise AssertionError("it has no end")


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_every_user_is_listed_once_whoever_comes_meanwhile(admin: Person, limit: int) -> None:
    # The clock stands still: several of one moment go by their ids.
    for number in range(4):
        await registered(admin.service, f"user{number}")
    names = await everybody(admin, limit)
    assert len(names) == len(set(names))
    assert {"admin", "user0", "user1", "user2", "user3"} <= set(names)


@pytest.mark.slow
@sqlite
async def test_the_oldest_come_first(admin: Person) -> None:
    for name in ("zoe", "mia", "ann"):
        admin.service.clock.advance(seconds=1)
        await registered(admin.service, name)
    page = (await admin.call("GET", "/auth/users"))[1]
    assert [user["username"] for user in page["items"]] == ["admin", "zoe", "mia", "ann"]
    assert page["next"] is None


@sqlite
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "x", "٣", "9" * 5000, "1&limit=2"])
async def test_a_limit_out_of_bounds_is_refused(admin: Person, limit: str) -> None:
    assert (await admin.call("GET", f"/auth/users?limit={limit}"))[0] == 400


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "🦆",
        "=" * 10,
        encoded("2026-01-01T00:00:00+00:00"),
        encoded("2026-01-01T00:00:00+00:00 \0"),
        encoded("2026-01-01T00:00:00 abc"),
        encoded("0001-01-01T00:00:00+23:59 abc"),
        encoded("9999-12-31T23:59:59-23:59 abc"),
        encoded("now abc"),
        encoded("2026-01-01T00:00:00+00:00 abc") + "==",
    ],
    ids=["x", "duck", "pad", "no_id", "nul", "naive", "early", "late", "now", "padded"],
)
async def test_a_cursor_that_was_not_ours_is_refused(admin: Person, cursor: str) -> None:
    status, said = await admin.call("GET", "/auth/users", params={"cursor": cursor})
    assert (status, said["code"]) == (400, "invalid_request")


@pytest.mark.slow
@sqlite
async def test_a_cursor_of_somebody_who_is_gone_goes_on_behind(admin: Person) -> None:
    for name in ("one", "two", "three"):
        admin.service.clock.advance(seconds=1)
        await registered(admin.service, name)
    page = (await admin.call("GET", "/auth/users?limit=2"))[1]
    await admin.call("DELETE", f"/auth/users/{page['items'][1]['id']}")
    rest = (await admin.call("GET", "/auth/users", params={"cursor": page["next"]}))[1]
    assert [user["username"] for user in rest["items"]] == ["two", "three"]
