"""What everybody may know of a user: never the email, nor a hash of it."""

import hashlib

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service


@pytest.fixture
async def ada(service: Service) -> dict[str, object]:
    """The profile of a user called `Ada`."""
    token = await service.log_in("acme")
    headers = {"Auth-Token": token}
    await service.browser.post("/auth/update", data={"username": "Ada"}, headers=headers)
    return (await service.check(token))["profile"]


async def asked(service: Service, path: str, **params: str) -> dict[str, object]:
    answer = await service.new_browser().get(path, params=params)
    assert answer.status == 200
    return await answer.json()


@pytest.mark.parametrize("spelt", ["Ada", "ada", "ADA", "aDa"])
async def test_a_user_is_found_however_the_name_is_spelt(
    service: Service, ada: dict[str, object], spelt: str
) -> None:
    assert await asked(service, "/auth/resolve", username=spelt) == {"userid": ada["id"]}
    assert await asked(service, "/auth/get_profile", username=spelt) == {
        "found": True,
        "profile": {
            **{key: ada[key] for key in ("id", "name", "username", "avatar_url", "join_date")},
            "gravatar": None,
        },
    }


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nobody_is_found_by_another_name(
    service: Service, ada: dict[str, object], subtests: pytest.Subtests
) -> None:
    for name in [
        "bob",
        "",
        "ada%",
        "_da",
        "ada ",
        "'; --",
        "\N{CYRILLIC SMALL LETTER A}da",
        "a" * 255,
    ]:
        with subtests.test(name=name):
            assert await asked(service, "/auth/resolve", username=name) == {"userid": None}
            nobody = {"found": False, "profile": None}
            assert await asked(service, "/auth/get_profile", username=name) == nobody
            assert await asked(service, "/auth/get_profile") == nobody


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_neither_the_email_nor_a_hash_of_it_is_told(
    service: Service, ada: dict[str, object], issuer: OidcIssuer
) -> None:
    answer = await service.browser.get("/auth/get_profile", params={"username": "ada"})
    said = (await answer.text()).lower()
    email = str(issuer.user["email"]).encode()
    assert email.decode() not in said
    for algorithm in ("md5", "sha1", "sha256"):
        assert hashlib.new(algorithm, email, usedforsecurity=False).hexdigest() not in said
    assert str(ada["idhash"]) not in said


@pytest.mark.parametrize(
    "query", ["username=a&username=b", "username=%00", f"username={'x' * 256}"]
)
@pytest.mark.parametrize("path", ["/auth/resolve", "/auth/get_profile"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_is_no_name_is_refused(service: Service, path: str, query: str) -> None:
    assert (await service.browser.get(f"{path}?{query}")).status == 400
