"""What the doctor finds out about login providers, without a login."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from dhq_auth.clock import utcnow
from tests.cli.conftest import Cli, Ended
from tests.fakes import faults
from tests.fakes.github import GitHub, rate_limited
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import ABSENT, Fault, Handler
from tests.fixtures.service import oidc

ACME = "provider acme"
HUB = "provider github"


async def look(cli: Cli, *options: str, **environ: str) -> Ended:
    return await cli.aside("doctor", "--json", *options, **environ)


def hub(github: GitHub, **environ: str) -> dict[str, str]:
    return {
        "GITHUB_KEY": github.client.id,
        "GITHUB_SECRET": github.client.secret,
        "GITHUB_URL": github.url,
        "GITHUB_API_URL": github.api_url,
        **environ,
    }


async def test_an_issuer_in_order_has_no_fault_and_its_callback_is_shown_verbatim(
    cli: Cli, issuer: OidcIssuer
):
    ended = await look(cli, EXTERNAL_ADDRESS="https://login.invalid", **oidc(issuer))
    assert ended.code == 0
    assert not ended.found(ACME, "warning")
    callback, metadata, keys, client, clock = ended.found(ACME, "ok")
    assert "Acme: https://login.invalid/auth/oauth_callback " in callback
    assert "has all that we need" in metadata
    assert keys.startswith("1 keys")
    assert "accepts our client" in client
    assert "clock agrees" in clock
    text = await cli.aside("doctor", EXTERNAL_ADDRESS="https://login.invalid", **oidc(issuer))
    assert " https://login.invalid/auth/oauth_callback\n" in text.out


async def test_github_in_order_has_no_fault(cli: Cli, github: GitHub):
    ended = await look(cli, **hub(github))
    assert ended.code == 0
    assert len(ended.found(HUB, "ok")) == 4


def test_no_provider_at_all_is_a_warning_that_names_the_switches(cli: Cli):
    (text,) = cli("doctor", "--json").found("login", "warning")
    for name in ("GOOGLE_KEY", "GITHUB_KEY", "OIDC_PROVIDERS"):
        assert name in text


@pytest.mark.parametrize(
    "fault",
    [
        faults.server_error,
        faults.garbage,
        faults.html,
        faults.empty,
        faults.deep,
        faults.long_number,
        faults.reset,
        faults.truncated,
        faults.bomb,
        faults.redirect("https://evil.example.com/"),
        faults.json_answer([]),
        faults.json_answer({"issuer": {"a": []}}),
        faults.json_answer({"error": "not_found"}, 404),
    ],
)
@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
async def test_an_issuer_that_fails_is_a_fault_and_no_exception(
    cli: Cli, issuer: OidcIssuer, endpoint: str, fault: Fault
):
    issuer.faults[endpoint] = fault
    ended = await look(cli, **oidc(issuer))
    assert ended.code == 1
    assert len(ended.found(ACME, "fault")) == 1
    assert not [each for each in ended.found(ACME) if "this could not be looked at" in each]


async def test_an_issuer_that_is_down_is_a_fault_with_the_reason(cli: Cli, issuer: OidcIssuer):
    await issuer.stop()
    (text,) = (await look(cli, **oidc(issuer))).found(ACME, "fault")
    assert "Connect call failed" in text


@pytest.mark.slow
async def test_an_issuer_that_hangs_costs_its_deadline_alone(
    cli: Cli, issuer: OidcIssuer, other_issuer: OidcIssuer
):
    issuer.faults["discovery"] = faults.hang
    environ = oidc(issuer) | oidc(other_issuer, "corp") | {"OIDC_PROVIDERS": "acme;corp"}
    ended = await look(cli, REMOTE_TIMEOUT="0.3", **environ)
    assert ended.code == 1
    assert "in time" in ended.found(ACME, "fault")[0]
    assert not ended.found("provider corp", "fault")


@pytest.mark.slow
async def test_the_deadline_of_all_ends_what_hangs_and_keeps_what_was_found(
    cli: Cli, issuer: OidcIssuer
):
    issuer.faults["jwks"] = faults.hang
    ended = await look(
        cli, "--timeout", "1", REMOTE_TIMEOUT="60", REMOTE_READ_TIMEOUT="60", **oidc(issuer)
    )
    (text,) = ended.found(ACME, "fault")
    assert "in 1 s" in text
    assert len(ended.found(ACME, "ok")) == 2


@pytest.mark.parametrize("named", ["https://evil.example.com", ABSENT, 5])
async def test_another_issuer_than_the_one_meant_is_a_fault(
    cli: Cli, issuer: OidcIssuer, named: object
):
    issuer.lies.discovery = {"issuer": named}
    (text,) = (await look(cli, **oidc(issuer))).found(ACME, "fault")
    assert "OIDC_ACME_ISSUER" in text
    assert issuer.asked["token"] == 0


async def test_a_slash_too_many_is_explained(cli: Cli, issuer: OidcIssuer):
    environ = oidc(issuer) | {"OIDC_ACME_ISSUER": f"{issuer.url}/"}
    (text,) = (await look(cli, **environ)).found(ACME, "fault")
    assert f"it names the issuer {issuer.url}, not {issuer.url}/" in text
    assert "a last slash included" in text


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"token_endpoint": ABSENT}, "no usable token_endpoint"),
        ({"jwks_uri": "ftp://x"}, "no usable jwks_uri"),
        ({"authorization_endpoint": "https://elsewhere.example.com/"}, "authorization_endpoint"),
        ({"response_types_supported": ["token"]}, "authorization code flow"),
        ({"grant_types_supported": ["implicit"]}, "authorization code flow"),
        ({"code_challenge_methods_supported": ["plain"]}, "S256"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "in no way that we verify"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client secrets"),
    ],
)
async def test_what_we_need_and_the_issuer_lacks_is_a_fault(
    cli: Cli, issuer: OidcIssuer, lie: dict[str, object], said: str
):
    issuer.lies.discovery = lie
    (text,) = (await look(cli, **oidc(issuer))).found(ACME, "fault")
    assert said in text
    assert issuer.asked["token"] == 0


async def test_an_issuer_that_is_silent_about_pkce_is_only_warned_of(cli: Cli, issuer: OidcIssuer):
    issuer.lies.discovery = {"code_challenge_methods_supported": ABSENT}
    ended = await look(cli, **oidc(issuer))
    assert ended.code == 0
    (text,) = ended.found(ACME, "warning")
    assert "PKCE" in text


async def test_keys_that_cannot_be_used_are_a_fault(cli: Cli, issuer: OidcIssuer):
    issuer.lies.jwks = {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}
    (text,) = (await look(cli, **oidc(issuer))).found(ACME, "fault")
    assert "keys" in text


# Our client


async def test_a_wrong_secret_is_a_fault_before_the_first_login(cli: Cli, issuer: OidcIssuer):
    ended = await look(cli, **oidc(issuer, SECRET="of-another-client"))
    (text,) = ended.found(ACME, "fault")
    assert "invalid_client" in text
    assert "OIDC_ACME_SECRET" in text
    assert "of-another-client" not in ended.out + ended.err


@pytest.mark.parametrize("variable", ["GITHUB_KEY", "GITHUB_SECRET"])
async def test_a_wrong_client_of_github_is_a_fault(cli: Cli, github: GitHub, variable: str):
    ended = await look(cli, **hub(github, **{variable: "of-another-client"}))
    assert ended.code == 1
    (text,) = ended.found(HUB, "fault")
    assert "check GITHUB_KEY and GITHUB_SECRET" in text


@pytest.mark.parametrize(
    "fault", [faults.server_error, faults.html, faults.json_answer({"error": "\x1b[2J"}, 400)]
)
async def test_a_token_endpoint_that_answers_oddly_proves_nothing(
    cli: Cli, issuer: OidcIssuer, fault: Fault
):
    issuer.faults["token"] = fault
    ended = await look(cli, **oidc(issuer))
    assert ended.code == 0
    (text,) = ended.found(ACME, "warning")
    assert "could not be told" in text
    assert "\x1b" not in (await cli.aside("doctor", **oidc(issuer))).out


async def test_a_github_api_that_is_something_else_is_a_fault(cli: Cli, github: GitHub):
    ended = await look(cli, **hub(github, GITHUB_API_URL=f"{github.url}/nothing"))
    assert ended.code == 1


async def test_a_github_whose_limit_is_reached_is_there_all_the_same(cli: Cli, github: GitHub):
    github.faults["user"] = rate_limited
    assert (await look(cli, **hub(github))).code == 0


# Clocks


def clock_off_by(seconds: float, age: int = 0) -> Fault:
    """Answer truthfully, but for the time of day; *age* is how long it lay in a cache."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        there = utcnow() + timedelta(seconds=seconds)
        response.headers["Date"] = format_datetime(there, usegmt=True)
        response.headers["Age"] = str(age)
        return response

    return fault


@pytest.mark.parametrize(
    ("seconds", "age", "said"),
    [
        (300, 0, "behind"),
        (-300, 0, "ahead of"),
        (-300, 299, None),
        (10, 0, None),
        (-10, 0, None),
    ],
)
async def test_clocks_that_are_too_far_apart_are_warned_of(
    cli: Cli, issuer: OidcIssuer, seconds: float, age: int, said: str | None
):
    issuer.faults["token"] = clock_off_by(seconds, age)
    ended = await look(cli, **oidc(issuer))
    assert ended.code == 0
    texts = ended.found(ACME, "warning")
    assert len(texts) == (said is not None)
    assert not said or said in texts[0]


@pytest.mark.parametrize("date", ["tomorrow", "", "Mon, 99 Foo 9999 99:99:99 GMT"])
async def test_a_date_that_is_none_is_no_exception(cli: Cli, issuer: OidcIssuer, date: str):
    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["Date"] = date
        return response

    issuer.faults["token"] = fault
    ended = await look(cli, **oidc(issuer))
    assert ended.code == 0
    assert not ended.found(ACME, "fault")
