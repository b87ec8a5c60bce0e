"""A service token says, signed, what a user may do; whoever cannot be asked gives none."""

import jwt as pyjwt
import pytest

from dhq_auth.clock import rfc3339
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service, Start, oidc
from tests.permissions.providers import SINCE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PROVIDERS = "tests.permissions.providers"
KINDS = ("filtering", "stale", "broken", "slow")


@pytest.fixture
async def service(start: Start, issuer: OidcIssuer) -> Service:
    """A service that asks a provider of each kind, and a plain one for `notes`."""
    services = ["notes:tests.contract.plain_provider", *(f"{kind}:{PROVIDERS}" for kind in KINDS)]
    return await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES=";".join(services),
        PERMISSION_TIMEOUT="0.5",
        **{f"PROVIDER_{kind.upper()}_KIND": kind for kind in KINDS},
    )


async def asked(service: Service, token: str, name: str) -> tuple[int, dict[str, object]]:
    answer = await service.new_browser().get(
        "/auth/authorize", params={"service": name}, headers={"Auth-Token": token}
    )
    return answer.status, await answer.json()


async def test_a_service_token_is_for_one_service_and_lives_for_minutes(service: Service) -> None:
    token = await service.log_in("acme")
    (_, notes), (_, other) = [await asked(service, token, name) for name in ("notes", "filtering")]
    key = await (await service.browser.get("/auth/public-key")).text()
    claims = pyjwt.decode(notes["token"], key, algorithms=["RS256"])
    assert claims["service"] == "notes"
    assert claims["iss"] == service.url
    assert claims["sub"] == claims["userid"] == notes["userid"]
    assert claims["jti"] != pyjwt.decode(other["token"], key, algorithms=["RS256"])["jti"]
    assert claims["permissions"] == notes["permissions"]


async def test_a_service_token_is_no_login(service: Service) -> None:
    _, told = await asked(service, await service.log_in("acme"), "notes")
    assert (await service.check(told["token"]))["reason"] == "invalid"


async def test_filters_stand_in_the_token_beside_the_permissions(service: Service) -> None:
    _, told = await asked(service, await service.log_in("acme"), "filtering")
    assert told["permissions"] == {"read": True}
    assert told["filters"] == {"notes": {"sql": f"owner = {told['userid']}"}}
    claims = pyjwt.decode(told["token"], options={"verify_signature": False})
    assert claims["filters"] == told["filters"]


async def test_an_old_answer_says_how_old_it_is(service: Service) -> None:
    status, told = await asked(service, await service.log_in("acme"), "stale")
    assert status == 200
    assert told["stale_since"] == rfc3339(SINCE)


@pytest.mark.slow
async def test_a_service_that_is_not_listed_gets_no_token(
    service: Service, subtests: pytest.Subtests
) -> None:
    for name in [
        *(
            "unknown",
            "os",
            "tests.contract.plain_provider",
            "static",
            "../notes",
            "NOTES",
            "notes ",
        ),
        *("notes/", "providers.http", "__builtins__", "a" * 255, "\u00e9"),
    ]:
        with subtests.test(name=name):
            status, told = await asked(service, await service.log_in("acme"), name)
            assert status == 404
            assert told["code"] == "unknown_service"
            assert told["permissions"] == {}
            assert "token" not in told


@pytest.mark.parametrize(
    ("name", "status"), [("broken", 502), pytest.param("slow", 504, marks=pytest.mark.slow)]
)
async def test_a_provider_that_fails_or_is_too_slow_gives_no_token(
    service: Service, name: str, status: int
) -> None:
    got, told = await asked(service, await service.log_in("acme"), name)
    assert got == status
    assert told.keys() <= {
        *("type", "title", "status", "code", "detail", "request_id", "permissions")
    }
    assert "hunter2" not in str(told)
    assert told["permissions"] == {}


@pytest.mark.parametrize("token", ["", "bad"])
async def test_without_a_good_credential_there_are_no_permissions(
    service: Service, token: str
) -> None:
    for name in ("notes", "unknown", "slow"):
        status, told = await asked(service, token, name)
        assert status == 401
        assert told["permissions"] == {}
        assert "token" not in told


async def test_a_token_that_was_logged_out_authorizes_nothing(service: Service) -> None:
    token = await service.log_in("acme")
    assert (await asked(service, token, "notes"))[0] == 200
    await service.browser.post("/auth/logout")
    assert (await asked(service, token, "notes"))[0] == 401


async def test_the_service_must_be_named(service: Service) -> None:
    token = await service.log_in("acme")
    for path in (
        "/auth/authorize",
        "/auth/authorize?service=",
        "/auth/authorize?service=a&service=b",
    ):
        answer = await service.browser.get(path, headers={"Auth-Token": token})
        assert answer.status == 400
