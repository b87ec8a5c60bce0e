"""CREDENTIALS and AUTH_TYPE: what is not accepted is refused, and what is refused is not saved."""

import pytest

from tests.fixtures.service import FrozenClock, Service, Start
from tests.self_service.people import GOOD, Person, ask, basic, cookie_of, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

KINDS = ("token", "jwt", "basic", "session")


async def headers_of(service: Service, person: Person, token: str) -> dict[str, dict[str, str]]:
    """Return how each kind is presented."""
    return {
        "token": {"Authorization": f"Bearer {token}"},
        "jwt": {"Authorization": f"Bearer {person.token}"},
        "basic": basic("alice"),
        "session": {"Cookie": f"{service.settings.session_cookie}={cookie_of(person)}"},
    }


@pytest.mark.parametrize(
    ("environ", "accepted", "challenge"),
    [
        ({}, KINDS, "Bearer"),
        ({"CREDENTIALS": "token;jwt;basic;session"}, KINDS, "Bearer"),
        ({"CREDENTIALS": "basic"}, {"basic"}, 'Basic realm="dhq-auth", charset="UTF-8"'),
        ({"CREDENTIALS": "token"}, {"token"}, "Bearer"),
        ({"CREDENTIALS": "jwt"}, {"jwt"}, "Bearer"),
        ({"CREDENTIALS": "session"}, {"session"}, "Session"),
        ({"CREDENTIALS": "session;basic"}, {"session", "basic"}, "Basic"),
        ({"AUTH_TYPE": "basic_auth"}, {"basic"}, "Basic"),
        ({"AUTH_TYPE": "session_auth"}, {"session"}, "Session"),
        ({"AUTH_TYPE": "session_exp_auth"}, {"session"}, "Session"),
        ({"AUTH_TYPE": "session_db_auth"}, {"session"}, "Session"),
    ],
)
async def test_what_is_accepted_lets_in_and_nothing_else(
    start: Start, environ: dict[str, str], accepted: set[str], challenge: str
) -> None:
    before = await start()
    alice = await registered(before)
    made = await alice.make_token()
    service = await start(EXTERNAL_ADDRESS=before.url, **environ)
    presented = await headers_of(service, alice, made["token"])
    for kind, headers in presented.items():
        answer = await service.browser.get("/auth/token-info", headers=headers)
        assert answer.status == (200 if kind in accepted else 401), kind
        if kind not in accepted:
            assert answer.headers["WWW-Authenticate"].startswith(challenge), kind


@pytest.mark.parametrize(
    ("environ", "days", "known"),
    [
        ({"AUTH_TYPE": "session_auth", "SESSION_DURATION": "60"}, 3650, True),
        ({"AUTH_TYPE": "session_exp_auth"}, 3650, True),
        ({"AUTH_TYPE": "session_exp_auth", "SESSION_DURATION": "86400"}, 1, False),
        ({"AUTH_TYPE": "session_db_auth", "SESSION_DURATION": "0"}, 3650, True),
        ({"AUTH_TYPE": "session_db_auth", "SESSION_DURATION": "-5"}, 3650, True),
        ({}, 7, False),
        ({}, 6.9, True),
    ],
)
async def test_how_long_the_sessions_of_an_auth_type_last(
    start: Start, clock: FrozenClock, environ: dict[str, str], days: float, *, known: bool
) -> None:
    alice = await registered(await start(**environ))
    cookie = {"Cookie": f"session={cookie_of(alice)}"}
    clock.advance(days=days)
    status, _ = await ask(alice.service, "GET", "/auth/token-info", headers=cookie)
    assert status == (200 if known else 401)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (basic("alice")["Authorization"], 200),
        (basic("ALICE")["Authorization"], 200),
        ("basic  " + basic("alice")["Authorization"][6:], 200),
        (basic("alice", "wrong")["Authorization"], 401),
        (basic("nobody")["Authorization"], 401),
        (basic("alice", "")["Authorization"], 401),
        (basic("", GOOD)["Authorization"], 401),
        (basic("a\x00lice")["Authorization"], 401),
        ("Basic", 401),
        ("Basic !!!!", 401),
        ("Basic YWxpY2U=", 401),  # no colon
        ("Basic /////w==", 401),  # no UTF-8
        ("Basic " + "A" * 6000, 401),
    ],
)
async def test_name_and_password_with_each_request(start: Start, value: str, status: int) -> None:
    service = await start()
    await registered(service)
    answer = await service.new_browser().get("/auth/token-info", headers={"Authorization": value})
    assert answer.status == status, await answer.text()
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(start: Start) -> None:
    service = await start()
    await registered(service)
    answers = []
    for headers in (basic("alice", "wrong"), basic("nobody", "wrong")):
        answer = await service.new_browser().get("/auth/token-info", headers=headers)
        said = await answer.json()
        del said["request_id"]
        shown = {name.lower(): value for name, value in answer.headers.items()}
        del shown["x-request-id"]
        shown.pop("date", None)
        answers.append((answer.status, said, shown))
    assert answers[0] == answers[1]
    assert answers[0][2]["www-authenticate"].startswith("Basic ")


@pytest.mark.slow
async def test_basic_that_goes_on_guessing_is_throttled(start: Start) -> None:
    service = await start()
    await registered(service)
    for _ in range(5):
        assert (await ask(service, "GET", "/auth/token-info", headers=basic("alice", "x")))[
            0
        ] == 401
    assert (await ask(service, "GET", "/auth/token-info", headers=basic("alice")))[0] == 429


async def test_a_bad_explicit_credential_is_rescued_by_none(start: Start) -> None:
    service = await start()
    alice = await registered(service)
    made = await alice.make_token()
    good = {"Auth-Token": made["token"]}
    for bad in (
        {"Authorization": "Bearer 6879-x"}, basic("alice", "wrong"), {"Authorization": "Digest x"},
        {"Authorization": f"Bearer {made['token']}x"}, {"Authorization": f"Bearer, {alice.token}"},
        {"Authorization": f"Token {made['token']}"}, {"Authorization": made["token"]},
    ):  # fmt: skip
        answer = await alice.browser.get("/auth/token-info", headers={**good, **bad})
        assert answer.status == 401, bad
    answer = await alice.browser.get("/auth/token-info", headers={"Auth-Token": "6879-x"})
    assert answer.status == 401
