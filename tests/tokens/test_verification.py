"""Which login tokens are believed, and that no other answer than InvalidCredential is given."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dhq_auth.errors import InvalidCredential
from dhq_auth.tokens.signing import LOGIN, SERVICE, TokenSigner
from tests.tokens.conftest import LIFETIME, NOW
from tests.tokens.forgeries import ALPHABET, FORGERIES, Mint, encoded, rs256

LEEWAY = 30


def seconds(offset: float) -> float:
    """Return NOW as tokens write it, *offset* seconds later."""
    return int(NOW.timestamp()) + offset


def refused(signer: TokenSigner, token: str) -> str:
    """Return the reason for which *token* is refused."""
    with pytest.raises(InvalidCredential) as error:
        signer.verify(token, LOGIN)
    return error.value.reason


def test_what_was_signed_is_believed(signer: TokenSigner, login_token: str) -> None:
    claims = signer.verify(login_token, LOGIN)
    assert (claims.user_id, claims.session_id) == ("ada", "session")
    assert claims.issued_at == NOW.replace(microsecond=0)
    assert claims.expires_at == claims.issued_at + LIFETIME


def test_the_mint_makes_tokens_that_are_believed(signer: TokenSigner, mint: Mint) -> None:
    assert signer.verify(mint.signed(), LOGIN) == signer.verify(mint.token, LOGIN)


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_refused(
    signer: TokenSigner, mint: Mint, forge: Callable[[Mint], str]
) -> None:
    refused(signer, forge(mint))


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_only_the_canonical_spelling_of_base64url_is_read(
    signer: TokenSigner, mint: Mint, segment: int
) -> None:
    # The claims are made longer until their encoding has spare bits in its last character.
    for filling in ("", "x", "xx"):
        header = json.dumps({**mint.header, "x": filling}).encode()
        claims = json.dumps({**mint.claims, "x": filling}).encode()
        parts = mint.raw(header, claims).split(".")
        for letter in ALPHABET:
            if letter == parts[segment][-1]:
                continue
            other = [*parts]
            other[segment] = other[segment][:-1] + letter
            if segment < 2 and len(parts[segment]) % 4:  # the signature holds for this spelling
                signed = f"{other[0]}.{other[1]}"
                other[2] = encoded(rs256(mint.key)(signed.encode()))
            refused(signer, ".".join(other))


@given(st.data())
def test_no_change_of_one_character_is_believed(
    signer: TokenSigner, login_token: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(login_token) - 1))
    character = data.draw(st.sampled_from(ALPHABET + ".=+/ %~\x00é\ud800") | st.characters())
    before, after = login_token[:place], login_token[place + 1 :]
    mutated = data.draw(
        st.sampled_from(
            [before + character + after, before + after, before + character + login_token[place:]]
        )
    )
    if mutated != login_token:
        refused(signer, mutated)


@given(st.text(max_size=200) | st.text(alphabet=ALPHABET + ".", max_size=200))
def test_whatever_is_sent_is_only_ever_an_invalid_credential(
    signer: TokenSigner, text: str
) -> None:
    refused(signer, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
MEMBERS = st.sampled_from(
    ["alg", "kid", "typ", "crit", "iss", "sub", "exp", "iat", "nbf", "jti", "sid"]
)


@pytest.mark.slow
@given(
    st.dictionaries(MEMBERS, JSON, max_size=2),
    st.dictionaries(MEMBERS, JSON, min_size=1, max_size=2),
)
@example(header={}, claims={"exp": 6.8e16})
def test_whatever_is_signed_raises_nothing_else(
    signer: TokenSigner, mint: Mint, header: dict[str, object], claims: dict[str, object]
) -> None:
    with suppress(InvalidCredential):
        signer.verify(mint.signed(header, claims), LOGIN)


@pytest.mark.parametrize("depth", range(100, 1001, 20))
def test_deep_nesting_raises_nothing_else(signer: TokenSigner, mint: Mint, depth: int) -> None:
    nested = b', "x": ' + b"[" * depth + b"]" * depth + b"}"
    token = mint.raw(
        json.dumps(mint.header).encode(), json.dumps(mint.claims).encode()[:-1] + nested
    )
    with suppress(InvalidCredential):
        signer.verify(token, LOGIN)


@pytest.mark.parametrize(
    ("claim", "offset", "believed"),
    [
        ("exp", -LEEWAY + 1, True),
        ("exp", -LEEWAY, False),
        ("exp", 0.5, True),
        ("nbf", LEEWAY, True),
        ("nbf", LEEWAY + 1, False),
        ("nbf", -1000, True),
        ("iat", 3600, True),  # another replica's clock, or ours was set back: no lock-out
        ("iat", -1000, True),
    ],
)
def test_clocks_may_be_apart_by_the_leeway(
    signer: TokenSigner, mint: Mint, claim: str, offset: float, *, believed: bool
) -> None:
    token = mint.signed(claims={claim: seconds(offset)})
    if believed:
        signer.verify(token, LOGIN)
    else:
        assert refused(signer, token) == ("expired" if claim == "exp" else "invalid")


def test_a_forged_token_is_never_called_expired(signer: TokenSigner, mint: Mint) -> None:
    token = mint.signed(claims={"exp": 1, "iss": "http://evil.example"})
    assert refused(signer, token) == "invalid"


def test_the_user_is_sub_and_no_other_claim(signer: TokenSigner, mint: Mint) -> None:
    claims = signer.verify(mint.signed(claims={"userid": "bob", "user_id": "bob"}), LOGIN)
    assert claims.user_id == "ada"


@pytest.mark.slow
def test_a_token_of_just_8_kb_is_read(signer: TokenSigner, mint: Mint) -> None:
    def sized(filling: int) -> str:
        return mint.signed(claims={"x": "x" * filling})

    filling = next(n for n in range(5000, 6000) if len(sized(n)) >= 8190)
    exact = next(
        token for n in (filling, filling + 1, filling + 2) if len(token := sized(n)) <= 8192
    )
    signer.verify(exact, LOGIN)
    assert refused(signer, next(t for n in range(3, 9) if len(t := sized(filling + n)) > 8192))


def test_a_login_token_is_no_service_token(signer: TokenSigner, login_token: str) -> None:
    with pytest.raises(InvalidCredential):
        signer.verify(login_token, SERVICE)


async def test_no_claim_of_a_caller_replaces_one_of_ours(signer: TokenSigner) -> None:
    sneaked = {"sub": "bob", "exp": 2**40, "iss": "x", "sid": "session", "jti": "known"}
    claims = signer.verify(await signer.sign(LOGIN, "ada", timedelta(hours=1), sneaked), LOGIN)
    assert claims.user_id == "ada"
    assert claims.token_id != "known"
    assert claims.expires_at < NOW + timedelta(hours=2)
