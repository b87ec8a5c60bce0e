"""A username is chosen once, by one, and cannot be taken for another."""

import asyncio

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc

ALREADY = {"success": False, "error": "Cannot modify username, already set"}


async def update(service: Service, token: str, **fields: object) -> dict[str, object]:
    answer = await service.new_browser().post(
        "/auth/update", json=fields, headers={"Auth-Token": token}
    )
    assert answer.status == 200
    return await answer.json()


async def username(service: Service, token: str) -> object:
    return (await service.check(token))["profile"].get("username")


async def logins(service: Service, issuer: OidcIssuer, number: int) -> list[str]:
    """Return the tokens of so many users."""
    tokens = []
    for each in range(number):
        issuer.user |= {"sub": f"user-{each}", "email": f"user-{each}@example.com"}
        tokens.append(await service.log_in("acme", browser=service.new_browser()))
    return tokens


async def test_a_username_is_chosen_once(service: Service) -> None:
    token = await service.log_in("acme")
    assert await update(service, token, username="Ada.Lovelace") == {"success": True}
    assert await username(service, token) == "Ada.Lovelace"
    for again in ("other", "Ada.Lovelace", "??", "x" * 10_000):
        assert await update(service, token, username=again) == ALREADY
    assert await username(service, token) == "Ada.Lovelace"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["params", "data", "json"])
async def test_it_may_come_in_the_query_a_form_or_json(service: Service, how: str) -> None:
    token = await service.log_in("acme")
    fields = {"jwt": token, "username": "ada"}
    answer = await service.new_browser().post("/auth/update", **{how: fields})
    assert await answer.json() == {"success": True}
    assert await username(service, token) == "ada"


async def test_of_two_choices_at_once_one_holds(service: Service) -> None:
    token = await service.log_in("acme")
    names = ["ada", "countess", "lovelace", "analyst"]
    answers = await asyncio.gather(*(update(service, token, username=n) for n in names))
    won = [name for name, answer in zip(names, answers, strict=True) if answer["success"]]
    assert len(won) == 1
    assert all(answer in ({"success": True}, ALREADY) for answer in answers)
    assert await username(service, token) == won[0]


@pytest.mark.slow
async def test_of_two_who_want_one_name_one_gets_it(service: Service, issuer: OidcIssuer) -> None:
    tokens = await logins(service, issuer, 3)
    spelt = ["Ada", "ada", "ADA"]
    answers = await asyncio.gather(
        *(update(service, token, username=n) for token, n in zip(tokens, spelt, strict=True))
    )
    assert [answer["success"] for answer in answers].count(True) == 1
    for token, answer in zip(tokens, answers, strict=True):
        if not answer["success"]:
            assert "taken" in answer["error"]
            assert await username(service, token) is None
            assert await update(service, token, username="another") == {"success": True}
            break


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_name_that_could_mislead_is_refused(
    service: Service, subtests: pytest.Subtests
) -> None:
    token = await service.log_in("acme")
    for wanted in [
        *("x" * 65, "x" * 10_000, "a b", " ada", "ada ", "-ada", "ada.", "_", "ada@example.com"),
        *(
            "\x00",
            "a\x00b",
            "ada\n",
            "a\u200bda",
            "\u202eada",
            "\ud800",
            "a\x7fb",
            "a\r\nSet-Cookie: x",
        ),
        *(
            "\N{CYRILLIC SMALL LETTER A}da",
            "\N{FULLWIDTH LATIN SMALL LETTER A}da",
            "ada\u0301",
            "ⓐda",
            "\N{LATIN SMALL LETTER LONG S}am",
            "ß",
            "İ",
            "名前",
            "😀",
            "%61",
            "<b>",
            "a/b",
            "..",
        ),
        *("admin", "ADMIN", "Root", "me", "null", "undefined", "support", "auth"),
    ]:
        with subtests.test(wanted=wanted):
            answer = await update(service, token, username=wanted)
            assert not answer["success"]
            assert answer["error"]
            assert await username(service, token) is None
    assert await update(service, token, username="ada") == {"success": True}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_else_can_be_changed(service: Service) -> None:
    token = await service.log_in("acme")
    before = await service.check(token)
    forged = {
        "id": "1",
        "userid": "1",
        "idhash": "0" * 32,
        "provider_id": "google:1",
        "email": "root@example.com",
        "email_verified": True,
        "name": "Root",
        "avatar_url": "https://evil.example",
        "is_admin": True,
        "is_active": False,
    }
    assert await update(service, token, **forged) == {"success": True}
    assert await service.check(token) == before


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_name_is_no_change(service: Service) -> None:
    token = await service.log_in("acme")
    for nothing in ({}, {"username": None}, {"username": ""}):
        assert await update(service, token, **nothing) == {"success": True}
    assert await username(service, token) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_answers_of_0_1_6_without_a_good_token(service: Service) -> None:
    for token, error in (("", "No token"), ("bad", "Not authenticated")):
        assert await update(service, token, username="x") == {"success": False, "error": error}
    ended = await service.log_in("acme")
    await service.browser.post("/auth/logout")
    answer = await update(service, ended, username="x")
    assert answer == {"success": False, "error": "Not authenticated"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_name_that_the_provider_gave_is_chosen_already(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(issuer, **oidc(issuer), USERNAME_FROM_PROVIDER="on")
    token = await service.log_in("acme")
    assert await update(service, token, username="other") == ALREADY


async def test_a_name_survives_a_restart(start: Start, issuer: OidcIssuer) -> None:
    first = await start(issuer, **oidc(issuer))
    token = await first.log_in("acme")
    await update(first, token, username="ada")
    await first.stop()
    second = await start(issuer, **oidc(issuer), EXTERNAL_ADDRESS=first.url)
    assert await username(second, token) == "ada"
