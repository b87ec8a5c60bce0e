"""The languages of the pages: texts by gettext, dates by hand.

The texts are in English in the code and in the templates. `make messages` collects them into
`locale/`, which holds the other languages; a text that is missing there appears in English.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from dhq_auth.message import Message
from dhq_auth.web.accept import preferences

if TYPE_CHECKING:
    from gettext import NullTranslations

LOCALE: Final = Path(__file__).parent.parent / "locale"
DOMAIN: Final = "dhq-auth"
SOURCE_LANGUAGE: Final = "en"
LANGUAGES: Final = (SOURCE_LANGUAGE, "de")
"""What the pages can be read in; the first is for those who like none of them."""


def marked(text: str) -> str:
    """Return *text*; `make messages` finds it by this."""
    return text


DATE: Final = marked("{day} {month} {year}")
MOMENT: Final = marked("{day}, {time} UTC")
MONTHS: Final = (
    *(marked("January"), marked("February"), marked("March"), marked("April")),
    *(marked("May"), marked("June"), marked("July"), marked("August")),
    *(marked("September"), marked("October"), marked("November"), marked("December")),
)


def language_of(request: web.Request) -> str:
    """Return the language in which the sender of *request* reads best (RFC 4647 3.4, Lookup)."""
    weights = preferences(request, "Accept-Language")
    spoken = [language for language in LANGUAGES if weights.get(language) != 0]
    for wanted in sorted(filter(weights.get, weights), key=lambda name: -weights[name]):
        unnamed = [language for language in spoken if language not in weights]
        for language in unnamed if wanted == "*" else _shortened(wanted):
            if language in spoken:
                return language
    return (spoken or LANGUAGES)[0]


def _shortened(wanted: str) -> Iterator[str]:
    """Give `zh-hant-cn`, `zh-hant`, `zh`."""
    while wanted:
        yield wanted
        wanted = wanted.rpartition("-")[0]


@cache
def translation(language: str) -> "Translation":
    """Return what the pages say in *language*, one of LANGUAGES."""
    from gettext import NullTranslations  # noqa: PLC0415 - loaded when a page is asked for
    from gettext import translation as read  # noqa: PLC0415

    if language == SOURCE_LANGUAGE:
        return Translation(language, NullTranslations())
    return Translation(language, read(DOMAIN, LOCALE, [language]))


class Translation:
    """What the pages say, in one language."""

    def __init__(self, language: str, texts: "NullTranslations") -> None:
        self.language = language
        self.gettext = texts.gettext
        self.ngettext = texts.ngettext

    def message(self, text: str | None) -> str:
        """Return the message of a refusal as a sentence; what is not known stays as it is."""
        if not text:
            return ""
        if isinstance(text, Message):
            return _sentence(self.gettext(text.template).format_map(text.values))
        return _sentence(self.gettext(text))

    def day(self, moment: datetime) -> str:
        """Return the day of *moment*, in UTC."""
        moment = moment.astimezone(UTC)
        month = self.gettext(MONTHS[moment.month - 1])
        date = self.gettext(DATE)
        return date.format(day=moment.day, month=month, year=moment.year)

    def moment(self, moment: datetime) -> str:
        """Return the day and the minute of *moment*, in UTC."""
        return self.gettext(MOMENT).format(
            day=self.day(moment), time=moment.astimezone(UTC).strftime("%H:%M")
        )


def _sentence(text: str) -> str:
    """Return *text* with a capital letter before it and a stop behind it."""
    if text.partition(" ")[0].isalpha():
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
