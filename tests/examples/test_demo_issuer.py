"""The demo issuer: an ordinary issuer for one client, and closed to all but its own machine."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, SOCK_DGRAM, socket
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from aiohttp import ClientSession, web

from examples.demo.issuer import CLIENT_ID, CODE_LIFETIME, create_issuer, s256
from examples.demo.loopback import is_free, serve

ISSUER = "http://localhost:9000"
CALLBACK = "http://localhost:8000/auth/oauth_callback"
ANY = "0.0.0.0"  # noqa: S104 - what must be refused
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"
REQUEST = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": CALLBACK,
    "scope": "openid email profile",
    "state": "a state & more",
    "nonce": "a nonce",
    "code_challenge": s256(VERIFIER),
    "code_challenge_method": "S256",
}


@dataclass
class Clock:
    time: float = 1_900_000_000

    def __call__(self) -> float:
        return self.time


@dataclass
class Visitor:
    """Plays the browser, and dhq-auth behind it."""

    http: ClientSession
    port: int

    async def page(self, **changes: str) -> tuple[int, str]:
        async with self.http.get("/authorize", params=REQUEST | changes) as answer:
            return answer.status, await answer.text()

    async def sent_to(self, person: str = "ada", **changes: str) -> tuple[str, dict[str, str]]:
        """Choose *person*; return where the browser is sent, and the parameters that it brings."""
        params = {name: value for name, value in (REQUEST | changes).items() if value}
        async with self.http.post(
            "/authorize", params=params, data={"person": person}, allow_redirects=False
        ) as answer:
            assert answer.status == 303
            address, _, query = answer.headers["Location"].partition("?")
            return address, {name: value for name, [value] in parse_qs(query).items()}

    async def code(self, person: str = "ada") -> str:
        _, parameters = await self.sent_to(person)
        return parameters["code"]

    async def redeem(self, code: str, **changes: str) -> tuple[int, dict[str, str]]:
        form = {
            "grant_type": "authorization_code",
            "client_id": CLIENT_ID,
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        async with self.http.post("/token", data=form | changes) as answer:
            return answer.status, await answer.json()

    async def published_key(self) -> jwt.PyJWK:
        async with self.http.get("/jwks.json") as answer:
            [key] = (await answer.json())["keys"]
        assert key.keys() == {"kty", "n", "e", "use", "alg", "kid"}
        return jwt.PyJWK(key)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def visitor(clock: Clock) -> AsyncIterator[Visitor]:
    runner = await serve(create_issuer(ISSUER, CALLBACK, now=clock), "127.0.0.1", 0)
    port = runner.addresses[0][1]
    async with ClientSession(f"http://127.0.0.1:{port}") as http:
        yield Visitor(http, port)
    await runner.cleanup()


async def test_the_metadata_names_the_issuer_and_what_it_insists_on(visitor: Visitor):
    async with visitor.http.get("/.well-known/openid-configuration") as answer:
        metadata = await answer.json()
    assert metadata["issuer"] == ISSUER
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True


async def test_the_page_offers_the_people_and_says_that_it_proves_nothing(visitor: Visitor):
    status, text = await visitor.page()
    assert status == 200
    assert "Ada Lovelace" in text
    assert "Alan Turing" in text
    assert "proves nothing" in text
    assert "<script" not in text


async def test_who_is_chosen_is_who_the_tokens_speak_of(visitor: Visitor, clock: Clock):
    address, parameters = await visitor.sent_to("alan")
    assert address == CALLBACK
    assert parameters["state"] == REQUEST["state"]
    assert parameters["iss"] == ISSUER
    status, tokens = await visitor.redeem(parameters["code"])
    assert status == 200
    claims = jwt.decode(
        tokens["id_token"],
        await visitor.published_key(),
        audience=CLIENT_ID,
        issuer=ISSUER,
        options={"verify_iat": False, "verify_exp": False},
    )
    assert claims["nonce"] == REQUEST["nonce"]
    assert claims["iat"] == clock.time
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    async with visitor.http.get("/userinfo", headers=bearer) as answer:
        known = await answer.json()
    assert known["sub"] == claims["sub"] == "alan"
    assert known["name"] == "Alan Turing"
    assert known["email_verified"] is True
    async with visitor.http.get(urlsplit(known["picture"]).path) as answer:
        assert answer.content_type == "image/svg+xml"
        assert "AT" in await answer.text()


async def test_only_the_claims_of_the_scopes_asked_for_are_told(visitor: Visitor):
    _, parameters = await visitor.sent_to(scope="openid")
    _, tokens = await visitor.redeem(parameters["code"])
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims.keys() == {"iss", "sub", "aud", "iat", "exp", "nonce"}


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "somebody-else"},
        {"redirect_uri": "http://localhost:8000/auth/oauth_callback/"},
        {"redirect_uri": "http://evil.example/"},
        {"redirect_uri": ""},
    ],
)
async def test_a_request_for_another_client_or_address_is_answered_on_the_spot(
    visitor: Visitor, changes: dict[str, str]
):
    status, text = await visitor.page(**changes)
    assert status == 400
    assert "refused" in text
    async with visitor.http.post(
        "/authorize", params=REQUEST | changes, data={"person": "ada"}, allow_redirects=False
    ) as answer:
        assert answer.status == 400
        assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"person": ""}, "access_denied"),
        ({"person": "mallory"}, "access_denied"),
    ],
)
async def test_a_faulty_request_is_sent_back_with_its_error(
    visitor: Visitor, changes: dict[str, str], error: str
):
    address, parameters = await visitor.sent_to(**changes)
    assert address == CALLBACK
    assert parameters["error"] == error
    assert parameters["state"] == REQUEST["state"]
    assert parameters["iss"] == ISSUER
    assert "code" not in parameters


async def test_a_code_is_good_once(visitor: Visitor):
    code = await visitor.code()
    assert (await visitor.redeem(code))[0] == 200
    status, answer = await visitor.redeem(code)
    assert (status, answer["error"]) == (400, "invalid_grant")


async def test_a_code_is_good_for_a_minute(visitor: Visitor, clock: Clock):
    code = await visitor.code()
    clock.time += CODE_LIFETIME
    status, answer = await visitor.redeem(code)
    assert (status, answer["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "somebody-else"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"redirect_uri": f"{CALLBACK}?x"}, "invalid_grant"),
        ({"code_verifier": VERIFIER[:-1]}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
    ],
)
async def test_a_code_in_wrong_hands_gives_no_token_and_is_spent(
    visitor: Visitor, changes: dict[str, str], error: str
):
    code = await visitor.code()
    status, answer = await visitor.redeem(code, **changes)
    assert (status, answer["error"]) == (400, error)
    assert (await visitor.redeem(code))[0] == 400


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic YTpi"])
async def test_userinfo_wants_an_access_token(visitor: Visitor, authorization: str):
    async with visitor.http.get("/userinfo", headers={"Authorization": authorization}) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:9000", "localhost.evil.example", "127.0.0.1.evil.example"],
)
async def test_another_name_is_not_answered(visitor: Visitor, host: str):
    async with visitor.http.get("/jwks.json", headers={"Host": host}) as answer:
        assert answer.status == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9000", "127.0.0.1:1", "[::1]:9000"])
async def test_the_names_of_this_machine_are_answered(visitor: Visitor, host: str):
    async with visitor.http.get("/jwks.json", headers={"Host": host}) as answer:
        assert answer.status == 200


async def test_a_request_that_came_through_a_tunnel_is_not_answered(visitor: Visitor):
    headers = {"Host": "localhost", "X-Forwarded-For": "203.0.113.7"}
    async with visitor.http.get("/jwks.json", headers=headers) as answer:
        assert answer.status == 403


async def test_another_machine_is_not_answered_whatever_it_says():
    with socket(AF_INET, SOCK_DGRAM) as route:
        try:
            route.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        own_address = route.getsockname()[0]
    runner = web.AppRunner(create_issuer(ISSUER, CALLBACK))
    await runner.setup()
    await web.TCPSite(runner, own_address, 0).start()
    url = f"http://{own_address}:{runner.addresses[0][1]}/jwks.json"
    try:
        async with ClientSession() as http, http.get(url, headers={"Host": "localhost"}) as answer:
            assert answer.status == 403
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("host", [ANY, "::", "", "192.0.2.1", "example.com"])
async def test_the_issuer_does_not_listen_for_others(host: str):
    with pytest.raises(ValueError, match="loopback"):
        await serve(create_issuer(ISSUER, CALLBACK), host, 0)


@pytest.mark.parametrize(
    ("address", "redirect_uri"),
    [
        (ISSUER, "https://auth.example.com/auth/oauth_callback"),
        (ISSUER, "http://localhost.evil.example/auth/oauth_callback"),
        ("http://issuer.example.com", CALLBACK),
    ],
)
def test_the_issuer_does_not_work_for_a_service_elsewhere(address: str, redirect_uri: str):
    with pytest.raises(ValueError, match="not on this machine"):
        create_issuer(address, redirect_uri)


@pytest.mark.parametrize(("family", "host"), [(AF_INET, "127.0.0.1"), (AF_INET6, "::1")])
def test_a_port_is_taken_whichever_localhost_it_is_taken_on(family: int, host: str):
    with socket(family) as other:
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        other.listen()
        assert not is_free(other.getsockname()[1])
