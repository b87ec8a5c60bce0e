"""The developer token: one per user, made anew by its owner, the old one dead at once."""

import asyncio

import pytest

from tests.self_service.people import Person, ask, is_known

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/auth/developer-token"


async def test_there_is_none_until_one_is_made(alice: Person, bob: Person) -> None:
    assert (await alice.call("GET", PATH))[0] == 404
    status, made = await alice.call("POST", PATH)
    assert (status, made["success"], made["expires_at"]) == (201, True, None)
    assert made["token"].startswith("6879-")
    _, said = await ask(alice.service, "GET", "/auth/check", bearer=made["token"])
    assert said["profile"]["id"] == alice.id
    assert (await bob.call("GET", PATH))[0] == 404


async def test_its_value_is_not_shown_again(alice: Person) -> None:
    _, made = await alice.call("POST", PATH)
    status, shown = await alice.call("GET", PATH)
    assert (status, shown["token_id"], shown["developer"]) == (200, made["token_id"], True)
    assert shown["hint"] == made["token"][-4:]
    assert made["token"][5:48] not in str(shown)


@pytest.mark.slow
async def test_made_again_the_old_one_is_dead_and_one_is_left(alice: Person, bob: Person) -> None:
    _, other = await bob.call("POST", PATH)
    old, new = [(await alice.call("POST", PATH))[1]["token"] for _ in range(2)]
    assert old != new
    assert not await is_known(alice.service, old)
    assert await is_known(alice.service, new)
    assert await is_known(alice.service, other["token"])
    listed = (await alice.call("GET", "/auth/tokens"))[1]["items"]
    assert [each["developer"] for each in listed if not each["revoked_at"]] == [True]


@pytest.mark.slow
async def test_of_many_made_at_once_one_is_left(alice: Person) -> None:
    answers = await asyncio.gather(*(alice.call("POST", PATH) for _ in range(6)))
    assert [status for status, _ in answers] == [201] * 6
    alive = [await is_known(alice.service, made["token"]) for _, made in answers]
    assert alive.count(True) == 1


async def test_it_is_revoked_by_its_owner(alice: Person) -> None:
    kept = await alice.make_token()
    _, made = await alice.call("POST", PATH)
    assert (await alice.call("DELETE", PATH))[0] == 200
    assert not await is_known(alice.service, made["token"])
    assert await is_known(alice.service, kept["token"])
    assert (await alice.call("DELETE", PATH))[0] == 404
    assert (await alice.call("GET", PATH))[0] == 404


@sqlite
async def test_it_may_do_all_that_its_owner_may_but_for_what_needs_a_login(alice: Person) -> None:
    _, made = await alice.call("POST", PATH)
    sent = {"username": "other"}
    _, said = await ask(alice.service, "POST", "/auth/update", bearer=made["token"], json=sent)
    assert "already" in said["error"], "believed, and then refused for its own reason"
    status, said = await ask(alice.service, "POST", PATH, bearer=made["token"])
    assert (status, said["code"]) == (403, "login_required")
