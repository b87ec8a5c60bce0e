"""A person without Google or GitHub, from the first page to the last, by the pages alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.fakes.application import Application
from tests.fixtures.service import FrozenClock, Service, Start
from tests.login.steps import query_of

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PASSWORD = "correct horse battery staple"
BETTER = "seven purple rivers sing quietly"


@pytest.fixture
async def alone(start: Start, application: Application, page: Page) -> AsyncIterator[Service]:
    """A service without login providers; its pages may not break their policy.

    The application goes on after the browser, which may still ask it for an icon.
    """
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield await start(ALLOWED_REDIRECTS="http://localhost:*;http://127.0.0.1:*")
    # Before the service stops, which waits for what a browser has begun and left.
    await page.context.close()
    assert [text for text in said if "the server responded" not in text] == []


async def register(page: Page, service: Service, **fields: str) -> None:
    await page.goto(f"{service.url}/login")
    await page.get_by_role("link", name="Create an account").click()
    await fill(page, **fields)
    await page.get_by_role("button", name="Create the account").click()


async def fill(page: Page, **fields: str) -> None:
    """Fill the fields that have these names."""
    for name, value in fields.items():
        await page.locator(f"[name={name}]").fill(value)


async def log_in(page: Page, name: str, password: str = PASSWORD) -> None:
    await fill(page, username=name, password=password)
    await page.get_by_role("button", name="Sign in", exact=True).click()


async def curl(*arguments: str) -> tuple[int, str]:
    """Return status and body that curl gets."""
    process = await asyncio.create_subprocess_exec(
        *("curl", "-s", "-w", "\n%{http_code}", *arguments), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    body, _, status = output.decode().rpartition("\n")
    return int(status), body


async def test_from_the_registration_to_a_token_for_curl_and_to_the_end_of_all(
    alone: Service, page: Page
) -> None:
    service = alone
    await register(page, service, email="ada@example.com", password=PASSWORD)
    await page.wait_for_url(f"{service.url}/profile")

    await page.get_by_label("Username").fill("ada")
    await page.get_by_role("button", name="Choose this username").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("ada")
    assert await page.get_by_role("button", name="Choose this username").count() == 0

    await page.get_by_role("link", name="API tokens").click()
    await page.get_by_label("Title").fill("for curl")
    await page.get_by_role("button", name="Make the token").click()
    token = await page.locator(".secret").text_content() or ""
    assert token.startswith("6879-")
    bearer = ("-H", f"Authorization: Bearer {token}")
    status, body = await curl(*bearer, f"{service.url}/auth/check")
    assert status == 200
    assert '"username": "ada"' in body
    await page.goto(f"{service.url}/profile/tokens")
    assert token not in await page.content()
    await expect(page.get_by_role("heading", name="for curl")).to_be_visible()

    jwt = await login_token(service)
    await page.goto(f"{service.url}/profile")
    await page.get_by_role("button", name="Sign out everywhere").click()
    await page.wait_for_url(f"{service.url}/signed-out")
    _, body = await curl(*bearer, f"{service.url}/auth/check")
    assert '"authenticated": false' in body
    assert (await service.check(jwt))["reason"] == "revoked"
    await page.goto(f"{service.url}/profile")
    await page.wait_for_url(f"{service.url}/login")


async def login_token(service: Service) -> str:
    """Log in as a program, elsewhere."""
    answer = await service.new_browser().post(
        "/auth/login", json={"username": "ada", "password": PASSWORD}
    )
    assert answer.status == 200, await answer.text()
    token: dict[str, Any] = await answer.json()
    return str(token["token"])


@sqlite
async def test_the_login_leads_back_to_the_application_that_asked(
    alone: Service, page: Page, application: Application
) -> None:
    """Chromium holds `form-action` against the redirect, which is to another origin."""
    there = f"{application.url}/notes"
    await register(page, alone, username="ada", password=PASSWORD)
    await page.wait_for_url(f"{alone.url}/profile")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url(f"{alone.url}/signed-out")

    await page.goto(f"{alone.url}/login?next={there}")
    await log_in(page, "ada", "wrong " * 4)
    await expect(page.get_by_role("alert")).to_contain_text("no account with this name")
    await log_in(page, "ada")
    await page.wait_for_url(f"{there}?jwt=*")
    assert (await alone.check(query_of(page.url)["jwt"]))["authenticated"] is True

    await page.goto(f"{alone.url}/login?next={there}")
    await page.get_by_role("button", name="Continue as ada").click()
    await page.wait_for_url(f"{there}?jwt=*")


@sqlite
async def test_who_registers_on_the_way_to_an_application_gets_there(
    alone: Service, page: Page, application: Application
) -> None:
    await page.goto(f"{alone.url}/login?next={application.url}/notes")
    await page.get_by_role("link", name="Create an account").click()
    await fill(page, username="ada", password="password password")
    await page.get_by_role("button", name="Create the account").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("Username")).to_have_value("ada")
    await expect(page.get_by_label("Password")).to_be_focused()
    await fill(page, password=PASSWORD)
    await page.get_by_role("button", name="Create the account").click()
    await page.wait_for_url(f"{application.url}/notes?jwt=*")


@sqlite
async def test_names_and_password_are_changed_on_the_profile(alone: Service, page: Page) -> None:
    await register(page, alone, username="ada", password=PASSWORD)
    await fill(page, first_name="Ada", last_name="Lovelace", name="Countess")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Countess")

    await fill(page, current_password="not " + PASSWORD, new_password=BETTER)
    await page.get_by_role("button", name="Change the password").click()
    await expect(page.get_by_role("alert")).to_contain_text("The current password is wrong.")
    await expect(page.get_by_label("Current password")).to_be_focused()
    await fill(page, current_password=PASSWORD, new_password=BETTER)
    await page.get_by_role("button", name="Change the password").click()
    await page.wait_for_url(f"{alone.url}/profile")
    assert await page.get_by_role("alert").count() == 0

    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.goto(f"{alone.url}/login")
    await log_in(page, "ada")
    await expect(page.get_by_role("alert")).to_be_visible()
    await log_in(page, "ada", BETTER)
    await page.wait_for_url(f"{alone.url}/profile")


@sqlite
async def test_a_name_that_is_refused_leaves_the_profile_with_the_reason(
    alone: Service, page: Page
) -> None:
    await register(page, alone, email="ada@example.com", password=PASSWORD)
    await page.get_by_label("Username").fill("admin")
    await page.get_by_role("button", name="Choose this username").click()
    await expect(page.get_by_role("alert")).to_contain_text("This username is reserved")
    await expect(page.get_by_label("Username")).to_be_focused()


@sqlite
async def test_one_of_two_sessions_is_ended_by_hand(alone: Service, page: Page) -> None:
    await register(page, alone, username="ada", password=PASSWORD)
    jwt = await login_token(alone)
    await page.get_by_role("link", name="Sessions").click()
    await expect(page.get_by_role("listitem").filter(has_text="this one")).to_have_count(1)
    cards = page.locator(".cards > li")
    await expect(cards).to_have_count(2)
    await cards.filter(has_not_text="this one").get_by_role("button").click()
    await expect(cards).to_have_count(1)
    assert (await alone.check(jwt))["reason"] == "revoked"
    await page.get_by_text("End all of them").click()
    await page.get_by_role("button", name="End all sessions").click()
    await page.wait_for_url(f"{alone.url}/signed-out")


@sqlite
async def test_tokens_and_the_developer_token_are_made_and_revoked(
    alone: Service, page: Page
) -> None:
    await register(page, alone, username="ada", password=PASSWORD)
    await page.get_by_role("link", name="API tokens").click()
    await fill(page, title="narrow", scopes="profile authorize:notes")
    await page.get_by_label("Counts for").select_option(label="until it is revoked")
    await page.get_by_role("button", name="Make the token").click()
    await expect(page.get_by_text("authorize:notes profile")).to_be_visible()
    await fill(page, title="never", scopes="everything")
    await page.get_by_role("button", name="Make the token").click()
    await expect(page.get_by_role("alert")).to_contain_text("A scope is one of")
    await page.locator("summary").click()
    await page.get_by_role("button", name="Revoke this token").click()
    await expect(page.get_by_text("revoked", exact=True)).to_be_visible()

    await page.get_by_role("link", name="Developer token").click()
    await page.get_by_role("button", name="Generate").click()
    first = await page.locator(".secret").text_content()
    await page.get_by_text("Generate again").click()
    await page.get_by_role("button", name="Generate a new one").click()
    second = await page.locator(".secret").text_content() or ""
    assert second != first
    status, _ = await curl("-H", f"Authorization: Bearer {first}", f"{alone.url}/auth/token-info")
    assert status == 401
    await page.goto(f"{alone.url}/profile/developer")
    assert second not in await page.content()
    await expect(page.get_by_text(second[-4:], exact=True)).to_be_visible()
    await page.get_by_text("Revoke", exact=True).click()
    await page.get_by_role("button", name="Revoke the developer token").click()
    await expect(page.get_by_text("You have none.")).to_be_visible()


@sqlite
async def test_an_account_is_deleted_by_who_types_its_name_soon_after_the_login(
    alone: Service, page: Page, clock: FrozenClock
) -> None:
    await register(page, alone, username="ada", password=PASSWORD)
    await page.get_by_role("link", name="Delete my account").click()
    await fill(page, confirmation="no")
    await page.get_by_role("button", name="Delete my account for good").click()
    await expect(page.get_by_role("alert")).to_contain_text("Type ada to confirm.")
    clock.advance(hours=1)
    await fill(page, confirmation="ada")
    await page.get_by_role("button", name="Delete my account for good").click()
    await expect(page.get_by_role("alert")).to_contain_text("log in again")

    await page.goto(f"{alone.url}/login")
    await log_in(page, "ada")
    await page.goto(f"{alone.url}/profile/delete")
    await fill(page, confirmation="ada")
    await page.get_by_role("button", name="Delete my account for good").click()
    await page.wait_for_url(f"{alone.url}/signed-out")
    await page.goto(f"{alone.url}/login")
    await log_in(page, "ada")
    await expect(page.get_by_role("alert")).to_be_visible()


@sqlite
async def test_the_first_administrator_is_made_on_the_page_and_logs_in(
    alone: Service, page: Page
) -> None:
    await page.goto(f"{alone.url}/setup")
    await page.get_by_role("button", name="Make the first administrator").click()
    password = await page.locator(".secret").text_content() or ""
    name = await page.locator("dd").first.text_content() or ""
    await page.get_by_role("link", name="Sign in").click()
    await log_in(page, name, password)
    await page.wait_for_url(f"{alone.url}/profile")
    await page.goto(f"{alone.url}/setup")
    await expect(page.get_by_text("There is an administrator already")).to_be_visible()


@sqlite
async def test_a_german_browser_reads_german_all_the_way(start: Start, page: Page) -> None:
    service = await start()
    await page.set_extra_http_headers({"Accept-Language": "de-CH, en;q=0.5"})
    await page.goto(f"{service.url}/register")
    await fill(page, username="ada", password="kurz")
    # What the browser itself holds back is sent all the same by others.
    await page.evaluate("document.forms[0].noValidate = true")
    await page.get_by_role("button", name="Konto anlegen").click()
    await expect(page.get_by_role("alert")).to_contain_text("mindestens 15 Zeichen")
    await fill(page, password=PASSWORD)
    await page.get_by_role("button", name="Konto anlegen").click()
    await page.wait_for_url(f"{service.url}/profile")
    await expect(page.get_by_role("button", name="Überall abmelden")).to_be_visible()
    await page.goto(f"{service.url}/nowhere")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Nicht gefunden")
