"""Who a login is: the account of (issuer, subject), and by an email only where both sides know it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import md5

import pytest

from dhq_auth.accounts import store
from dhq_auth.accounts.identities import store as identities
from dhq_auth.accounts.store import User
from dhq_auth.clock import utcnow
from tests.fakes.github import email
from tests.fixtures.service import Service, oidc
from tests.login.steps import code_of, sent_back

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def two(start, issuer, other_issuer) -> Service:
    """A service with two issuers: `acme`, whose word on emails counts, and `other`."""
    variables = oidc(issuer, TRUST_EMAIL="on") | oidc(other_issuer, "other")
    return await start(issuer, other_issuer, **variables | {"OIDC_PROVIDERS": "acme;other"})


@pytest.fixture
async def trusting(start, issuer, other_issuer) -> Service:
    """A service with two issuers whose word on emails counts."""
    variables = oidc(issuer, TRUST_EMAIL="on") | oidc(other_issuer, "other", TRUST_EMAIL="on")
    return await start(issuer, other_issuer, **variables | {"OIDC_PROVIDERS": "acme;other"})


async def profile(service, provider="acme"):
    """Log in in a fresh browser and return who that is."""
    token = await service.log_in(provider, browser=service.new_browser())
    return (await service.check(token))["profile"]


@pytest.mark.slow
async def test_many_first_logins_of_one_person_at_once_make_one_user(service, audited):
    browsers = [service.new_browser() for _ in range(6)]
    urls = [await sent_back(service, browser=browser) for browser in browsers]
    answers = await asyncio.gather(
        *(browser.go(url) for browser, url in zip(browsers, urls, strict=True))
    )
    assert {answer.status for answer in answers} == {302}
    kinds = [row["kind"] for row in await audited()]
    assert (kinds.count("user.created"), kinds.count("login.succeeded")) == (1, 6)


@pytest.mark.slow
async def test_first_logins_at_two_issuers_with_one_verified_email_make_one_user(trusting, audited):
    browsers = [trusting.new_browser() for _ in range(6)]
    urls = [
        await sent_back(trusting, provider, browser=browser)
        for browser, provider in zip(browsers, ["acme", "other"] * 3, strict=True)
    ]
    answers = await asyncio.gather(
        *(browser.go(url) for browser, url in zip(browsers, urls, strict=True))
    )
    assert {answer.status for answer in answers} == {302}
    kinds = [row["kind"] for row in await audited()]
    assert (kinds.count("user.created"), kinds.count("identity.linked")) == (1, 1)


@sqlite
async def test_a_person_who_comes_back_is_the_same_user(service, issuer):
    first = await profile(service)
    issuer.user |= {"email": "ada@new.example.com", "name": "Countess Lovelace"}
    second = await profile(service)
    assert second["id"] == first["id"]
    assert (second["name"], second["email"]) == ("Countess Lovelace", "ada@new.example.com")


@sqlite
@pytest.mark.parametrize("subject", ["1002", "10010", "1001 ", "100\uff11"])
async def test_another_subject_is_another_user_whatever_it_is_called(service, issuer, subject):
    first = await profile(service)
    issuer.user["sub"] = subject
    second = await profile(service)
    assert second["id"] != first["id"]
    assert second["email"] == first["email"]  # unverified, it belongs to neither


@sqlite
async def test_a_subject_means_nothing_at_another_issuer(two, other_issuer):
    other_issuer.user["email"] = "eve@example.com"
    assert (await profile(two, "acme"))["id"] != (await profile(two, "other"))["id"]


@sqlite
async def test_case_matters_in_a_subject(service, issuer):
    issuer.user["sub"] = "Ada"
    first = await profile(service)
    issuer.user["sub"] = "ada"
    assert (await profile(service))["id"] != first["id"]


async def test_a_verified_email_links_where_both_issuers_are_trusted(trusting, other_issuer):
    first = await profile(trusting, "acme")
    other_issuer.user |= {"sub": "another", "email": "ADA@Example.com"}
    second = await profile(trusting, "other")
    assert second["id"] == first["id"]
    assert (await profile(trusting, "acme"))["id"] == first["id"]


@sqlite
@pytest.mark.parametrize("verified", [False, None, "true", 1, "True", ["true"]], ids=repr)
async def test_an_email_that_is_not_verified_links_nothing(trusting, other_issuer, verified):
    first = await profile(trusting, "acme")
    other_issuer.user["email_verified"] = verified
    assert (await profile(trusting, "other"))["id"] != first["id"]
    assert (await profile(trusting, "acme"))["id"] == first["id"]


@sqlite
async def test_an_issuer_that_is_not_trusted_links_nothing(two):
    first = await profile(two, "acme")
    stranger = await profile(two, "other")
    assert stranger["id"] != first["id"]
    assert (await profile(two, "acme"))["id"] == first["id"]
    assert (await profile(two, "other"))["id"] == stranger["id"]


@sqlite
async def test_an_email_that_nobody_has_verified_here_attracts_no_login(two):
    """Who comes first by an untrusted issuer gets nothing of who comes later by a trusted one."""
    planted = await profile(two, "other")
    victim = await profile(two, "acme")
    assert victim["id"] != planted["id"]
    assert victim["email"] == planted["email"]
    assert (await profile(two, "other"))["id"] == planted["id"]


@sqlite
@pytest.mark.parametrize(
    ("known", "given"),
    [
        ("ada@example.com", "ada@example.com.evil.example"),
        ("ada@example.com", " ada@example.com"),
        ("kim@example.com", "\u212aim@example.com"),
        ("strasse@example.com", "stra\u00dfe@example.com"),
        ("sam@example.com", "\u017fam@example.com"),
        ("jos\u00e9@example.com", "jose\u0301@example.com"),
        ("ada@example.com", "ada+x@example.com"),
        ("a.da@example.com", "ada@example.com"),
    ],
)
async def test_an_email_that_only_looks_the_same_is_another(
    trusting, issuer, other_issuer, known, given
):
    issuer.user["email"], other_issuer.user["email"] = known, given
    assert (await profile(trusting, "acme"))["id"] != (await profile(trusting, "other"))["id"]


async def test_an_email_that_is_too_long_for_one_is_none(trusting, issuer):
    # Four bytes each and hard to compress: what no index of PostgreSQL takes.
    letters = "".join(chr(0x20000 + 7919 * n % 0xA000) for n in range(750))
    issuer.user["email"] = f"{letters}@example.com"
    assert (await profile(trusting))["email"] is None
    issuer.user |= {"sub": "1002", "email": f"{letters[:308]}@example.com"}
    assert (await profile(trusting))["email"] == issuer.user["email"]


@pytest.mark.slow
@sqlite
async def test_an_email_that_is_somebodys_is_not_taken_over_by_a_change(trusting, other_issuer):
    ada = await profile(trusting, "acme")
    other_issuer.user |= {"sub": "eve", "email": "eve@example.com"}
    eve = await profile(trusting, "other")
    other_issuer.user["email"] = "ada@example.com"
    assert (await profile(trusting, "other"))["id"] == eve["id"]
    assert (await profile(trusting, "acme"))["id"] == ada["id"]
    other_issuer.user["sub"] = "new"
    assert (await profile(trusting, "other"))["id"] == ada["id"]


@sqlite
async def test_an_email_that_was_given_up_can_be_verified_by_its_next_owner(trusting, issuer):
    first = await profile(trusting, "acme")
    issuer.user["email"] = "ada@new.example.com"
    await profile(trusting, "acme")
    issuer.user |= {"sub": "next", "email": "ada@example.com"}
    assert (await profile(trusting, "acme"))["id"] != first["id"]


@sqlite
async def test_a_verified_email_is_not_replaced_by_one_that_is_not(trusting, issuer):
    await profile(trusting)
    issuer.user |= {"email": "eve@example.com", "email_verified": False}
    assert (await profile(trusting))["email"] == "ada@example.com"


@sqlite
async def test_a_link_is_remembered_with_its_reason(trusting, audited):
    first = await profile(trusting, "acme")
    await profile(trusting, "other")
    (row,) = [row for row in await audited() if row["kind"] == "identity.linked"]
    assert row["user_id"] == first["id"]
    assert (row["detail"]["how"], row["detail"]["provider"]) == ("verified_email", "other")


@sqlite
async def test_a_user_id_is_opaque(service, issuer):
    known = await profile(service)
    assert len(known["id"]) == len(known["idhash"]) == 32
    assert md5(b"ada@example.com").hexdigest() not in {known["id"], known["idhash"]}  # noqa: S324


Add = Callable[[User], Awaitable[User]]


@pytest.fixture
def add(database, clock) -> Add:
    """A function that puts a user into the database."""

    async def add_user(user: User) -> User:
        async with database.write() as db:
            await store.add_user(db, user)
        return user

    return add_user


def of_0_1_6(address: str = "ada@example.com", provider_id: str | None = None) -> User:
    """Return a user as the upgrade of a database of 0.1.6 leaves one."""
    user_id = md5(address.encode()).hexdigest()  # noqa: S324 - what 0.1.6 did
    user = store.new_user(utcnow(), username="ada", email=address, provider_id=provider_id)
    return replace(user, id=user_id, idhash=user_id)


async def test_a_user_of_0_1_6_is_found_again_by_provider_id(start, issuer, add):
    old = await add(of_0_1_6("old@example.com", provider_id="google:1001"))
    service = await start(issuer, **google(issuer))
    known = await profile(service, "google")
    assert (known["id"], known["username"]) == (old.id, "ada")


@sqlite
@pytest.mark.parametrize("spelling", ["ada@example.com", "Ada@Example.com"])
async def test_a_user_of_0_1_6_is_found_again_by_the_hash_of_a_trusted_email(
    trusting, issuer, add, audited, spelling
):
    old = await add(of_0_1_6(provider_id="google:1001"))
    issuer.user["email"] = spelling
    assert (await profile(trusting))["id"] == old.id
    (row,) = [row for row in await audited() if row["kind"] == "identity.linked"]
    assert row["detail"]["how"] == "email_of_0.1.6"


@sqlite
async def test_a_user_of_0_1_6_is_linked_once(trusting, other_issuer, add, database):
    old = await add(of_0_1_6())
    assert (await profile(trusting, "acme"))["id"] == old.id
    async with database.write() as db:  # as if the email had been given up since
        moved = replace(old, email="ada@new.example.com", email_verified=True)
        await store.update_user(db, old, moved)
    other_issuer.user["sub"] = "1002"
    assert (await profile(trusting, "other"))["id"] != old.id


@sqlite
@pytest.mark.parametrize(("provider", "verified"), [("acme", False), ("other", True)])
async def test_a_user_of_0_1_6_is_not_given_to_an_email_that_is_not_trusted(
    two, issuer, add, provider, verified
):
    old = await add(of_0_1_6())
    issuer.user["email_verified"] = verified
    assert (await profile(two, provider))["id"] != old.id


@sqlite
async def test_a_provider_id_of_0_1_6_means_nothing_at_another_issuer(two, add):
    await add(of_0_1_6("old@example.com", provider_id="acme:1001"))
    assert "username" not in await profile(two, "acme")


@pytest.mark.slow
async def test_first_logins_at_once_of_a_user_of_0_1_6_link_once(start, issuer, add, audited):
    await add(of_0_1_6(provider_id="google:1001"))
    service = await start(issuer, **google(issuer))
    browsers = [service.new_browser() for _ in range(4)]
    urls = [await sent_back(service, "google", browser=browser) for browser in browsers]
    answers = await asyncio.gather(
        *(browser.go(url) for browser, url in zip(browsers, urls, strict=True))
    )
    assert {answer.status for answer in answers} == {302}
    kinds = [row["kind"] for row in await audited()]
    assert (kinds.count("user.created"), kinds.count("identity.linked")) == (0, 1)


@sqlite
async def test_a_disabled_user_is_not_let_in_and_gets_no_new_way_in(
    trusting, issuer, add, database, audited
):
    disabled = replace(
        store.new_user(utcnow(), email="ada@example.com", email_verified=True), is_active=False
    )
    await add(disabled)
    answer = await trusting.callback("acme")
    assert (answer.status, await code_of(answer)) == (400, "login_failed")
    assert "session" not in answer.cookies
    assert [row["kind"] for row in await audited()] == ["login.refused"]
    async with database.read() as db:
        assert await identities.user_by_identity(db, issuer.url, "1001") is None


@sqlite
@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"preferred_username": "ada"}, "ada"),
        ({"preferred_username": "Ada Lovelace!"}, "ada-lovelace"),
        ({}, "ada"),
        ({"email": "x" * 200 + "@example.com"}, "x" * 56),
        ({"preferred_username": "admin"}, "admin1"),
        ({"preferred_username": "\u202e"}, "ada"),
        ({"preferred_username": "漢字"}, "member"),
        ({"email": None}, "member"),
    ],
    ids=str,
)
async def test_a_username_is_taken_from_the_provider_where_that_is_on(
    start, issuer, claims, expected
):
    service = await start(issuer, USERNAME_FROM_PROVIDER="on", **oidc(issuer))
    issuer.user |= claims
    assert (await profile(service))["username"] == expected
    issuer.user["preferred_username"] = "another"
    assert (await profile(service))["username"] == expected  # once


@pytest.mark.slow
async def test_many_new_users_of_one_name_each_get_a_number(start, issuer):
    service = await start(issuer, USERNAME_FROM_PROVIDER="on", **oidc(issuer))
    browsers, urls = [service.new_browser() for _ in range(6)], []
    for number, browser in enumerate(browsers):
        issuer.user["sub"] = str(number)
        urls.append(await sent_back(service, browser=browser))
    answers = await asyncio.gather(
        *(browser.go(url) for browser, url in zip(browsers, urls, strict=True))
    )
    assert {answer.status for answer in answers} == {302}
    names = set()
    for number in range(6):
        issuer.user["sub"] = str(number)
        names.add((await profile(service))["username"])
    assert names == {"ada", "ada1", "ada2", "ada3", "ada4", "ada5"}


@sqlite
async def test_a_username_is_not_taken_from_the_provider_otherwise(service, issuer):
    issuer.user["preferred_username"] = "ada"
    assert "username" not in await profile(service)


@pytest.mark.slow
@sqlite
async def test_emails_of_github_link_like_those_of_other_trusted_providers(start, issuer, github):
    service = await start(
        issuer,
        github,
        **oidc(issuer, TRUST_EMAIL="on"),
        GITHUB_KEY=github.client.id,
        GITHUB_SECRET=github.client.secret,
        GITHUB_URL=github.url,
        GITHUB_API_URL=github.api_url,
    )
    first = await profile(service, "acme")
    github.emails = [email("ada@example.com", primary=True, verified=False)]
    github.user["id"] = 43
    assert (await profile(service, "github"))["id"] != first["id"]
    github.emails = [email("ada@example.com", primary=True)]
    github.user["id"] = 44
    assert (await profile(service, "github"))["id"] == first["id"]


def google(issuer) -> dict[str, str]:
    return {
        "GOOGLE_KEY": issuer.client.id,
        "GOOGLE_SECRET": issuer.client.secret,
        "GOOGLE_ISSUER": issuer.url,
    }
