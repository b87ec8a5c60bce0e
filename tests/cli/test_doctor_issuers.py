"""What the doctor finds out about trusted issuers, before the first of their tokens comes."""

import pytest

from tests.cli.conftest import Cli, Ended
from tests.cli.test_doctor_providers import clock_off_by
from tests.credentials.foreign import key_of, public_pem, published
from tests.fakes import faults
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.server import ABSENT, Fault
from tests.fixtures.service import oidc

CORP = "trusted issuer corp"
SECRET = "a secret that corp and we have in common"


async def look(cli: Cli, **environ: str) -> Ended:
    return await cli.aside("doctor", "--json", TRUSTED_ISSUERS="corp", **environ)


def of(issuer: OidcIssuer, **options: str) -> dict[str, str]:
    values = {"URL": issuer.url, "SUBJECTS": "local", **options}
    return {f"ISSUER_CORP_{option}": value for option, value in values.items()}


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_an_issuer_in_order_has_no_fault(cli: Cli, issuer: OidcIssuer, algorithm: str):
    kinds = ("RS256", "ES256", "EdDSA")
    issuer.lies.jwks = {"keys": [published(key_of(kind), kid=kind) for kind in kinds]}
    ended = await look(cli, **of(issuer, ALGORITHM=algorithm))
    assert ended.code == 0
    keys, clock = ended.found(CORP)
    assert keys.startswith(f"1 keys verify its tokens, by {algorithm}")
    assert "clock agrees" in clock


async def test_an_issuer_of_keys_alone_is_in_order(cli: Cli, issuer: OidcIssuer):
    absent = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
    issuer.lies.discovery = dict.fromkeys(absent, ABSENT)
    ended = await look(cli, **of(issuer))
    assert len(ended.found(CORP, "ok")) == 2


async def test_an_algorithm_that_the_issuer_has_no_key_for_is_a_fault(cli: Cli, issuer: OidcIssuer):
    issuer.lies.jwks = {"keys": [published(key_of("RS256"), alg="RS256")]}
    for algorithm in ("ES256", "EdDSA", "PS256"):
        ended = await look(cli, **of(issuer, ALGORITHM=algorithm))
        assert ended.code == 1
        (text,) = ended.found(CORP, "fault")
        assert text.startswith(f"it publishes no key for {algorithm} → set ISSUER_CORP_ALGORITHM")


@pytest.mark.parametrize(
    "fault",
    [faults.server_error, faults.garbage, faults.html, faults.empty, faults.reset, faults.deep],
)
@pytest.mark.parametrize("endpoint", ["discovery", "jwks"])
async def test_an_issuer_that_fails_is_a_fault_and_no_exception(
    cli: Cli, issuer: OidcIssuer, endpoint: str, fault: Fault
):
    issuer.faults[endpoint] = fault
    ended = await look(cli, **of(issuer))
    assert ended.code == 1
    (text,) = ended.found(CORP, "fault")
    assert "this could not be looked at" not in text


async def test_an_issuer_that_is_down_is_a_fault_with_the_reason(cli: Cli, issuer: OidcIssuer):
    await issuer.stop()
    (text,) = (await look(cli, **of(issuer))).found(CORP, "fault")
    assert "Connect call failed" in text


@pytest.mark.parametrize("named", ["https://evil.example.com", ABSENT, 5])
async def test_another_issuer_than_the_one_meant_is_a_fault(
    cli: Cli, issuer: OidcIssuer, named: object
):
    issuer.lies.discovery = {"issuer": named}
    (text,) = (await look(cli, **of(issuer))).found(CORP, "fault")
    assert "set ISSUER_CORP_URL to exactly that" in text
    assert issuer.asked["jwks"] == 0


async def test_clocks_that_are_too_far_apart_are_warned_of(cli: Cli, issuer: OidcIssuer):
    issuer.faults["jwks"] = clock_off_by(300)
    (text,) = (await look(cli, **of(issuer))).found(CORP, "warning")
    assert "behind" in text


@pytest.mark.parametrize(
    ("key", "algorithm"), [(SECRET, "HS256"), (public_pem(key_of("ES256")), "ES256")]
)
async def test_an_issuer_with_a_key_alone_is_asked_nothing(cli: Cli, key: str, algorithm: str):
    ended = await look(cli, ISSUER_CORP_KEY=key, ISSUER_CORP_SUBJECTS="local")
    (text,) = ended.found(CORP)
    assert text.startswith(f"the key in the settings verifies its tokens, by {algorithm}")
    assert key not in ended.out + ended.err


async def test_links_that_no_login_makes_are_warned_of(cli: Cli, issuer: OidcIssuer):
    unlinked = "so that none of its subjects is linked"
    (text,) = (await look(cli, ISSUER_CORP_KEY=SECRET)).found(CORP, "warning")
    assert unlinked in text
    (text,) = (await look(cli, **of(issuer, SUBJECTS="linked"))).found(CORP, "warning")
    assert unlinked in text
    both = {**oidc(issuer), **of(issuer, SUBJECTS="linked")}
    (text,) = (await look(cli, **both)).found(CORP, "warning")
    assert "by the claim sub, but its tokens are read by user_id → set ISSUER_CORP_CLAIM" in text
    ended = await look(cli, **both, ISSUER_CORP_CLAIM="sub")
    assert not ended.found(CORP, "warning")
    assert "linked by the logins of Acme" in ended.found(CORP, "ok")[0]
