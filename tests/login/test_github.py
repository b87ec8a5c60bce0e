"""GitHub as it is documented, and GitHub with odd answers."""

import pytest

from tests.fakes.faults import json_answer
from tests.fakes.github import email
from tests.fakes.oauth import refusal
from tests.fakes.server import ABSENT
from tests.fixtures.service import Service
from tests.login.steps import PAGE, altered, carries_a_token, code_of, query_of, sent_back

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def service(start, github) -> Service:
    return await start(
        github,
        GITHUB_KEY=github.client.id,
        GITHUB_SECRET=github.client.secret,
        GITHUB_URL=github.url,
        GITHUB_API_URL=github.api_url,
    )


async def profile(service):
    token = await service.log_in("github", browser=service.new_browser())
    return (await service.check(token))["profile"]


async def refused(service, status, code):
    answer = await service.browser.go(await sent_back(service, "github"))
    assert (answer.status, await code_of(answer)) == (status, code)
    assert not carries_a_token(answer)


async def test_a_user_of_github_is_known_by_number_and_not_by_login(service, github):
    first = await profile(service)
    assert first["provider_id"] == "github:42"
    assert (first["name"], first["email"]) == ("Ada Lovelace", "ada@example.com")
    assert first["avatar_url"] == github.user["avatar_url"]
    github.user["login"] = "countess"
    assert (await profile(service))["id"] == first["id"]
    github.user |= {"login": "ada", "id": 43}
    github.emails = []
    assert (await profile(service))["id"] != first["id"]


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        ([email("a@x.example"), email("p@x.example", primary=True)], "p@x.example"),
        ([email("p@x.example", primary=True, verified=False)], None),
        ([email("p@x.example", primary=True, verified=False), email("a@x.example")], "a@x.example"),
        ([], None),
        ([email(f"{n}@x.example") for n in range(120)] + [email("p@x.example", primary=True)],
         "p@x.example"),
        ([{"email": "a@x.example", "primary": True, "verified": "true"}], None),
        ([{"email": None, "primary": True, "verified": True}], None),
        ([None, 7, "x", {}, email("a@x.example")], "a@x.example"),
    ],
    ids=["primary", "unverified", "another", "none", "many", "text", "null", "odd"],
)  # fmt: skip
async def test_the_email_is_the_primary_one_if_it_is_verified(service, github, emails, expected):
    github.emails = emails
    assert (await profile(service))["email"] == expected


async def test_pages_of_emails_without_end_are_not_read_for_ever(service, github):
    github.emails = [email(f"{number}@x.example", verified=False) for number in range(1000)]
    assert (await profile(service))["email"] is None
    assert github.asked["emails"] == 5


async def test_the_public_email_of_the_profile_is_not_believed(service, github):
    github.user["email"] = "victim@example.com"
    github.emails = []
    assert (await profile(service))["email"] is None


async def test_a_user_who_allows_no_emails_can_log_in_all_the_same(service, github):
    github.granted = {"read:user"}
    assert (await profile(service))["email"] is None


@pytest.mark.parametrize(
    "number",
    [ABSENT, None, 0, -1, True, False, "42", 4.2, [42], 2**63, 10**300, {}],
    ids=str,
)
async def test_a_user_without_a_proper_number_is_nobody(service, github, number):
    user = {**github.user, "id": number}
    github.faults["user"] = json_answer({k: v for k, v in user.items() if v is not ABSENT})
    await refused(service, 502, "upstream_failed")


async def test_a_user_without_a_name_is_called_by_the_login(service, github):
    github.user["name"] = None
    assert (await profile(service))["name"] == "ada"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ({"error": "bad_verification_code", "error_description": "<b>x"}, 400, "login_failed"),
        ({"error": "incorrect_client_credentials"}, 502, "upstream_failed"),
        ({"error": "redirect_uri_mismatch"}, 502, "upstream_failed"),
        ({"error": ["x"]}, 502, "upstream_failed"),
        ({"error": None, "access_token": "gho_x"}, 502, "upstream_failed"),
        ({"access_token": ""}, 502, "upstream_failed"),
        ({"access_token": "a\r\nb"}, 502, "upstream_failed"),
        ({"access_token": {"x": 1}}, 502, "upstream_failed"),
        ({"access_token": "of nobody"}, 502, "upstream_failed"),
        ({}, 502, "upstream_failed"),
    ],
    ids=str,
)
async def test_an_error_with_status_200_is_an_error(service, github, answer, status, code):
    github.faults["access_token"] = json_answer(answer)
    await refused(service, status, code)


async def test_a_wrong_secret_is_our_fault_and_told_to_no_user(start, github):
    service = await start(
        github,
        GITHUB_KEY=github.client.id,
        GITHUB_SECRET="another-secret",
        GITHUB_URL=github.url,
        GITHUB_API_URL=github.api_url,
    )
    answer = await service.browser.get(await sent_back(service, "github"), headers=PAGE)
    assert answer.status == 502
    assert "client_credentials" not in await answer.text()
    assert "another-secret" not in await answer.text()


async def test_a_user_who_cancels_is_told_so(service, github):
    github.authorization = refusal("access_denied", "The user has denied your application access.")
    answer = await service.browser.get(await sent_back(service, "github"), headers=PAGE)
    assert answer.status == 400
    assert "The login at GitHub was cancelled." in await answer.text()


@pytest.mark.parametrize(("iss", "status"), [("", 302), ("/login/oauth", 302), ("/evil", 400)])
async def test_an_iss_of_github_is_compared_when_it_is_there(service, github, iss, status):
    github.authorization = {"iss": f"{github.url}{iss}"}
    answer = await service.browser.go(await sent_back(service, "github"))
    assert answer.status == status


async def test_a_code_is_of_no_use_to_who_began_no_login(service, github):
    """PKCE: the code of one login does not fit another."""
    stolen = await sent_back(service, "github")
    thief = service.new_browser()
    own = await sent_back(service, "github", browser=thief)
    answer = await thief.go(altered(own, code=query_of(stolen)["code"]))
    assert (answer.status, await code_of(answer)) == (400, "login_failed")
