"""What the published clients of dhq-auth 0.1.6 rely on, each line of it."""

import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dhq_auth.tokens.key import new_private_key
from tests.contract import plain_extension
from tests.fakes.oauth import base64url
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PROVIDER = "tests.contract.plain_provider"
EXTENSION = "tests.contract.plain_extension"


@pytest.fixture
async def notes(start: Start, issuer: OidcIssuer) -> Service:
    """A service that knows the permissions of one other, `notes`."""
    return await start(issuer, **oidc(issuer), ALLOWED_SERVICES=f"notes:{PROVIDER}")


async def authenticated(service: Service, **request: object) -> bool:
    answer = await service.new_browser().get("/auth/check", **request)
    assert answer.status == 200
    return (await answer.json())["authenticated"]


async def test_the_token_is_the_header_if_it_is_not_empty_else_the_parameter(
    service: Service,
) -> None:
    token = await service.log_in("acme")
    assert await authenticated(service, headers={"Auth-Token": token})
    assert await authenticated(service, params={"jwt": token})
    assert await authenticated(service, headers={"Auth-Token": ""}, params={"jwt": token})


async def test_a_bad_header_does_not_fall_back_to_the_parameter(service: Service) -> None:
    token = await service.log_in("acme")
    assert not await authenticated(service, headers={"Auth-Token": "bad"}, params={"jwt": token})
    good = {"headers": {"Auth-Token": token}, "params": {"jwt": "bad"}}
    assert await authenticated(service, **good)


@pytest.mark.parametrize("as_json", [False, True])
async def test_the_token_may_stand_in_a_body(service: Service, *, as_json: bool) -> None:
    fields = {"jwt": await service.log_in("acme"), "username": "ada"}
    body = {"json": fields} if as_json else {"data": fields}
    answer = await service.new_browser().post("/auth/update", **body)
    assert await answer.json() == {"success": True}


async def test_check_answers_200_with_an_absolute_url_for_each_provider(
    start: Start, issuer: OidcIssuer, other_issuer: OidcIssuer
) -> None:
    both = oidc(issuer) | oidc(other_issuer, "corp") | {"OIDC_PROVIDERS": "acme;corp"}
    service = await start(issuer, other_issuer, **both)
    answer = await service.browser.get("/auth/check", params={"next": "http://localhost:3000"})
    assert answer.status == 200
    unknown = await answer.json()
    assert not unknown["authenticated"]
    providers = unknown["providers"]
    assert providers.keys() == {"acme", "corp", "password"}
    # The page of the passwords is as good a link for a client that knows none of them by name.
    page = await service.browser.go(f"{providers.pop('password')['url']}&login_hint=ada")
    assert page.status == 200
    for name, provider in providers.items():
        url = urlsplit(provider["url"])
        assert f"{url.scheme}://{url.netloc}" == service.url
        assert url.path == f"/auth/login/{name}"
        # A client adds its own hint behind what is there.
        opened = await service.browser.go(f"{provider['url']}&login_hint=ada@example.com")
        assert opened.status == 302
        assert "login_hint=ada%40example.com" in opened.headers["Location"]


async def test_check_says_who_it_is(service: Service, issuer: OidcIssuer) -> None:
    known = await service.check(await service.log_in("acme"))
    assert known.keys() == {"authenticated", "profile"}
    profile = known["profile"]
    assert profile.keys() == {
        *("id", "idhash", "name", "email", "avatar_url", "join_date", "provider_id"),
        "email_verified",  # added since
    }
    assert profile["join_date"] == service.clock.now.strftime("%a, %d %b %Y %H:%M:%S GMT")
    assert profile["provider_id"] == f"acme:{issuer.user['sub']}"


async def test_a_command_line_client_gets_the_jwt_alone_and_reads_a_username(
    start: Start, issuer: OidcIssuer
) -> None:
    service = await start(issuer, **oidc(issuer), USERNAME_FROM_PROVIDER="on")
    back = await service.callback("acme", next="http://localhost:3000")
    location = urlsplit(back.headers["Location"])
    assert location.query.startswith("jwt=")
    query = parse_qs(location.query, strict_parsing=True)
    assert query.keys() == {"jwt"}
    profile = (await service.check(query["jwt"][0]))["profile"]
    assert profile["id"]
    assert profile["username"] == "ada"


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("http://localhost:3000", "http://localhost:3000?jwt={}"),
        ("http://localhost:3000/", "http://localhost:3000/?jwt={}"),
        (
            "http://localhost:3000/a%20b?x=1&x=&y&z=%20+#there",
            "http://localhost:3000/a%20b?x=1&x=&y&z=%20+&jwt={}#there",
        ),
    ],
)
async def test_next_is_kept_byte_for_byte(service: Service, target: str, where: str) -> None:
    back = await service.callback("acme", next=target)
    before, after = where.split("{}")
    location = back.headers["Location"]
    assert location.startswith(before)
    assert location.endswith(after)
    token = location.removeprefix(before).removesuffix(after)
    assert (await service.check(token))["authenticated"]


async def test_a_service_token_is_verified_as_the_published_verifier_does(notes: Service) -> None:
    token = await notes.log_in("acme")
    answer = await notes.browser.get("/auth/authorize", params={"jwt": token, "service": "notes"})
    told = await answer.json()
    public_key_text = await (await notes.browser.get("/auth/public-key")).text()
    claims = pyjwt.decode(told["token"], public_key_text, algorithms=["RS256"])
    assert told == {"token": told["token"], **{k: claims[k] for k in told if k != "token"}}
    assert told.keys() == {"token", "userid", "permissions", "service"}
    assert claims["service"] == "notes"
    assert claims["userid"] == (await notes.check(token))["profile"]["id"]
    # What PyJWT 1.7 and 2.x would stumble over (JWT-13).
    assert not {"aud", "nbf"} & claims.keys()
    assert isinstance(claims["sub"], str)
    assert type(claims["iat"]) is int
    assert type(claims["exp"]) is int
    assert claims["iat"] <= notes.clock.now.timestamp()
    assert claims["exp"] - claims["iat"] == 15 * 60
    header = pyjwt.get_unverified_header(told["token"])
    assert (header["typ"], header["alg"]) == ("JWT", "RS256")


async def test_a_browser_application_asks_from_its_own_origin_without_cookies(
    service: Service,
) -> None:
    token = await service.log_in("acme")
    answer = await service.new_browser().get(
        "/auth/check", params={"jwt": token}, headers={"Origin": "http://localhost:3000"}
    )
    assert (await answer.json())["authenticated"]
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_plain_functions_in_plain_modules_are_plugins(
    start: Start, issuer: OidcIssuer
) -> None:
    plain_extension.greeted.clear()
    plugins = {"ALLOWED_SERVICES": PROVIDER, "INSTALLED_EXTENSIONS": EXTENSION}
    service = await start(issuer, **oidc(issuer), **plugins)
    token = await service.log_in("acme")
    await service.log_in("acme")
    user_id = (await service.check(token))["profile"]["id"]
    assert [user["id"] for user in plain_extension.greeted] == [user_id]
    answer = await service.browser.get(
        "/auth/authorize", params={"jwt": token, "service": PROVIDER}
    )
    asked = (await answer.json())["permissions"]
    assert asked == {"service": PROVIDER, "level": "editor", "asked-for": user_id}


@pytest.mark.slow
async def test_a_login_token_of_0_1_6_is_not_accepted(start: Start, issuer: OidcIssuer) -> None:
    key = new_private_key()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    service = await start(issuer, **oidc(issuer), PRIVATE_KEY=pem)
    user_id = (await service.check(await service.log_in("acme")))["profile"]["id"]
    header, claims = {"typ": "JWT", "alg": "HS256"}, {"userid": user_id}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    mac = hmac.digest(pem.encode(), signed.encode(), hashlib.sha256)
    answer = await service.check(f"{signed}.{base64url(mac)}")
    assert not answer["authenticated"]
    assert answer["reason"] == "invalid"
