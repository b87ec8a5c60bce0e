"""API tokens made with name and password, as a script without a session makes them."""

from typing import Any

import pytest

from tests.fixtures.service import Start
from tests.self_service.people import GOOD, Person, ask, is_known, tokens

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAMED = {"username": "alice", "password": GOOD}


async def test_name_and_password_make_one_without_a_session(alice: Person) -> None:
    status, made = await ask(alice.service, "POST", "/auth/tokens", json={**NAMED, "title": "ci"})
    assert (status, made["title"]) == (201, "ci")
    assert await is_known(alice.service, made["token"])
    assert len((await alice.call("GET", "/auth/sessions"))[1]["items"]) == 1
    mail = {"email": "Alice@example.com", "password": GOOD}
    assert (await ask(alice.service, "POST", "/auth/tokens", data=mail))[0] == 201


@sqlite
async def test_a_wrong_password_and_an_unknown_name_are_told_alike(alice: Person) -> None:
    answers = [
        await ask(alice.service, "POST", "/auth/tokens", json={"username": name, "password": word})
        for name, word in (("alice", "wrong"), ("nobody", GOOD), ("alice", "\ud800"))
    ]
    for status, said in answers:
        del said["request_id"]
        assert (status, said["code"]) == (401, "wrong_password")
        assert said == answers[0][1]


@sqlite
async def test_guessing_here_is_throttled_as_at_the_login(alice: Person) -> None:
    service, wrong = alice.service, {**NAMED, "password": "wrong"}
    for path, sent in (
        ("/auth/tokens", wrong), ("/auth/tokens/revoke", {"user": wrong}), ("/auth/login", wrong),
        ("/auth/tokens", wrong), ("/auth/tokens", wrong),
    ):  # fmt: skip
        assert (await ask(service, "POST", path, json=sent))[0] == 401
    answer = await service.new_browser().post("/auth/tokens", json=NAMED)
    assert answer.status == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900


@sqlite
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"username": "alice"}, 400),
        ({"password": GOOD}, 400),
        ({"username": 1, "password": GOOD}, 400),
        ({"username": "alice", "password": ["x"]}, 400),
        ({"username": "al\x00ice", "password": GOOD}, 400),
        ({"username": "a" * 9000, "password": GOOD}, 400),
        ({"username": "", "email": None, "password": ""}, 400),
    ],
)
async def test_half_a_login_is_none(alice: Person, sent: dict[str, Any], status: int) -> None:
    assert (await ask(alice.service, "POST", "/auth/tokens", json=sent))[0] == status


@sqlite
async def test_a_credential_beside_name_and_password_is_one_too_many(
    alice: Person, bob: Person
) -> None:
    status, said = await bob.call("POST", "/auth/tokens", json=NAMED)
    assert (status, said["code"]) == (400, "invalid_request")
    status, _ = await ask(alice.service, "POST", "/auth/tokens", json=NAMED, bearer="bad")
    assert status == 400
    assert await tokens(alice) == []


@sqlite
async def test_where_nobody_has_a_password_none_is_looked_at(start: Start) -> None:
    service = await start(PASSWORD_LOGIN="off")
    status, said = await ask(service, "POST", "/auth/tokens", json=NAMED)
    assert (status, said["code"]) == (403, "password_login_off")
    answer = await service.new_browser().get(
        "/auth/sessions", headers={"Authorization": "Basic YWxpY2U6eA=="}
    )
    assert answer.status == 401
