"""How an API token looks: found by scanners, told from typing errors, never made twice."""

import re

import pytest

from dhq_auth.api_tokens.format import PATTERN, PREFIX, hint_of, is_well_formed, new_token

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_each_is_another_and_well_formed():
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"6879-[0-9A-Za-z]{49}", token) for token in tokens)
    assert all(map(is_well_formed, tokens))


@pytest.mark.slow
def test_all_letters_are_used_in_all_places_of_the_random_part():
    bodies = [new_token()[len(PREFIX) : -6] for _ in range(2000)]
    for place in range(43):
        assert {body[place] for body in bodies} == set(ALPHABET)


def test_every_mistyped_character_is_noticed():
    token = new_token()
    for place in range(len(token)):
        for other in ALPHABET:
            if other != token[place]:
                assert not is_well_formed(token[:place] + other + token[place + 1 :])


def test_two_that_changed_places_are_noticed():
    token = new_token()
    for place in range(len(PREFIX), len(token) - 1):
        one, two = token[place : place + 2]
        if one != two:
            assert not is_well_formed(token[:place] + two + one + token[place + 2 :])


@pytest.mark.parametrize(
    "spoil",
    [lambda t: t + "\n", lambda t: " " + t, lambda t: t[:-1], lambda t: t * 2, lambda _: ""],
)
def test_nothing_stands_before_or_behind_it(spoil):
    assert not is_well_formed(spoil(new_token()))


@pytest.mark.parametrize(
    "line",
    [
        "TOKEN={}",
        "curl -H 'Authorization: Bearer {}'",
        '{{"token": "{}"}}',
        "{}",
        "({}),",
        "x {}\n",
    ],
)
def test_scanners_find_it_by_the_pattern(line: str):
    token = new_token()
    assert re.findall(PATTERN, line.format(token)) == [token]


@pytest.mark.parametrize(
    "text",
    ["6879-", "6879-" + "a" * 48, "6879-" + "a" * 50, "16879-" + "a" * 49, "6879-" + "-" * 49,
     "6879-" + "é" * 49],
)  # fmt: skip
def test_scanners_find_nothing_else(text: str):
    assert re.findall(PATTERN, text) == []


def test_the_checksum_is_the_one_that_the_documentation_tells():
    # CRC-32 of the random part in base 62, most significant digit first.
    assert is_well_formed("6879-" + "0" * 43 + _base62_of_crc32("0" * 43))


def _base62_of_crc32(text: str) -> str:
    from zlib import crc32  # noqa: PLC0415 - another implementation than ours

    number = crc32(text.encode())
    return "".join(ALPHABET[number // 62**power % 62] for power in range(5, -1, -1))


def test_the_hint_gives_next_to_nothing_away():
    token = new_token()
    assert hint_of(token) == token[-4:]
