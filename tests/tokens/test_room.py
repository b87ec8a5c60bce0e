"""Whoever puts claims into a token can know before how many fit."""

from datetime import timedelta

import pytest

from dhq_auth.tokens.signing import LOGIN, SERVICE, TokenSigner, TokenType


@pytest.mark.parametrize("token_type", [LOGIN, SERVICE], ids=["login", "service"])
@pytest.mark.parametrize("user_id", ["ada", "x" * 128, "four", "fives"])
async def test_what_fits_is_told_to_the_byte(
    signer: TokenSigner, token_type: TokenType, user_id: str
):
    room = signer.room(token_type, user_id, {"a": ""})
    assert room > 0
    lengths = [
        len(await signer.sign(token_type, user_id, timedelta(minutes=1), {"a": "x" * size}))
        for size in (room, room + 1)
    ]
    assert lengths[0] <= signer._max_length < lengths[1]


async def test_what_is_too_long_already_has_less_room_than_none(signer: TokenSigner):
    assert signer.room(SERVICE, "ada", {"a": "x" * 100_000}) < 0
