"""The verifier of dhq-auth 0.1.6, in the words of its clients: `Verifyer.extract_permissions`."""

import asyncio
from collections.abc import Awaitable, Callable

import jwt as pyjwt
import pytest

from dhq_auth.clock import utcnow
from dhq_auth.sdk import Unavailable, Verifyer, extract_permissions
from tests.fakes import faults
from tests.fakes.server import ABSENT, Fault
from tests.fakes.signing import unpublished
from tests.fixtures.service import FrozenClock, Service
from tests.sdk.auth_server import AuthServer, signing_key
from tests.tokens.forgeries import ALGORITHMS, HEADERS, KEYS, WRITING, Mint

FORGERIES = {
    name: forge
    for name, forge in {**ALGORITHMS, **KEYS, **HEADERS, **WRITING}.items()
    if name not in {"typ 'JWT'", "a service token"}
}


@pytest.fixture
def clock() -> FrozenClock:
    """The time of day: the published verifier reads no other clock."""
    clock = FrozenClock()
    clock.now = utcnow()
    return clock


@pytest.fixture
def verifyer(auth: AuthServer) -> Verifyer:
    return Verifyer(public_key=auth.keys[0].public_pem)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_service_moves_over_by_its_import_alone(
    real: Service, service_token: Callable[..., Awaitable[str]]
) -> None:
    token = await service_token()
    pem = await (await real.browser.get("/auth/public-key")).text()
    granted = Verifyer(public_key=pem).extract_permissions(token)
    assert granted == pyjwt.decode(token, pem, algorithms=["RS256"])
    assert granted["permissions"] == {"read": True}
    assert granted["service"] == "notes"
    login = await real.log_in("acme")
    assert Verifyer(public_key=pem).extract_permissions(login) is False


async def test_the_key_is_fetched_once_below_the_endpoint(auth: AuthServer) -> None:
    verifyer = await fetched(f"{auth.origin}/auth/")
    assert verifyer.public_key == auth.keys[0].public_pem
    for _ in range(3):
        assert verifyer.extract_permissions(auth.token())["userid"] == "ada"
    assert auth.asked == {"public_key": 1}


async def fetched(endpoint: str) -> Verifyer:
    return await asyncio.to_thread(lambda: Verifyer(auth_endpoint=endpoint))


async def test_a_key_that_is_given_is_not_fetched(auth: AuthServer) -> None:
    pem = auth.keys[0].public_pem
    verifyer = Verifyer(auth_endpoint="http://localhost:9/auth/", public_key=pem)
    assert verifyer.public_key == pem
    assert Verifyer(public_key=pem.encode()).extract_permissions(auth.token())


def test_without_either_there_is_no_verifyer() -> None:
    with pytest.raises(AssertionError):
        Verifyer()


def test_the_arguments_have_names() -> None:
    with pytest.raises(TypeError):
        Verifyer("https://login.example.com/auth/")  # type: ignore[misc]


@pytest.mark.parametrize("token", [None, "", b"", 0, False, [], {}])
def test_nothing_is_no_token(verifyer: Verifyer, token: object) -> None:
    assert verifyer.extract_permissions(token) is False


@pytest.mark.parametrize("token", ["a.b.c", "é", "\udcff", b"a.b.c", 7, ["x"], "x" * 100_000])
def test_what_is_no_token_raises_nothing(verifyer: Verifyer, token: object) -> None:
    assert verifyer.extract_permissions(token) is False


def test_bytes_are_no_token(auth: AuthServer, verifyer: Verifyer) -> None:
    assert verifyer.extract_permissions(auth.token().encode()) is False


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forgery_is_false(
    auth: AuthServer, verifyer: Verifyer, forge: Callable[[Mint], str]
) -> None:
    forged = forge(auth.mint(signing_key(unpublished("RS256"))))
    assert verifyer.extract_permissions(forged) is False


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": ABSENT},
        {"exp": None},
        {"aud": "notes"},
        {"nbf": 4102444800},
        {"iat": "x"},
    ],
    ids=str,
)
def test_a_token_out_of_its_time_or_for_an_audience_is_false(
    auth: AuthServer, verifyer: Verifyer, changes: dict[str, object]
) -> None:
    assert verifyer.extract_permissions(auth.token(**changes)) is False


def test_whom_the_token_is_for_is_left_to_the_caller(auth: AuthServer, verifyer: Verifyer) -> None:
    claims = verifyer.extract_permissions(auth.token(service="photos", iss="http://localhost"))
    assert claims["service"] == "photos"
    assert claims == extract_permissions(
        auth.token(service="photos", iss="http://localhost"), auth.keys[0].public_pem
    )


@pytest.mark.parametrize("key", ["", "not a key", b"\x00"])
def test_what_is_no_key_is_refused_at_once(key: str) -> None:
    with pytest.raises(ValueError, match="public key"):
        Verifyer(public_key=key)


@pytest.mark.parametrize(
    "fault",
    [
        *(
            faults.server_error,
            faults.reset,
            faults.endless,
            faults.redirect("http://127.0.0.1:9/"),
        ),
        faults.answer(404, b"not here"),
    ],
    ids=lambda fault: getattr(fault, "__name__", ""),
)
async def test_a_key_that_cannot_be_fetched_is_no_key(auth: AuthServer, fault: Fault) -> None:
    auth.faults["public_key"] = fault
    with pytest.raises(Unavailable):
        await fetched(f"{auth.origin}/auth/")


async def test_a_page_in_place_of_the_key_is_no_key(auth: AuthServer) -> None:
    auth.faults["public_key"] = faults.html
    with pytest.raises(ValueError, match="public key"):
        await fetched(f"{auth.origin}/auth/")


@pytest.mark.parametrize(
    "endpoint", ["http://login.example.com/auth/", "/auth/", "", "ftp://localhost/auth/"]
)
def test_a_key_is_fetched_from_no_address_that_anybody_could_take(endpoint: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Verifyer(auth_endpoint=endpoint)
