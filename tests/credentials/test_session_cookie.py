"""The session cookie: whose it is, how it is set, and when it counts."""

from http.cookies import SimpleCookie

import pytest
from sqlalchemy import text

from dhq_auth.db import Database
from dhq_auth.opaque import digest
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Browser, FrozenClock, Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OWN = "{own}"
FOREIGN = "http://localhost:3000"
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def known(browser: Browser, **sent: dict[str, str]) -> bool:
    answer = await browser.get("/auth/check", **sent)
    said = await answer.json()
    assert answer.status == 200
    return bool(said["authenticated"])


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({}, True),  # no browser of today; CSRF needs one
        ({"Origin": OWN}, True),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, True),
        ({"Sec-Fetch-Site": "none", **NAVIGATION}, True),
        ({"Sec-Fetch-Site": "cross-site", **NAVIGATION}, True),
        ({"Sec-Fetch-Site": "same-site", **NAVIGATION}, True),
        ({"Origin": FOREIGN}, False),  # the same host: cookies ignore ports
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": f"{OWN}.evil.example"}, False),
        ({"Origin": FOREIGN, "Sec-Fetch-Site": "same-site", **NAVIGATION}, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", **NAVIGATION, "Sec-Fetch-Dest": "iframe"}, False),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "cors"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": FOREIGN}, False),
    ],
)
async def test_it_counts_from_our_own_pages_and_the_address_bar(
    service: Service, headers: dict[str, str], *, counts: bool
) -> None:
    await service.log_in("acme")
    sent = {name: value.format(own=service.url) for name, value in headers.items()}
    assert await known(service.browser, headers=sent) is counts


async def test_it_never_rescues_an_explicit_credential(service: Service) -> None:
    token = await service.log_in("acme")
    browser = service.browser
    assert await known(browser)
    for sent in (
        {"headers": {"Authorization": "Bearer bad"}},
        {"headers": {"Authorization": "Basic YTpi"}},
        {"headers": {"Authorization": ""}},
        {"headers": {"Auth-Token": "bad"}},
        {"params": {"jwt": "bad"}},
        {"headers": {"Authorization": "Bearer bad", "Auth-Token": token}, "params": {"jwt": token}},
        {"headers": {"Auth-Token": "bad"}, "params": {"jwt": token}},
    ):
        assert not await known(browser, **sent), sent
    for sent in (
        {"headers": {"Auth-Token": ""}},  # empty is absent, as in 0.1.6
        {"params": {"jwt": ""}},
        {"headers": {"Auth-Token": "", "X": "y"}, "params": {"jwt": token}},
        {"headers": {"Authorization": f"bearer  {token}", "Auth-Token": "bad"}},
        {"headers": {"Auth-Token": token}, "params": {"jwt": "bad"}},
    ):
        assert await known(browser, **sent), sent


@pytest.mark.parametrize(
    ("address", "attributes"),
    [
        ("https://auth.example.com", "__Host-session; HttpOnly; Path=/; SameSite=Lax; Secure"),
        (None, "session; HttpOnly; Path=/; SameSite=Lax"),
    ],
)
async def test_it_is_set_as_strictly_as_the_address_allows(
    start: Start, issuer: OidcIssuer, address: str | None, attributes: str
) -> None:
    options = {"EXTERNAL_ADDRESS": address} if address else {}
    if address:
        issuer.client.redirect_uris.add(f"{address}/auth/oauth_callback")
    service = await start(
        issuer, **oidc(issuer), ALLOWED_REDIRECTS="http://localhost:3000", **options
    )
    browser = service.browser
    begun = await browser.get("/auth/login/acme", params={"next": "http://localhost:3000"})
    login_cookie = begun.headers["Set-Cookie"].split(";")[0]
    there = await browser.go(begun.headers["Location"])
    path = there.headers["Location"].removeprefix(service.settings.issuer)
    back = await browser.get(path, headers={"Cookie": login_cookie})
    assert back.status == 302, await back.text()
    name = attributes.partition(";")[0]
    (line,) = [each for each in back.headers.getall("Set-Cookie") if each.startswith(f"{name}=")]
    parts = line.split("; ")
    assert len(line) < 4096
    assert "Domain" not in line
    expected = set(attributes.split("; ")[1:]) | {"Max-Age=604800"}
    assert expected <= set(parts)
    assert ("Secure" in parts) is (address is not None)
    (cookie,) = SimpleCookie(parts[0]).values()
    assert len(cookie.value) == 43  # 256 bits


async def test_the_database_knows_its_digest_only(service: Service) -> None:
    await service.log_in("acme")
    cookies = {cookie.key: cookie.value for cookie in service.browser.session.cookie_jar}
    secret = cookies[service.settings.session_cookie]
    database = Database(service.settings.database_url.value, pool=1, timeout=20)
    async with database.read() as db:
        (row,) = (await db.execute(text("SELECT * FROM sessions"))).mappings()
    await database.close()
    assert row["digest"] == digest(secret)
    assert secret not in map(str, row.values())


@pytest.mark.parametrize(
    "value", ["", "x", "a" * 43, "a" * 4000, "' OR 1=1 --", "é" * 20, "%00" * 14]
)
async def test_a_made_up_one_is_nobodys(service: Service, value: str) -> None:
    sent = {"Cookie": f"{service.settings.session_cookie}={value}"}
    assert not await known(service.new_browser(), headers=sent)


@pytest.mark.slow
async def test_it_ends_at_its_time_and_never_where_it_has_none(
    start: Start, issuer: OidcIssuer
) -> None:
    for duration, days, expected in (("3600", 1, False), ("0", 3650, True), ("-1", 3650, True)):
        service = await start(issuer, **oidc(issuer), SESSION_DURATION=duration)
        browser = service.new_browser()
        await service.log_in("acme", browser=browser)
        assert await known(browser)
        now = service.clock.now
        service.clock.advance(days=days)
        assert await known(browser) is expected
        service.clock.now = now


@pytest.mark.slow
async def test_a_clock_that_was_set_back_revives_none(service: Service, clock: FrozenClock) -> None:
    jar = service.browser.session.cookie_jar
    await service.log_in("acme")
    (before,) = (cookie.value for cookie in jar if cookie.key == "session")
    await service.log_in("acme")
    clock.advance(minutes=-30)
    assert not await known(service.new_browser(), headers={"Cookie": f"session={before}"})
