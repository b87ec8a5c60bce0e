"""Plugins: which option goes to which of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhq_auth.settings import from_environ
from tests.settings.conftest import faults_of


def options_of(services, **environ: str):
    settings = from_environ({"ALLOWED_SERVICES": services, **environ})
    assert settings.warnings == ()
    return {service.alias: dict(service.options) for service in settings.services}


def test_options_are_handed_over_by_their_lower_case_names():
    found = options_of("notes:http", PROVIDER_NOTES_URL="https://a", PROVIDER_NOTES_CACHE_FOR="5")
    assert found == {"notes": {"url": "https://a", "cache_for": "5"}}


def test_of_two_aliases_that_fit_an_option_the_longer_has_it():
    found = options_of(
        "a:x;a-b:x;a.b.c:x;ab:x",
        PROVIDER_A_URL="of a",
        PROVIDER_A_B_URL="of a-b",
        PROVIDER_A_B_C_URL="of a.b.c",
        PROVIDER_AB_URL="of ab",
        PROVIDER_A_BC="of a, too",
    )
    assert found == {
        "a": {"url": "of a", "bc": "of a, too"},
        "a-b": {"url": "of a-b"},
        "a.b.c": {"url": "of a.b.c"},
        "ab": {"url": "of ab"},
    }
    assert options_of("a;b", PROVIDER_A_B_URL="x") == {"a": {"b_url": "x"}, "b": {}}


def test_one_provider_may_serve_under_two_aliases_with_its_own_options_each():
    found = options_of("a:static;b:static", PROVIDER_A_PATH="a.toml", PROVIDER_B_PATH="b.toml")
    assert found == {"a": {"path": "a.toml"}, "b": {"path": "b.toml"}}


def test_two_aliases_that_would_share_their_options_are_refused_when_there_are_any():
    assert options_of("a-b:x;a.b:x") == {"a-b": {}, "a.b": {}}
    (fault,) = faults_of(ALLOWED_SERVICES="a-b:x;a.b:x", PROVIDER_A_B_URL="x")
    assert fault == (
        "ALLOWED_SERVICES: 'a-b' and 'a.b' would both get PROVIDER_A_B_…; give one another name"
    )
    (fault,) = faults_of(INSTALLED_EXTENSIONS="a-b;a.b", EXTENSION_A_B_URL="x")
    assert fault.startswith("INSTALLED_EXTENSIONS: 'a-b' and 'a.b' would both get EXTENSION_A_B_…")


def test_an_extension_gets_the_options_of_its_name():
    settings = from_environ(
        {"INSTALLED_EXTENSIONS": "webhook;acme.hooks", "EXTENSION_ACME_HOOKS_KEY": "k"}
        | {"EXTENSION_WEBHOOK_URL": "https://a", "PROVIDER_WEBHOOK_URL": "not this"}
    )
    assert [dict(each.options) for each in settings.extensions] == [
        {"url": "https://a"},
        {"key": "k"},
    ]
    assert len(settings.warnings) == 1


@pytest.mark.parametrize("alias", ["a b", "a/b", "a?b", "a#b", "a&b", "a\x00b", "", "a\u2028b"])
def test_an_alias_stands_in_addresses(alias):
    (fault,) = faults_of(ALLOWED_SERVICES=f"{alias}:static")
    assert fault.startswith("ALLOWED_SERVICES: read ")


ALIASES = st.lists(
    st.text(st.sampled_from("ab-._"), min_size=1, max_size=4), min_size=1, max_size=4, unique=True
)


@pytest.mark.slow
@given(ALIASES, st.lists(st.text(st.sampled_from("AB_"), min_size=1, max_size=6), max_size=5))
def test_no_option_goes_to_two_plugins_or_gets_lost(aliases, rests):
    prefixes = [alias.translate(str.maketrans("-.", "__")).upper() for alias in aliases]
    if len(set(prefixes)) < len(prefixes):
        return
    environ = {f"PROVIDER_{rest}": rest for rest in rests}
    settings = from_environ(environ | {"ALLOWED_SERVICES": ";".join(f"{a}:x" for a in aliases)})
    given_away = [value for service in settings.services for value in service.options.values()]
    assert len(given_away) + len(settings.warnings) == len(environ)
    assert len(set(given_away)) == len(given_away)
    for service, prefix in zip(settings.services, prefixes, strict=True):
        for option, rest in service.options.items():
            assert f"{prefix}_{option.upper()}" == rest
