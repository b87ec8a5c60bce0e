"""The keys by which others check our service tokens."""

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.jwk import RSAKey

from tests.fixtures.service import Service

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_the_public_key_is_spki_pem_of_2048_bits_or_more(service: Service) -> None:
    answer = await service.browser.get("/auth/public-key")
    assert answer.content_type == "text/plain"
    text = await answer.text()
    assert text.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert load_pem_public_key(text.encode()).key_size >= 2048


async def test_the_jwks_has_the_key_of_the_pem_and_nothing_private(service: Service) -> None:
    answer = await service.browser.get("/.well-known/jwks.json")
    keys = (await answer.json())["keys"]
    pem = await (await service.browser.get("/auth/public-key")).text()
    assert keys
    for key in keys:
        assert key.keys() == {"kty", "kid", "use", "alg", "n", "e"}
        assert key["kid"] == RSAKey.import_key(key).thumbprint()
    assert RSAKey.import_key(keys[0]).as_pem(private=False).decode().split() == pem.split()


async def test_login_tokens_are_signed_by_a_key_that_is_not_published(service: Service) -> None:
    token = await service.log_in("acme")
    keys = (await (await service.browser.get("/.well-known/jwks.json")).json())["keys"]
    header = pyjwt.get_unverified_header(token)
    assert header["typ"] == "login+jwt"
    assert header["kid"] not in {key["kid"] for key in keys}


@pytest.mark.parametrize("path", ["/auth/public-key", "/.well-known/jwks.json"])
async def test_who_has_the_keys_is_told_that_they_are_still_the_same(
    service: Service, path: str
) -> None:
    first = await service.program.get(path)
    tag = first.headers["ETag"]
    for known in (tag, f'W/{tag}, "another"', f'"another", {tag}', "*"):
        again = await service.program.get(path, headers={"If-None-Match": known})
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag), known
        assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    for known in ('"another"', "nonsense", '"'):
        assert (await service.program.get(path, headers={"If-None-Match": known})).status == 200
