"""The catalogues have what the code and the templates say, all of it, and nothing else."""

import re
from gettext import GNUTranslations
from string import Formatter

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from dhq_auth.web.translations import DOMAIN, LANGUAGES, LOCALE
from tools.messages import found, texts_of, unsayable, untranslated

each_language = pytest.mark.parametrize("language", LANGUAGES[1:])


def written(language: str) -> Catalog:
    """Return the catalogue of *language* as it is in the repository."""
    with (LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        return read_po(file, locale=language)


@pytest.mark.slow
@each_language
def test_the_catalogue_has_every_text_and_no_other(language: str) -> None:
    there = {message.id for message in written(language) if message.id}
    wanted = {message.id for message in found() if message.id}
    assert there == wanted, "run: make messages, and translate what it names"
    assert not written(language).obsolete


@each_language
def test_every_text_is_translated_and_none_is_a_guess(language: str) -> None:
    catalog = written(language)
    assert untranslated(catalog) == []
    assert [message.id for message in catalog if message.id and message.fuzzy] == []


@each_language
def test_what_gettext_reads_was_compiled_of_this(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    for message in written(language):
        if isinstance(message.id, tuple):
            one, many = message.id
            assert [compiled.ngettext(one, many, n) for n in (1, 2)] == list(message.string)
        elif message.id:
            assert compiled.gettext(message.id) == message.string


@each_language
def test_what_is_put_into_a_text_is_put_into_its_translation(language: str) -> None:
    for message in written(language):
        if message.id:
            for source, translated in texts_of(message):
                assert places(source) == places(translated), source
                assert re.findall(r"</?\w+>", source) == re.findall(r"</?\w+>", translated)


def places(text: str) -> list[str]:
    """Return the places of values in *text*, of either kind."""
    percent = re.findall(r"%\(\w+\)s", text)
    # Nothing else of the kind may be there: it would be filled in, or fail.
    assert text.count("%") == len(percent)
    braces = [f"{name}!{how}:{form}" for _, name, form, how in Formatter().parse(text) if name]
    return sorted(percent + braces)


@pytest.mark.slow
def test_no_refusal_hides_its_words_in_an_f_string() -> None:
    """Such a text has no translation: it is a Message, with its values beside it."""
    assert unsayable() == []
