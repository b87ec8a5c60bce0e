"""What the doctor finds of addresses: do browsers reach us, and where may a login lead."""

import pytest

from tests.cli.conftest import Cli, Ended
from tests.fakes.faults import html, json_answer, redirect
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import Fault
from tests.fixtures.service import Start

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def look(cli: Cli, **environ: str) -> Ended:
    return cli("doctor", "--json", **environ)


@pytest.mark.slow
@SQLITE
async def test_a_service_that_runs_is_found_and_one_that_does_not_is_only_a_warning(
    start: Start, on_database: Cli
):
    service = await start()
    port = service.url.rpartition(":")[2]
    environ = {"EXTERNAL_ADDRESS": service.url, "PORT": port}
    ended = await on_database.aside("doctor", "--json", **environ)
    assert ended.found("EXTERNAL_ADDRESS", "ok")[-1].startswith(f"{service.url} answers")
    assert not ended.found("EXTERNAL_ADDRESS", "warning")
    await service.stop()
    ended = await on_database.aside("doctor", "--json", **environ)
    assert ended.code == 0
    (text,) = ended.found("EXTERNAL_ADDRESS", "warning")
    assert "does not run here" in text


@SQLITE
async def test_a_service_that_runs_behind_a_proxy_that_does_not_is_told_apart(
    start: Start, on_database: Cli
):
    service = await start()
    port = service.url.rpartition(":")[2]
    environ = {"EXTERNAL_ADDRESS": "https://localhost:1", "PORT": port, "TRUSTED_PROXIES": "::1"}
    ended = await on_database.aside("doctor", "--json", **environ)
    (text,) = ended.found("EXTERNAL_ADDRESS", "warning")
    assert "it runs here" in text


@SQLITE
async def test_a_service_that_takes_itself_for_another_address_is_a_fault(
    start: Start, on_database: Cli
):
    service = await start()
    port = service.url.rpartition(":")[2]
    ended = await on_database.aside(
        "doctor", "--json", EXTERNAL_ADDRESS=f"http://127.0.0.1:{port}", PORT=port
    )
    assert ended.code == 1
    (text,) = ended.found("EXTERNAL_ADDRESS", "fault")
    assert service.url in text


async def test_somebody_else_at_our_address_is_a_fault(cli: Cli, issuer: OidcIssuer):
    issuer.faults["unknown"] = json_answer({"hello": "world"})
    ended = await cli.aside("doctor", "--json", EXTERNAL_ADDRESS=issuer.origin)
    assert ended.code == 1
    (text,) = ended.found("EXTERNAL_ADDRESS", "fault")
    assert "not as dhq-auth does" in text


@SQLITE
@pytest.mark.parametrize("fault", [redirect("https://www.example.com/"), html])
async def test_a_proxy_that_leads_away_from_us_is_a_fault_if_we_run(
    start: Start, on_database: Cli, issuer: OidcIssuer, fault: Fault
):
    issuer.faults["unknown"] = fault
    environ = {"EXTERNAL_ADDRESS": issuer.origin, "TRUSTED_PROXIES": "::1"}
    port = (await start()).url.rpartition(":")[2]
    ended = await on_database.aside("doctor", "--json", PORT=port, **environ)
    assert ended.code == 1
    assert len(ended.found("EXTERNAL_ADDRESS", "fault")) == 1
    ended = await on_database.aside("doctor", "--json", PORT="1", **environ)
    assert ended.code == 0
    assert len(ended.found("EXTERNAL_ADDRESS", "warning")) == 1


@pytest.mark.parametrize(
    ("environ", "subject", "hint"),
    [
        ({"EXTERNAL_ADDRESS": "http://login.invalid"}, "EXTERNAL_ADDRESS", "use https"),
        ({"EXTERNAL_ADDRESS": "https://login.invalid"}, "TRUSTED_PROXIES", "all callers look"),
        ({"PORT": "9000"}, "EXTERNAL_ADDRESS", "EXTERNAL_ADDRESS=http://localhost:9000"),
    ],
)
def test_an_address_that_cannot_be_meant_is_warned_of(
    cli: Cli, environ: dict[str, str], subject: str, hint: str
):
    assert any(hint in text for text in look(cli, **environ).found(subject, "warning"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_proxy_that_must_be_there_but_is_not_named_is_warned_of(cli: Cli, host: str):
    environ = {"EXTERNAL_ADDRESS": "http://login.invalid", "HOST": host}
    (text,) = look(cli, **environ).found("TRUSTED_PROXIES", "warning")
    assert f"HOST={host}" in text
    assert "share the limits on logins" in text
    (text,) = look(cli, **environ, PASSWORD_LOGIN="off").found("TRUSTED_PROXIES", "warning")
    assert "limits" not in text


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"EXTERNAL_ADDRESS": "http://login.invalid", "HOST": "0.0.0.0"},  # noqa: S104 - not opened
        {"EXTERNAL_ADDRESS": "http://login.invalid", "TRUSTED_PROXIES": "127.0.0.1"},
        {"EXTERNAL_ADDRESS": "https://login.invalid", "TRUSTED_PROXIES": "10.0.0.0/8"},
    ],
    ids=["on this machine", "open to all", "named", "named and https"],
)
def test_where_no_proxy_must_be_or_it_is_named_nothing_is_warned_of(
    cli: Cli, environ: dict[str, str]
):
    assert not look(cli, **environ).found("TRUSTED_PROXIES")


# Where logins lead


def test_where_a_login_may_lead_is_said_in_words(cli: Cli):
    ended = look(
        cli,
        EXTERNAL_ADDRESS="https://login.invalid",
        ALLOWED_REDIRECTS="https://app.example.com;https://b.example.com/area;http://localhost:*",
        CODE_ONLY_REDIRECTS="https://app.example.com",
    )
    texts = ended.found("ALLOWED_REDIRECTS", "ok")
    assert texts == [
        "a login may lead to every page of https://app.example.com → None",
        "a login may lead to https://b.example.com/area and what is below it → None",
        "a login may lead to any port of http://localhost, on the same machine → None",
        "every page of https://app.example.com: gets a one-time code, never a token → None",
    ]


def test_without_redirects_a_service_on_the_network_serves_no_application(cli: Cli):
    ended = look(cli, EXTERNAL_ADDRESS="https://login.invalid")
    (text,) = ended.found("ALLOWED_REDIRECTS", "warning")
    assert "ALLOWED_REDIRECTS=https://app.example.com" in text
    (text,) = [each for each in ended.found("ALLOWED_REDIRECTS", "ok") if "0.1.6" in each]
    assert "http://localhost:3000" in text
