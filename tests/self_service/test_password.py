"""A password is changed by who knows it, and nothing that the old one opened stays open."""

import asyncio
from typing import Any

import pytest

from dhq_auth.audit import store as audit
from dhq_auth.audit.store import Wanted
from dhq_auth.db import Database
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import FrozenClock, Service, Start, oidc
from tests.self_service.people import (
    BETTER,
    GOOD,
    HTML,
    Person,
    ask,
    basic,
    cookie_of,
    is_known,
    is_signed_in,
    logged_in,
)

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/auth/users/me/password"
CHANGE = {"current_password": GOOD, "new_password": BETTER}


@pytest.mark.slow
async def test_everything_ends_but_the_login_that_begins_with_it(
    alice: Person, bob: Person
) -> None:
    elsewhere, made = await alice.again(), await alice.make_token()
    _, developer = await alice.call("POST", "/auth/developer-token")
    before = cookie_of(alice)
    status, said = await alice.in_browser("POST", PATH, json=CHANGE)
    assert status == 200, said
    assert said["profile"]["id"] == alice.id
    for dead in (alice.token, elsewhere.token, made["token"], developer["token"]):
        assert not await is_known(alice.service, dead)
    assert not await is_signed_in(elsewhere.browser)
    assert cookie_of(alice) != before
    assert await is_signed_in(alice.browser)
    assert await is_known(alice.service, said["token"])
    assert await is_known(alice.service, bob.token)
    refused = await alice.service.new_browser().post(
        "/auth/login", json={"username": "alice", "password": GOOD}
    )
    assert refused.status == 401
    await logged_in(alice.service, "alice", BETTER)


@pytest.mark.slow
@sqlite
async def test_a_wrong_current_password_is_no_end_of_the_login(alice: Person) -> None:
    for current in ("wrong", BETTER, "\ud800", "x" * 2000):
        sent = {"current_password": current, "new_password": "another long enough sentence"}
        status, said = await alice.call("POST", PATH, json=sent)
        assert (status, said["code"]) == (403, "wrong_password"), current
    assert await is_known(alice.service, alice.token)
    await logged_in(alice.service, "alice")


@pytest.mark.slow
@sqlite
async def test_guessing_the_current_one_is_throttled_as_a_login(alice: Person) -> None:
    for _ in range(5):
        assert (await alice.call("POST", PATH, json={**CHANGE, "current_password": "x"}))[0] == 403
    assert (await alice.call("POST", PATH, json=CHANGE))[0] == 429
    assert await is_known(alice.service, alice.token)


@sqlite
async def test_the_same_password_in_another_spelling_is_the_same(local: Service) -> None:
    composed, typed = "un caf\u00e9 pr\u00e8s du lac", "un cafe\u0301 pre\u0300s du lac"
    answer = await local.new_browser().post(
        "/auth/register", json={"username": "rene", "password": composed}
    )
    assert answer.status == 201
    rene = await logged_in(local, "rene", typed)
    sent = {"current_password": typed, "new_password": composed}
    status, said = await rene.call("POST", PATH, json=sent)
    assert (status, said["reason"]) == (400, "unchanged")


@sqlite
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"new_password": BETTER}, "invalid_request"),
        ({"current_password": GOOD}, "invalid_request"),
        ({**CHANGE, "new_password": ""}, "invalid_request"),
        ({**CHANGE, "new_password": 1}, "invalid_request"),
        ({**CHANGE, "current_password": {}}, "invalid_request"),
        ({**CHANGE, "new_password": GOOD}, "weak_password"),
        ({**CHANGE, "new_password": "short"}, "weak_password"),
        ({**CHANGE, "new_password": "a" * 20}, "weak_password"),
        ({**CHANGE, "new_password": "alice@example.com"}, "weak_password"),
        ({**CHANGE, "new_password": "x" * 1025}, "weak_password"),
        ({**CHANGE, "new_password": "\ud800" * 20}, "weak_password"),
    ],
)
async def test_a_password_that_cannot_be_changes_nothing(
    alice: Person, sent: dict[str, Any], code: str
) -> None:
    status, said = await alice.call("POST", PATH, json=sent)
    assert (status, said["code"]) == (400, code)
    await logged_in(alice.service, "alice")


async def test_of_two_changes_at_once_one_holds(alice: Person) -> None:
    wanted = ["one long sentence of words", "another sentence of long words"]
    answers = await asyncio.gather(
        *(
            alice.call("POST", PATH, json={"current_password": GOOD, "new_password": each})
            for each in wanted
        )
    )
    statuses = [status for status, _ in answers]
    assert statuses.count(200) == 1
    won = statuses.index(200)
    assert statuses[1 - won] in {401, 403, 409}
    await logged_in(alice.service, "alice", wanted[won])
    assert await is_known(alice.service, answers[won][1]["token"])


@sqlite
async def test_a_first_password_begins_a_session_in_place_of_the_one_before(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(issuer, **oidc(issuer))
    token = await service.log_in("acme")

    def cookie() -> str:
        jar = service.browser.session.cookie_jar
        return next(each.value for each in jar if each.key == service.settings.session_cookie)

    before = cookie()
    answer = await service.browser.post(PATH, json={"new_password": BETTER})
    assert answer.status == 200
    assert cookie() != before
    assert await is_signed_in(service.browser)
    old = await service.new_browser().get("/auth/check", headers={"Cookie": f"session={before}"})
    assert (await old.json())["authenticated"] is False
    assert await is_known(service, token), "nothing has to end"


async def test_of_two_first_passwords_at_once_one_holds(start: Start, issuer: OidcIssuer) -> None:
    service = await start(issuer, **oidc(issuer), PASSWORD_CHECKS="100000")
    token = await service.log_in("acme")
    wanted = ["one long sentence of words", "another sentence of long words"]
    answers = await asyncio.gather(
        *(ask(service, "POST", PATH, bearer=token, json={"new_password": w}) for w in wanted)
    )
    statuses = [status for status, _ in answers]
    assert statuses.count(200) == 1
    won = statuses.index(200)
    assert statuses[1 - won] in {400, 409}
    database = Database(service.settings.database_url.value, pool=1, timeout=10)
    async with database.read() as db:
        (row,) = await audit.latest(db, 10, Wanted(kind="password.changed"))
    await database.close()
    assert row["detail"] == {"by": "user"}
    await logged_in(service, str(issuer.user["email"]), wanted[won])


@sqlite
async def test_name_and_password_are_a_login_for_it(alice: Person) -> None:
    alices = {"headers": basic("alice")}
    assert (await ask(alice.service, "POST", PATH, json=CHANGE, **alices))[0] == 200
    again, _ = await ask(alice.service, "GET", "/auth/sessions", **alices)
    assert again == 401, "what was believed a moment ago is not believed any more"


@sqlite
async def test_a_form_is_led_to_the_profile_and_a_refusal_shows_the_form_again(
    alice: Person,
) -> None:
    own = {**HTML, "Origin": alice.service.url}
    sent = {"current_password": "wrong", "new_password": BETTER}
    answer = await alice.browser.post(PATH, data=sent, headers=own)
    page = await answer.text()
    assert answer.status == 403
    assert "The current password is wrong." in page
    assert BETTER not in page
    answer = await alice.browser.post(PATH, data=CHANGE, headers=own)
    assert (answer.status, answer.headers["Location"]) == (303, f"{alice.service.url}/profile")
    assert await is_signed_in(alice.browser)


@sqlite
async def test_the_form_of_another_site_changes_nothing(alice: Person) -> None:
    for foreign in ({"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "same-site"}):
        answer = await alice.browser.post(PATH, data=CHANGE, headers={**HTML, **foreign})
        assert answer.status == 401
    await logged_in(alice.service, "alice")


@pytest.mark.slow
async def test_a_first_password_needs_a_recent_login_and_ends_nothing_else(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, **oidc(issuer))
    token = await service.log_in("acme")
    elsewhere = service.new_browser()
    await service.log_in("acme", browser=elsewhere)
    sent = {"new_password": BETTER}
    clock.advance(minutes=10, seconds=1)
    status, said = await ask(service, "POST", PATH, bearer=token, json=sent)
    assert (status, said["code"]) == (403, "reauthentication_required")
    clock.advance(minutes=-1)
    status, said = await ask(service, "POST", PATH, bearer=token, json=sent)
    assert status == 200, said
    assert await is_known(service, token)
    assert await is_signed_in(elsewhere)
    login = await service.new_browser().post(
        "/auth/login", json={"email": issuer.user["email"], "password": BETTER}
    )
    assert login.status == 200
    status, said = await ask(service, "POST", PATH, bearer=token, json={"new_password": GOOD})
    assert (status, said["code"]) == (400, "invalid_request"), "now there is one to be asked for"


@sqlite
async def test_a_new_token_of_an_old_login_is_no_recent_login(
    start: Start, issuer: OidcIssuer, clock: FrozenClock
) -> None:
    service = await start(issuer, **oidc(issuer))
    await service.log_in("acme")
    clock.advance(minutes=11)
    way = await service.browser.post("/login/continue", data={"next": "http://localhost:3000"})
    token = way.headers["Location"].partition("jwt=")[2]
    assert await is_known(service, token)
    status, said = await ask(service, "POST", PATH, bearer=token, json={"new_password": BETTER})
    assert (status, said["code"]) == (403, "reauthentication_required")


@sqlite
async def test_where_nobody_has_a_password_there_is_nothing_to_change(start: Start) -> None:
    service: Service = await start(PASSWORD_LOGIN="off")
    assert (await ask(service, "POST", PATH, json=CHANGE))[0] == 404
