"""What a login must keep to itself: nothing of it is in logs, in the audit log, or at rest."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from dhq_auth.logs import JsonFormatter
from tests.fakes.faults import answer, html
from tests.fakes.oauth import refusal, s256
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import ABSENT
from tests.fakes.signing import Signature
from tests.fixtures.service import Service
from tests.login.steps import begin, query_of, sent_back

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

VERIFIER = "a-verifier-of-at-least.forty-three-characters-~-0123"


Written = Callable[[], str]


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture) -> Written:
    """A function that returns what every logger has written, down to the most talkative."""
    caplog.set_level(logging.DEBUG)
    formatter = JsonFormatter()

    def text() -> str:
        assert caplog.records
        return "\n".join(formatter.format(record) for record in caplog.records)

    return text


def parts_of(secret: str) -> set[str]:
    """Return *secret*, and the parts of a token that are secret by themselves."""
    return {secret, secret.rpartition(".")[2]}


async def secrets_of_a_login(service: Service, issuer: OidcIssuer) -> set[str]:
    """Log in in both modes and return everything on the way that opens something."""
    secrets = {issuer.client.secret}
    for mode in ({}, {"response_mode": "code", "code_challenge": s256(VERIFIER)}):
        started = query_of(await begin(service, **mode))
        secrets |= {started["nonce"], started["state"]}
        url = await sent_back(service, **mode)
        secrets |= {query_of(url)["code"], query_of(url)["state"]}
        back = await service.browser.go(url)
        secrets |= set(query_of(back.headers["Location"]).values())
    code = query_of(back.headers["Location"])["code"]
    sent = {"code": code, "code_verifier": VERIFIER}
    given = await (await service.browser.post("/auth/exchange", json=sent)).json()
    secrets |= {cookie.value for cookie in service.browser.session.cookie_jar}
    secrets |= {granted.access_token for granted in issuer._tokens.values()}
    await service.check(given["token"])
    await service.browser.get("/auth/check", params={"jwt": given["token"]})
    return {part for secret in {*secrets, given["token"], VERIFIER} for part in parts_of(secret)}


async def test_no_secret_of_a_login_is_logged(service, issuer, written):
    secrets = await secrets_of_a_login(service, issuer)
    assert len(secrets) > 12
    text = written()
    assert [secret for secret in secrets if secret in text] == []


@pytest.mark.slow
async def test_no_secret_of_a_login_is_at_rest(service, issuer, database_url, audited):
    secrets = await secrets_of_a_login(service, issuer)
    file = Path(database_url.removeprefix("sqlite:///"))
    stored = b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
    assert b"ada@example.com" in stored
    assert [secret for secret in secrets if secret.encode() in stored] == []
    assert [
        secret for secret in secrets if secret in json.dumps(await audited(), default=str)
    ] == []


LIES = {
    "cancelled": ("authorization", refusal("access_denied", "told-by-the-provider")),
    "refused": ("authorization", refusal("server_error", "told-by-the-provider")),
    "mixed up": ("authorization", {"iss": "https://told-by-the-provider.example"}),
    "no subject": ("id_token", {"sub": ABSENT}),
    "another nonce": ("id_token", {"nonce": "told-by-the-provider"}),
    "another audience": ("id_token", {"aud": "told-by-the-provider"}),
    "no id token": ("token", {"id_token": "told-by-the-provider"}),
}


@pytest.mark.parametrize("lie", LIES)
async def test_no_secret_of_a_refused_login_is_logged_or_remembered(
    service, issuer, written, audited, lie
):
    where, what = LIES[lie]
    setattr(issuer.lies, where, what)
    url = await sent_back(service)
    refused = await service.browser.go(url)
    assert refused.status in {400, 502}
    told = written() + json.dumps(await audited(), default=str)
    (row,) = await audited()
    assert row["kind"] == "login.refused"
    secrets = {query_of(url)["state"], query_of(url).get("code", "x" * 43), issuer.client.secret}
    secrets |= {cookie.value for cookie in service.browser.session.cookie_jar}
    secrets |= {granted.access_token for granted in issuer._tokens.values()}
    assert [secret for secret in secrets if secret in told] == []
    assert "told-by-the-provider" not in await refused.text()
    assert "told-by-the-provider" not in json.dumps(row, default=str)


@pytest.mark.parametrize("how", [Signature.FOREIGN_KEY, Signature.DAMAGED, Signature.NONE])
async def test_an_id_token_that_was_refused_is_not_logged(service, issuer, written, how):
    issuer.lies.signature = how
    assert (await service.callback("acme")).status == 502
    assert "eyJ" not in written()


@pytest.mark.parametrize("fault", [html, answer(500, b'{"error": "s3cret-of-the-provider"}')])
async def test_what_a_broken_provider_writes_is_not_logged(service, issuer, written, fault):
    issuer.faults["token"] = fault
    assert (await service.callback("acme")).status == 502
    text = written()
    assert "s3cret" not in text
    assert "script" not in text
    assert f"{issuer.url}/token" in text or "token endpoint answered 500" in text


async def test_the_text_of_a_provider_cannot_forge_a_log_line(start, github, written):
    service = await start(
        github,
        GITHUB_KEY=github.client.id,
        GITHUB_SECRET=github.client.secret,
        GITHUB_URL=github.url,
        GITHUB_API_URL=github.api_url,
    )
    github.faults["access_token"] = answer(200, b'{"error": "x\\nERROR forged\\u001b[0m"}')
    assert (await service.callback("github")).status == 502
    assert not any("forged" in line[:30] for line in written().splitlines())
