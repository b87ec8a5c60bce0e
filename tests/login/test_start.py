"""The first hop: from our login address to the provider's."""

import pytest

from dhq_auth.login import store
from tests.fakes.faults import server_error
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import NEXT, oidc
from tests.login.steps import PAGE, Links, begin, code_of, query_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_a_provider_is_asked_for_a_code_with_state_nonce_and_pkce(service, issuer):
    location = await begin(service)
    assert location.startswith(f"{issuer.url}/authorize?")
    asked = query_of(location)
    secrets = {asked.pop(name) for name in ("state", "nonce", "code_challenge")}
    assert {len(secret) for secret in secrets} == {43}
    assert len(secrets) == 3
    assert asked == {
        "response_type": "code",
        "client_id": issuer.client.id,
        "redirect_uri": f"{service.url}/auth/oauth_callback",
        "scope": "openid email profile",
        "code_challenge_method": "S256",
    }


async def test_no_two_logins_share_a_secret(service):
    first, second = query_of(await begin(service)), query_of(await begin(service))
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


async def test_the_login_is_bound_to_the_browser_by_a_cookie_that_no_script_reads(service):
    answer = await service.browser.get("/auth/login/acme")
    cookie = answer.cookies["dhq_auth_login"]
    assert cookie["httponly"]
    assert (cookie["samesite"], cookie["path"], cookie["domain"]) == ("Lax", "/", "")
    assert cookie["max-age"] == "600"
    assert cookie.value not in answer.headers["Location"]


async def test_on_https_the_cookie_is_secure_and_of_this_host_alone(start, issuer):
    service = await start(EXTERNAL_ADDRESS="https://login.example.com", **oidc(issuer))
    answer = await service.browser.get("/auth/login/acme")
    cookie = answer.cookies["__Host-login"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["domain"]) == ("/", "")


@pytest.mark.parametrize("hint", ["ada@example.com", "ada+tag&x=1 #é\n%00"])
async def test_a_login_hint_reaches_the_provider_as_one_parameter(service, hint):
    assert query_of(await begin(service, login_hint=hint))["login_hint"] == hint


async def test_github_calls_the_hint_login(start, github):
    service = await start(
        github,
        GITHUB_KEY=github.client.id,
        GITHUB_SECRET=github.client.secret,
        GITHUB_URL=github.url,
        GITHUB_API_URL=github.api_url,
    )
    asked = query_of(await begin(service, "github", login_hint="ada"))
    assert asked["login"] == "ada"
    assert "login_hint" not in asked
    assert asked["code_challenge_method"] == "S256"


async def test_a_login_hint_has_a_bound(service):
    answer = await service.browser.get("/auth/login/acme", params={"login_hint": "x" * 321})
    assert (answer.status, await code_of(answer)) == (400, "invalid_request")


@pytest.mark.parametrize("own", ["?tenant=a%20b&flag", '?tenant=a b{}|"<>%zz', "?"])
async def test_an_authorization_endpoint_keeps_its_own_query(service, issuer, own):
    own = own.replace(" ", "%20").replace('"', "%22")
    issuer.lies.discovery = {"authorization_endpoint": f"{issuer.url}/authorize{own}"}
    asked = query_of(await begin(service))
    assert asked["client_id"] == issuer.client.id
    assert asked.get("tenant", "a b")[:3] == "a b"
    assert ("flag" in asked) is ("flag" in own)


@pytest.mark.parametrize("path", ["/auth/login/acme", "/auth/login/acme/", "/auth/oauth_callback"])
async def test_a_hop_of_the_login_cannot_be_asked_for_by_head(service, path):
    answer = await service.browser.request("HEAD", path)
    assert answer.status == 405
    assert "Location" not in answer.headers
    assert not answer.cookies


@pytest.mark.parametrize("name", ["nobody", "ACME", "acme%2e", "..%2facme", "password", "x" * 300])
async def test_an_unknown_provider_is_not_found(service, name):
    answer = await service.browser.go(f"/auth/login/{name}")
    assert answer.status == 404


@pytest.mark.parametrize(
    "target", ["https://evil.example.com", "//evil.example.com", "javascript:alert(1)", "/profile"]
)
@pytest.mark.parametrize("path", ["/auth/login/acme", "/auth/check", "/login"])
async def test_a_next_that_may_get_no_token_is_refused_before_the_login(
    service, issuer, path, target
):
    answer = await service.browser.get(path, params={"next": target})
    assert (answer.status, await code_of(answer)) == (400, "redirect_not_allowed")
    assert "Location" not in answer.headers
    assert not issuer.asked


async def test_check_offers_the_providers_with_next_and_says_nothing_else_of_them(service, issuer):
    target = "http://localhost:3000/a?b=1&b=2#c"
    answer = await service.browser.get("/auth/check", params={"next": target})
    text = await answer.text()
    offered = (await answer.json())["providers"]
    assert list(offered) == ["acme", "password"]
    url = offered["acme"]["url"]
    assert url.startswith(f"{service.url}/auth/login/acme?")
    assert query_of(url) == {"next": target}
    assert not issuer.asked
    for secret in (issuer.client.id, issuer.client.secret, issuer.url):
        assert secret not in text


async def test_check_says_that_nobody_is_there(service):
    known = await (await service.browser.get("/auth/check")).json()
    assert known == {
        "authenticated": False,
        "reason": "missing",
        "providers": {
            "acme": {"url": f"{service.url}/auth/login/acme"},
            "password": {"url": f"{service.url}/login"},
        },
    }


async def test_too_many_starts_from_one_address_are_told_when_to_come_back(start, issuer, clock):
    service = await start(issuer, LOGIN_STARTS="3", **oidc(issuer))
    for _ in range(3):
        await begin(service)
    clock.advance(seconds=20)
    answer = await service.browser.get("/auth/login/acme")
    assert (answer.status, await code_of(answer)) == (429, "too_many_requests")
    assert answer.headers["Retry-After"] == "40"
    clock.advance(seconds=40)
    await begin(service)


async def test_the_logins_under_way_are_bounded_and_those_known_go_on(start, issuer):
    service = await start(issuer, LOGIN_ATTEMPTS_PENDING="10", LOGIN_STARTS="100", **oidc(issuer))
    waiting = [await begin(service) for _ in range(10)]
    answer = await service.browser.get("/auth/login/acme")
    assert (answer.status, await code_of(answer)) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    there = await service.browser.go(waiting[0])
    assert (await service.browser.go(there.headers["Location"])).status == 302
    await begin(service)


async def test_a_dead_provider_leaves_no_logins_under_way(service, issuer, database):
    issuer.faults["discovery"] = server_error
    answer = await service.browser.get("/auth/login/acme", params={"next": NEXT})
    assert (answer.status, await code_of(answer)) == (502, "upstream_failed")
    async with database.read() as db:
        assert await store.count_attempts(db) == 0


async def test_who_cannot_begin_gets_a_page_with_a_way_back_that_keeps_next(service, issuer):
    issuer.faults["discovery"] = server_error
    answer = await service.browser.get("/auth/login/acme", params={"next": NEXT}, headers=PAGE)
    assert answer.status == 502
    [back] = Links(await answer.text()).found
    assert back.startswith(f"{service.url}/login?")
    assert query_of(back) == {"next": NEXT}
    shown = await service.browser.go(back)
    assert f"{service.url}/auth/login/acme?next=http%3A%2F%2Flocalhost%3A3000" in await shown.text()


async def test_a_service_starts_while_its_provider_is_dead_and_logs_in_once_it_lives(start, issuer):
    await issuer.stop()
    service = await start(issuer, **oidc(issuer))
    assert (await service.browser.get("/auth/login/acme")).status == 502
    await issuer.start()
    assert await service.log_in("acme")


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://accounts.example.com"},
        {"issuer": None},
        {"authorization_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://issuer.example.com/authorize"},
        {"authorization_endpoint": "http://user@issuer.example.com/authorize"},
        {"authorization_endpoint": "http://issuer.example.com/authorize#fragment"},
        {"authorization_endpoint": "http://issuer.example.com/\r\nSet-Cookie: a=b"},
        {"authorization_endpoint": "http://issuer.example.com/\u00e9"},
        {"authorization_endpoint": ["http://issuer.example.com/authorize"]},
        {"token_endpoint": "file:///etc/passwd"},
        {"token_endpoint": ""},
        {"jwks_uri": 7},
        {"jwks_uri": {}},
        {"userinfo_endpoint": "ftp://issuer.example.com/userinfo"},
    ],
    ids=str,
)
async def test_metadata_of_another_issuer_or_with_odd_endpoints_is_refused(service, issuer, lie):
    issuer.lies.discovery = lie
    answer = await service.browser.get("/auth/login/acme")
    assert (answer.status, await code_of(answer)) == (502, "upstream_failed")
    assert "Location" not in answer.headers


@pytest.mark.parametrize("slash", ["", "/"])
async def test_an_issuer_may_have_a_path_and_a_last_slash(start, slash):
    async with OidcIssuer(path="/realms/acme") as issuer:
        issuer.lies.discovery = {"issuer": issuer.url + slash}
        issuer.lies.authorization = {"iss": issuer.url + slash}
        issuer.lies.id_token = {"iss": issuer.url + slash}
        service = await start(issuer, **oidc(issuer, ISSUER=issuer.url + slash))
        assert await service.log_in("acme")


async def test_a_login_page_without_providers_says_what_to_turn_on(start):
    service = await start(PASSWORD_LOGIN="off")
    page = await (await service.browser.get("/login")).text()
    assert "OIDC_PROVIDERS" in page
