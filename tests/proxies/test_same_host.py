"""An application on our own host: one cookie, and nginx keeps it from the application."""

import pytest

from tests.proxies.conftest import Run
from tests.proxies.site import Person

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.slow,
]


async def test_one_login_is_good_for_both_and_one_logout_too(run: Run) -> None:
    at = await run("nginx/same-host.conf", same_host=True)
    person = Person(at)
    page, there = await person.open(f"{at.app}/notes?x=1&y=%20")
    assert there.startswith(f"{at.app}/login?")
    answer, there = await person.log_in(page)
    assert (answer.status, there) == (200, f"{at.app}/notes?x=1&y=%20")
    assert at.reached.headers["X-Auth-Username"] == "alice"
    for cookies in ("theme=dark; {}; a=b", "{}", "{}; a=b", "theme=dark;{}"):
        own = "; ".join(
            f"{cookie.key}={cookie.value}"
            for cookie in person.session.cookie_jar
            if cookie.key == "__Host-session"
        )
        fresh = Person(at)
        sent = {"Cookie": cookies.format(own)}
        assert (await fresh.send("GET", f"{at.app}/", headers=sent)).status == 200
        await fresh.close()
        left = at.reached.headers.get("Cookie", "")
        assert "__Host-session" not in left
        assert [name for name in ("theme=dark", "a=b") if name in left] == [
            name for name in ("theme=dark", "a=b") if name in cookies
        ]
    profile = await person.send("GET", f"{at.app}/profile")
    assert "alice" in await profile.text()
    form = {"Origin": at.app, "Sec-Fetch-Site": "same-origin"}
    out = await person.send("POST", f"{at.app}/auth/logout", headers=form)
    assert out.status == 303
    assert (await person.send("GET", f"{at.app}/notes")).status == 302
    await person.close()
