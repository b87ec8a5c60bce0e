"""Every page in a real browser: for eyes of all kinds, by keyboard, small and large, in the dark."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.fakes.browser import SCHEMES, WIDTHS, Scheme, faults, measured
from tests.fakes.sample_pages import SAMPLES


@pytest.fixture
async def complaints(page: Page) -> AsyncIterator[list[str]]:
    """What the console says: a page may neither break its policy nor miss a file."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield said
    # An error page is an answer of 4xx, which Chromium's console calls a failure to load.
    assert [text for text in said if "the server responded" not in text] == []


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_every_page_is_accessible(
    node_packages: None, page: Page, complaints: list[str], samples: str, scheme: Scheme
) -> None:
    width = WIDTHS[SCHEMES.index(scheme)]
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 720})
    for name in SAMPLES:
        await page.goto(f"{samples}/{name}")
        assert await faults(page) == [], name


async def test_every_page_fits_in_every_language_with_all_that_it_hides(
    browser: Browser, samples: str
) -> None:
    for language in ("de-AT", "en"):
        context = await browser.new_context(locale=language, viewport={"width": 320, "height": 640})
        page = await context.new_page()
        for name in SAMPLES:
            await page.goto(f"{samples}/{name}")
            await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert await measured(page) == [], (name, language)
        await context.close()


async def test_text_may_be_twice_as_large(page: Page, samples: str) -> None:
    """WCAG 1.4.4: as who sets a larger font in the browser sees it."""
    await page.set_viewport_size({"width": 640, "height": 720})
    for name in SAMPLES:
        await page.goto(f"{samples}/{name}")
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        wide = "document.documentElement.scrollWidth > window.innerWidth"
        assert not await page.evaluate(wide), name


async def test_what_is_folded_away_is_accessible_too(
    node_packages: None, page: Page, complaints: list[str], samples: str
) -> None:
    for name in ("sessions", "tokens", "developer"):
        await page.goto(f"{samples}/{name}")
        await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert await faults(page) == [], name


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_each_scheme_has_its_own_colours(page: Page, samples: str, scheme: Scheme) -> None:
    await page.emulate_media(color_scheme=scheme)
    await page.goto(f"{samples}/login")
    text, background = await page.evaluate(
        """() => ['color', 'backgroundColor'].map(property =>
          getComputedStyle(document.body)[property].match(/\\d+/g).slice(0, 3)
            .reduce((sum, part) => sum + Number(part), 0) / 3)"""
    )
    assert (text < background) is (scheme == "light")


async def test_the_keyboard_goes_through_the_login_in_the_order_in_which_it_is_read(
    page: Page, samples: str
) -> None:
    await page.goto(f"{samples}/login")
    stops = []
    for _ in range(9):
        await page.keyboard.press("Tab")
        stops.append(
            await page.evaluate(
                "document.activeElement.innerText.trim() || document.activeElement.name"
            )
        )
        assert await page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
        ), "the focus can be seen"
    assert stops == [
        *("Skip to the content", "dhq-auth", "username", "password", "Sign in"),
        *("Continue with Google", "Continue with GitHub", "Continue with Acme"),
        "Create an account",
    ]


async def test_the_skip_link_appears_and_leads_past_the_navigation(
    page: Page, samples: str
) -> None:
    await page.goto(f"{samples}/profile")
    await page.keyboard.press("Tab")
    link = page.get_by_role("link", name="Skip to the content")
    box = await link.bounding_box()
    assert box is not None
    assert box["height"] > 24
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("First name")).to_be_focused()


async def test_what_is_wrong_belongs_to_the_field_that_has_the_focus(
    page: Page, samples: str
) -> None:
    await page.goto(f"{samples}/login-failed")
    assert await page.title() == "Error: Sign in · dhq-auth"
    field = page.get_by_label("Password")
    await expect(field).to_be_focused()
    told = page.get_by_role("alert")
    assert "There is no account with this name and password." in (await told.text_content() or "")
    assert await field.get_attribute("aria-describedby") == await told.get_attribute("id")
    await expect(page.get_by_label("Username or email")).to_have_value("ada")


async def test_on_the_profile_only_the_form_that_was_sent_is_at_fault(
    page: Page, samples: str
) -> None:
    await page.goto(f"{samples}/profile-refused")
    described = await page.locator("[aria-describedby~=error]").evaluate_all(
        "fields => fields.map(field => field.name)"
    )
    assert described == ["current_password", "new_password"]


AUTOCOMPLETE = {
    "login": {"username": "username", "password": "current-password"},
    "register": {"username": "username", "email": "email", "password": "new-password"},
    "profile": {
        "": "username",
        "first_name": "given-name",
        "last_name": "family-name",
        "name": "name",
        "current_password": "current-password",
        "new_password": "new-password",
    },
    "setup": {"code": "off"},
}


@pytest.mark.parametrize("name", AUTOCOMPLETE)
async def test_password_managers_know_every_field(page: Page, samples: str, name: str) -> None:
    await page.goto(f"{samples}/{name}")
    fields = await page.locator("input:not([type=hidden])").evaluate_all(
        "fields => Object.fromEntries(fields.map(field => [field.name, field.autocomplete]))"
    )
    assert fields == AUTOCOMPLETE[name]


async def test_a_new_password_is_taken_whole_however_long(page: Page, samples: str) -> None:
    """A field that cuts what is pasted makes a password that nobody knows (PWD-01)."""
    await page.goto(f"{samples}/register")
    password = "long " * 200
    await page.get_by_label("Password").fill(password)
    await expect(page.get_by_label("Password")).to_have_value(password)


async def test_a_name_cannot_become_markup(page: Page, samples: str, complaints: list[str]) -> None:
    await page.goto(f"{samples}/hostile")
    assert await page.evaluate("window.owned") is None
    assert await page.locator("main img, main script").count() == 0
    heading = await page.get_by_role("heading", level=1).text_content()
    assert heading == "<script>window.owned = 1</script>"
