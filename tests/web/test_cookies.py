"""What of a Cookie header is a cookie: what the browser took for one, and nothing else."""

import pytest
from multidict import CIMultiDict

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Browser, Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NAME = "__Host-session"
"""Nobody but us can set a cookie of this name in a browser; so nobody else may make us see one."""


@pytest.fixture
async def service(start: Start, issuer: OidcIssuer) -> Service:
    """A service whose cookie has the name that it has with https."""
    return await start(issuer, **oidc(issuer), SESSION_NAME=NAME)


async def signed_in(service: Service) -> str:
    """Log in, and return the session cookie."""
    await service.log_in("acme")
    jar = service.browser.session.cookie_jar
    (secret,) = (each.value for each in jar if each.key == NAME)
    jar.clear()
    return secret


async def known(browser: Browser, *cookies: str) -> bool:
    headers = CIMultiDict(("Cookie", each) for each in cookies)
    answer = await browser.get("/auth/check", headers=headers)
    assert answer.status == 200
    return bool((await answer.json())["authenticated"])


@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "a=b; {}",
        "{}; a=b",
        "a=b;{};c",
        "; {} ;",
        'a="; {}; b="',
        'a="b; {}',
        "a; {}",
        "=a; {}",
        "{}; {}",
        "{}; " + NAME.lower() + "=x; " + NAME + "2=x; x" + NAME + "=x",
    ],
)
async def test_a_cookie_is_found_whatever_stands_beside_it(service: Service, header: str) -> None:
    own = f"{NAME}={await signed_in(service)}"
    assert await known(service.new_browser(), header.replace("{}", own))


@pytest.mark.parametrize(
    "header",
    [
        "x=y {}",  # a sibling domain may set the cookie x for us, with blanks in its value
        "x=y\t{}",
        'x="y" {}',
        "x={}",
        "={}",  # and one without a name, or with blanks of other scripts before it
        "\u2000{}",
        "\u00a0{}",
        "\u3000{}",
        "x=y; \u2000{}",
        "\u0085{}",
        "$Version=1, {}",
        "x=y, {}",
    ],
)
async def test_a_cookie_of_another_name_is_no_session_whatever_it_holds(
    service: Service, header: str
) -> None:
    theirs = f"{NAME}={await signed_in(service)}"
    assert not await known(service.new_browser(), header.replace("{}", theirs))


async def test_of_two_sessions_nobody_can_tell_whose_is_ours(service: Service) -> None:
    one = f"{NAME}={await signed_in(service)}"
    other = f"{NAME}={await signed_in(service)}"
    for sent in ([f"{one}; {other}"], [f"{other}; {one}"], [other, "a=b", one]):
        assert not await known(service.new_browser(), *sent)
    assert await known(service.new_browser(), "a=b", other)


async def test_a_login_is_not_bound_to_a_cookie_of_another_name(service: Service) -> None:
    begun = await service.browser.get("/auth/login/acme")
    there = await service.browser.go(begun.headers["Location"])
    (secret,) = (each.value for each in begun.cookies.values())
    victim = {"Cookie": f"x=y dhq_auth_login={secret}"}
    back = await service.new_browser().get(there.headers["Location"], headers=victim)
    assert back.status == 400
    assert "Set-Cookie" not in back.headers
