"""The fake GitHub keeps GitHub's documented behaviour."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import aiohttp
import pytest

from tests.fakes.github import GitHub, email, rate_limited
from tests.fakes.oauth import refusal, s256

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"
JSON = {"Accept": "application/json"}


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def callback(http, github: GitHub, **parameters: str) -> dict[str, str]:
    """Ask for a code; return what the browser is sent back with."""
    query = {
        "client_id": github.client.id,
        "redirect_uri": min(github.client.redirect_uris),
        "scope": "read:user user:email",
        "state": "a state",
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
    }
    url = f"{github.url}/login/oauth/authorize"
    async with http.get(url, params=query | parameters, allow_redirects=False) as answer:
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


async def redeem(http, github: GitHub, code: str, **parameters: str) -> dict[str, str]:
    form = {
        "client_id": github.client.id,
        "client_secret": github.client.secret,
        "code": code,
        "code_verifier": VERIFIER,
    }
    url = f"{github.url}/login/oauth/access_token"
    async with http.post(url, data=form | parameters, headers=JSON) as answer:
        assert answer.status == 200
        return await answer.json()


async def authorization(http, github: GitHub, **parameters: str) -> dict[str, str]:
    """Return the headers of an API call with a fresh token."""
    code = (await callback(http, github, **parameters))["code"]
    token = await redeem(http, github, code)
    return {"Authorization": f"Bearer {token['access_token']}"}


async def test_a_login_tells_who_it_is(http, github):
    headers = await authorization(http, github)
    async with http.get(f"{github.api_url}/user", headers=headers) as answer:
        assert (await answer.json())["id"] == 42
    async with http.get(f"{github.api_url}/user/emails", headers=headers) as answer:
        assert await answer.json() == [email("ada@example.com", primary=True)]
    assert github.asked == {"authorize": 1, "access_token": 1, "user": 1, "emails": 1}


async def test_tokens_are_form_encoded_unless_json_is_asked_for(http, github):
    url = f"{github.url}/login/oauth/access_token"
    async with http.post(url, data={"client_id": "nobody"}) as answer:
        assert answer.content_type == "application/x-www-form-urlencoded"
        assert parse_qs(await answer.text())["error"] == ["incorrect_client_credentials"]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"code": "wrong"}, "bad_verification_code"),
        ({"code_verifier": ""}, "bad_verification_code"),
        ({"code_verifier": VERIFIER[::-1]}, "bad_verification_code"),
        ({"redirect_uri": "http://localhost:8000/other"}, "redirect_uri_mismatch"),
    ],
)
async def test_errors_of_the_token_endpoint_have_status_200(http, github, wrong, error):
    code = (await callback(http, github))["code"]
    assert (await redeem(http, github, **{"code": code} | wrong))["error"] == error


async def test_a_code_is_good_for_one_use_and_ten_minutes(http, github):
    first = (await callback(http, github))["code"]
    assert "access_token" in await redeem(http, github, first)
    assert (await redeem(http, github, first))["error"] == "bad_verification_code"
    second = (await callback(http, github))["code"]
    later = datetime.now(UTC) + timedelta(minutes=10)
    github.now = lambda: later
    assert (await redeem(http, github, second))["error"] == "bad_verification_code"


async def test_a_foreign_redirect_uri_is_answered_at_the_registered_one(http, github):
    answer = await callback(http, github, redirect_uri="http://evil.example/auth/oauth_callback")
    assert answer["error"] == "redirect_uri_mismatch"
    assert answer["state"] == "a state"


async def test_a_user_can_refuse(http, github):
    github.authorization = refusal("access_denied", "The user has denied your application access.")
    assert (await callback(http, github))["error"] == "access_denied"


async def test_an_api_call_without_a_user_agent_is_forbidden(http, github):
    headers = await authorization(http, github)
    bare = aiohttp.ClientSession(skip_auto_headers=["User-Agent"])
    async with bare, bare.get(f"{github.api_url}/user", headers=headers) as answer:
        assert answer.status == 403
        assert answer.content_type == "text/html"


@pytest.mark.parametrize("header", [None, "Bearer gho_wrong", "Basic Z2hv"])
async def test_an_api_call_without_a_good_token_is_unauthenticated(http, github, header):
    headers = {"Authorization": header} if header else {}
    async with http.get(f"{github.api_url}/user", headers=headers) as answer:
        assert answer.status == 401


async def test_emails_are_not_found_without_their_scope(http, github):
    github.granted = {"read:user"}
    headers = await authorization(http, github)
    async with http.get(f"{github.api_url}/user/emails", headers=headers) as answer:
        assert answer.status == 404
        assert (await answer.json())["message"] == "Not Found"


async def test_emails_come_in_pages(http):
    async with GitHub(page_size=2) as github:
        github.emails = [email(f"{number}@example.com") for number in range(5)]
        headers = await authorization(http, github)
        url, seen = f"{github.api_url}/user/emails", []
        while url:
            async with http.get(url, headers=headers) as answer:
                seen += await answer.json()
                url = answer.links.get("next", {}).get("url")
        assert seen == github.emails
        assert github.asked["emails"] == 3


async def test_the_rate_limit_is_a_403_with_its_headers(http, github):
    github.faults["user"] = rate_limited
    headers = await authorization(http, github)
    async with http.get(f"{github.api_url}/user", headers=headers) as answer:
        assert answer.status == 403
        assert answer.headers["X-RateLimit-Remaining"] == "0"
