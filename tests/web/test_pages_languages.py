"""Pages speak the language of the reader; programs are answered in English."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from aiohttp import ClientSession

from dhq_auth.message import Message
from dhq_auth.web.translations import LANGUAGES, translation
from tests.fakes.sample_pages import SAMPLES


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-AT", "de"),
        ("de-Latn-CH-1996", "de"),
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("en;q=0.8 , de;q=0.9", "de"),
        ("fr, de;q=0.1", "de"),
        ("en-GB, de", "en"),
        ("fr", "en"),
        ("", "en"),
        ("*", "en"),
        ("fr, *;q=0.5", "en"),
        ("*, en;q=0.5", "de"),
        ("*, en;q=0", "de"),
        ("en;q=0", "de"),
        ("de;q=0, de-AT", "en"),
        ("de;q=0, en;q=0", "en"),
        ("de;q=1.5", "en"),
        ("de;q=nan", "en"),
        ("de;q=", "en"),
        ("den", "en"),
        ("d", "en"),
        ("x-" * 2000, "en"),
        (",;q=1,-,;;", "en"),
        ("../../de", "en"),
        ("dé", "en"),
    ],
)
async def test_a_page_is_in_the_language_that_is_liked_best(
    samples: str, accepted: str, language: str
) -> None:
    async with (
        ClientSession() as client,
        client.get(f"{samples}/login", headers={"Accept-Language": accepted}) as answer,
    ):
        assert answer.status == 200
        assert answer.headers["Content-Language"] == language
        assert answer.headers.getall("Vary") == ["Accept-Language"]
        text = await answer.text()
    assert re.search('<html lang="(.*)">', text)[1] == language  # type: ignore[index]
    title = {"en": "Sign in", "de": "Anmelden"}[language]
    assert f"<h1>{title}</h1>" in text


async def test_who_sends_no_header_reads_english(samples: str) -> None:
    async with ClientSession() as client, client.get(f"{samples}/login") as answer:
        assert answer.headers["Content-Language"] == "en"


async def test_several_headers_are_one(samples: str) -> None:
    headers = [("Accept-Language", "fr"), ("Accept-Language", "de;q=0.5")]
    async with ClientSession() as client, client.get(f"{samples}/login", headers=headers) as answer:
        assert answer.headers["Content-Language"] == "de"


async def test_what_is_wrong_is_said_in_the_language_of_the_page(samples: str) -> None:
    headers = {"Accept-Language": "de"}
    async with ClientSession(headers=headers) as client:
        async with client.get(f"{samples}/login-failed") as answer:
            assert "Mit diesem Namen und Passwort gibt es kein Konto." in await answer.text()
        async with client.get(f"{samples}/error") as answer:
            text = await answer.text()
    assert answer.status == 400
    assert "<h1>Die Anmeldung ist nicht gelungen</h1>" in text
    assert "Die Anmeldung bei Acme wurde abgebrochen." in text


@pytest.mark.parametrize("name", SAMPLES)
async def test_no_text_of_a_german_page_is_left_in_english(samples: str, name: str) -> None:
    pages = {}
    async with ClientSession() as client:
        for language in LANGUAGES:
            headers = {"Accept-Language": language}
            async with client.get(f"{samples}/{name}", headers=headers) as answer:
                pages[language] = texts(await answer.text())
    same = pages["en"] & pages["de"]
    assert same & ENGLISH_WORDS == set()
    left = {text for text in same if " " in text and "owned" not in text}
    assert left - SAID_IN_BOTH == set()


ENGLISH_WORDS = {"Sign in", "Password", "Username", "Email", "Save", "Revoke", "End", "never"}
# What is typed by people, and what is the same in both.
SAID_IN_BOTH = {
    "Ada Lovelace",
    "Firefox · Windows",
    "an old one",
    "an older one",
    "backup of every night",
    "authorize:notes profile",
    "developer token",
    "Authorization: Bearer …",
}


def texts(page: str) -> set[str]:
    """Return what stands between the tags of *page*."""
    return {text.strip(" \n.,()") for text in re.findall(r">([^<]+)<", page)} - {""}


async def test_what_a_person_or_a_provider_wrote_stays_as_it_is() -> None:
    message = Message("The login at {title} was cancelled.", title="{title.__class__} %(x)s Mai")
    german = translation("de").message(message)
    assert german == "Die Anmeldung bei {title.__class__} %(x)s Mai wurde abgebrochen."
    assert translation("de").message("What nobody translated") == "What nobody translated."
    assert translation("de").message("") == ""
    assert translation("de").message(None) == ""


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("the login has ended", "The login has ended."),
        ("Is it complete?", "Is it complete?"),
        ("code_challenge goes with it", "code_challenge goes with it."),
        ("Done.", "Done."),
        ("a", "A."),
    ],
)
def test_a_refusal_is_read_as_a_sentence(said: str, sentence: str) -> None:
    assert translation("en").message(said) == sentence


def test_a_date_is_written_as_it_is_read() -> None:
    # Late in the evening in Honolulu it is the next day in UTC.
    moment = datetime(2026, 2, 28, 23, 5, tzinfo=timezone(timedelta(hours=-10)))
    assert translation("en").day(moment) == "1 March 2026"
    assert translation("de").day(moment) == "1. März 2026"
    assert translation("en").moment(moment) == "1 March 2026, 09:05 UTC"
    assert translation("de").moment(moment) == "1. März 2026, 09:05 UTC"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_has_its_name(language: str) -> None:
    days = [translation(language).day(datetime(2026, n, 1, tzinfo=UTC)) for n in range(1, 13)]
    assert len({re.sub(r"[\d. ]", "", day) for day in days}) == 12
