"""Whose address is remembered: the peer's, unless a trusted proxy speaks for somebody."""

import pytest

from dhq_auth.audit import store as audit
from dhq_auth.db import Database
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import CALLBACK, Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def address_of_a_login(service: Service, headers: dict[str, str]) -> str:
    """Log in with *headers* and return the address in the audit log."""
    service.browser.session.headers.update(headers)
    await service.log_in("acme")
    database = Database(service.settings.database_url.value, pool=1, timeout=5)
    async with database.read() as db:
        rows = await audit.latest(db, 10)
    await database.close()
    (login,) = [row for row in rows if row["kind"] == "login.succeeded"]
    assert login["request_id"]
    return login["address"]


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9;proto=https;host=evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Port": "1",
    "X-Original-URL": "/auth/public-key",
    "X-Rewrite-URL": "/auth/public-key",
    "X-Client-IP": "203.0.113.9",
}


async def test_without_a_trusted_proxy_no_header_changes_the_address(
    service: Service,
) -> None:
    assert await address_of_a_login(service, FORWARDED) == "127.0.0.1"


async def test_no_header_changes_where_we_are(start: Start, issuer: OidcIssuer) -> None:
    service = await start(issuer, **oidc(issuer), TRUSTED_PROXIES="127.0.0.1")
    headers = {**FORWARDED, "Host": "evil.example"}
    told = await service.browser.get("/auth/check", headers=headers)
    assert (await told.json())["providers"]["acme"]["url"].startswith(f"{service.url}/")
    begun = await service.browser.get("/auth/login/acme", headers=headers)
    assert "evil" not in begun.headers["Location"]
    assert (
        f"localhost%3A{service.url.rpartition(':')[2]}{CALLBACK}".replace("/", "%2F")
        in begun.headers["Location"]
    )
    home = await service.browser.get("/", headers=headers)
    assert home.headers["Location"] == f"{service.url}/login"
    assert "evil" not in str([*told.headers.items(), *begun.headers.items(), *home.headers.items()])


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8;10.0.0.0/8", "203.0.113.9, 10.0.0.1", "203.0.113.9"),
        # What the client wrote stands on the left, and is not reached.
        ("127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1;10.0.0.0/8", "1.1.1.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1;10.0.0.0/8", "203.0.113.9, nonsense, 10.0.0.1", "10.0.0.1"),
        ("127.0.0.0/8", "127.0.0.9, 127.0.0.8", "127.0.0.9"),
        ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
        # Some proxies write the port, too.
        ("127.0.0.1", "203.0.113.9:51234", "203.0.113.9"),
        ("127.0.0.1", "[2001:db8::1]:51234", "2001:db8::1"),
        ("127.0.0.1", "[2001:DB8:0::1]", "2001:db8::1"),
        ("127.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("127.0.0.1;10.0.0.0/8", "203.0.113.9, [::ffff:10.0.0.1]:80", "203.0.113.9"),
        # What no proxy writes.
        ("127.0.0.1", "203.0.113.9:", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9:port", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9:1:2", "127.0.0.1"),
        ("127.0.0.1", "[203.0.113.9]", "127.0.0.1"),
        ("127.0.0.1", "[2001:db8::1", "127.0.0.1"),
        ("127.0.0.1", "2001:db8::1]", "127.0.0.1"),
        ("127.0.0.1", "fe80::1%eth0 x", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.09", "127.0.0.1"),
        ("127.0.0.1", "3405803785", "127.0.0.1"),
        ("127.0.0.1", "\u0663.0.0.1", "127.0.0.1"),
        ("127.0.0.1", '"203.0.113.9"', "127.0.0.1"),
        ("127.0.0.1", "for=203.0.113.9", "127.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", ",,,", "127.0.0.1"),
    ],
)
async def test_the_header_of_a_trusted_proxy_is_walked_from_the_right(
    start: Start, issuer: OidcIssuer, trusted: str, forwarded: str, client: str
) -> None:
    service = await start(issuer, **oidc(issuer), TRUSTED_PROXIES=trusted)
    assert await address_of_a_login(service, {"X-Forwarded-For": forwarded}) == client


async def test_a_limit_is_not_passed_by_claiming_other_addresses(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(issuer, **oidc(issuer), LOGIN_STARTS="2")
    statuses = [
        (
            await service.browser.get(
                "/auth/login/acme", headers={"X-Forwarded-For": f"203.0.113.{number}"}
            )
        ).status
        for number in range(4)
    ]
    assert statuses == [302, 302, 429, 429]


@pytest.mark.parametrize(
    "lines",
    [
        [", ".join(["203.0.113.9", *["10.0.0.1"] * 700])],
        ["1.1.1.1", "203.0.113.9, 10.0.0.2", "10.0.0.1"],
    ],
    ids=["many hops", "many headers"],
)
async def test_however_long_the_way_it_is_walked_from_its_end(
    start: Start, issuer: OidcIssuer, lines: list[str]
) -> None:
    limits = {"TRUSTED_PROXIES": "127.0.0.1;10.0.0.0/8", "LOGIN_STARTS": "1"}
    service = await start(issuer, **oidc(issuer), **limits)
    headers = [("X-Forwarded-For", line) for line in lines]
    same = {"X-Forwarded-For": "203.0.113.9"}
    other = {"X-Forwarded-For": "203.0.113.8"}
    answers = [
        await service.program.get("/auth/login/acme", headers=sent)
        for sent in (headers, same, other)
    ]
    assert [answer.status for answer in answers] == [302, 429, 302]
