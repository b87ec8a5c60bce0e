"""Signing out of an application on another host, and by choice of the session behind it."""

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from tests.login.steps import code_of
from tests.proxies.visitor import APP, AUTH, NAVIGATION, OTHER, Form, Visitor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SIGN_OUT = f"{APP}/.dhq-auth/sign_out"
OWN_FORM = {**NAVIGATION, "Origin": APP, "Sec-Fetch-Site": "same-origin"}
SCRIPT = {"Origin": APP, "Sec-Fetch-Site": "same-origin", "Accept": "application/json"}


async def is_signed_in(visitor: Visitor, origin: str = APP) -> bool:
    return (await visitor.verify(f"{origin}/")).status == 200


async def has_a_session(visitor: Visitor) -> bool:
    known = await visitor.send("GET", f"{AUTH}/auth/check")
    return bool((await known.json())["authenticated"])


@pytest.fixture
async def signed_in(visitor: Visitor) -> Visitor:
    """Somebody who is signed in at two applications."""
    await visitor.sign_in(f"{APP}/")
    page, _ = await visitor.open(f"{OTHER}/")
    await visitor.go_on(page)
    return visitor


async def test_to_look_at_the_page_ends_nothing(signed_in: Visitor) -> None:
    for method in ("GET", "HEAD"):
        assert (await signed_in.send(method, SIGN_OUT)).status == 200
    page = await (await signed_in.send("GET", SIGN_OUT)).text()
    assert "alice" in page
    assert Form(page).fields == {"session": "true"}
    assert await is_signed_in(signed_in)
    assert (await signed_in.send("DELETE", SIGN_OUT)).status == 405


async def test_who_signs_out_of_one_application_is_still_signed_in_at_the_others(
    signed_in: Visitor, database: Database
) -> None:
    stolen = {**signed_in.jars["app.example.com"]}
    answer = await signed_in.send("POST", SIGN_OUT, headers=OWN_FORM)
    assert (answer.status, answer.headers["Location"]) == (303, SIGN_OUT)
    assert "__Host-dhq-auth" not in signed_in.jars["app.example.com"]
    page = await (await signed_in.send("GET", SIGN_OUT)).text()
    assert "You are signed out" in page
    assert 'href="/.dhq-auth/start"' in page
    assert await is_signed_in(signed_in, OTHER)
    assert await has_a_session(signed_in)
    signed_in.jars["app.example.com"] = stolen
    assert not await is_signed_in(signed_in), "the cookie is dead, not only gone"
    async with database.read() as db:
        kinds = (await db.execute(text("SELECT kind FROM audit_events"))).scalars().all()
    assert kinds.count("application.left") == 1
    assert "logout" not in kinds


async def test_by_choice_the_session_ends_and_everything_with_it(signed_in: Visitor) -> None:
    answer = await signed_in.send("POST", SIGN_OUT, headers=SCRIPT, json={"session": True})
    assert (answer.status, await answer.json()) == (200, {})
    assert not await is_signed_in(signed_in)
    assert not await is_signed_in(signed_in, OTHER)
    assert not await has_a_session(signed_in)
    again = await signed_in.send("POST", SIGN_OUT, headers=SCRIPT)
    assert again.status == 200, "who is out is out"


@pytest.mark.parametrize(
    "headers",
    [
        {**OWN_FORM, "Origin": OTHER, "Sec-Fetch-Site": "same-site"},
        {**OWN_FORM, "Origin": AUTH, "Sec-Fetch-Site": "same-site"},
        {**OWN_FORM, "Origin": "null"},
        {**NAVIGATION, "Sec-Fetch-Site": "cross-site"},
        {**NAVIGATION, "Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
async def test_nobody_is_signed_out_by_the_page_of_another(
    signed_in: Visitor, headers: dict[str, str]
) -> None:
    for fields in ({}, {"session": "true"}):
        sent = {**headers, "Accept": "application/json"}
        answer = await signed_in.send("POST", SIGN_OUT, headers=sent, data=fields)
        assert (answer.status, await code_of(answer)) == (403, "foreign_form")
        assert "Set-Cookie" not in answer.headers
        assert await is_signed_in(signed_in)


async def test_what_is_malformed_ends_nothing(signed_in: Visitor) -> None:
    for body in ({"data": b"session=maybe"}, {"json": {"session": 1}}, {"data": b"{"}):
        answer = await signed_in.send("POST", SIGN_OUT, headers=SCRIPT, **body)
        assert answer.status in {400, 415}
    assert await is_signed_in(signed_in)
