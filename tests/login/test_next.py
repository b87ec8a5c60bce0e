"""Where a login ends: at `next`, byte for byte, with the token as the last parameter."""

import pytest

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_login_without_next_ends_at_the_profile_without_a_token(service, issuer):
    start = await service.browser.get("/auth/login/acme")
    there = await service.browser.go(start.headers["Location"])
    back = await service.browser.go(there.headers["Location"])
    assert (back.status, back.headers["Location"]) == (302, f"{service.url}/profile")
    page = await service.browser.get("/profile")
    assert page.status == 200
    assert "Ada Lovelace" in await page.text()


async def test_the_redirect_that_carries_a_token_is_kept_and_told_on_by_nobody(service):
    answer = await service.callback("acme")
    assert answer.status == 302
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert await answer.text() == ""


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://localhost:3000", "http://localhost:3000?jwt=*"),
        ("http://localhost:3000/", "http://localhost:3000/?jwt=*"),
        ("http://localhost:3000?", "http://localhost:3000?jwt=*"),
        ("http://localhost:3000/p?a=1&a=2", "http://localhost:3000/p?a=1&a=2&jwt=*"),
        ("http://localhost:3000/?b=&c&=d", "http://localhost:3000/?b=&c&=d&jwt=*"),
        (
            "http://localhost:3000/a%20b+c?q=x%20y+z",
            "http://localhost:3000/a%20b+c?q=x%20y+z&jwt=*",
        ),
        ("http://localhost:3000/#/route?x=1", "http://localhost:3000/?jwt=*#/route?x=1"),
        ("http://localhost:3000/?jwt=old&a=1", "http://localhost:3000/?a=1&jwt=*"),
        ("http://localhost:3000/é", "http://localhost:3000/%C3%A9?jwt=*"),
    ],
)
async def test_next_stays_byte_for_byte_and_jwt_comes_last(service, target, expected):
    answer = await service.callback("acme", next=target)
    before, after = expected.split("*")
    location = answer.headers["Location"]
    assert location.startswith(before)
    assert location.endswith(after)
    token = location[len(before) : len(location) - len(after)]
    assert token.count(".") == 2
    assert (await service.check(token))["authenticated"] is True
