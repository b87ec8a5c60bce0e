"""What each route needs: every one is placed here, and scopes only narrow."""

from typing import Any, Final

import pytest

from dhq_auth.principal import ADMIN, ANYTHING, LOGIN, POLICIES, PROFILE, authorize
from dhq_auth.web import openapi
from tests.fixtures.service import Service, Start
from tests.self_service.people import Person, ask, is_known, registered

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NOBODY: Final = "nobody is asked for"
SERVICE: Final = "notes"
NEEDS: Final = {
    "GET /auth/check": PROFILE,
    "GET /auth/login/{provider}": NOBODY,
    "GET /auth/oauth_callback": NOBODY,
    "POST /auth/exchange": NOBODY,
    "POST /auth/login": NOBODY,
    "POST /auth/register": NOBODY,
    "GET /auth/authorize": authorize(SERVICE),
    "GET /auth/verify": PROFILE,
    "GET /auth/public-key": NOBODY,
    "GET /.well-known/jwks.json": NOBODY,
    "GET /auth/revocations": NOBODY,
    "POST /auth/update": PROFILE,
    "GET /auth/resolve": NOBODY,
    "GET /auth/get_profile": NOBODY,
    "POST /auth/users/me/password": LOGIN,
    "POST /auth/logout": LOGIN,
    "DELETE /auth/logout": LOGIN,
    "GET /auth/sessions": LOGIN,
    "DELETE /auth/sessions": LOGIN,
    "DELETE /auth/sessions/{id}": LOGIN,
    "GET /auth/tokens": LOGIN,
    "POST /auth/tokens": LOGIN,
    "DELETE /auth/tokens": LOGIN,
    "POST /auth/tokens/revoke": LOGIN,
    "DELETE /auth/tokens/{id}": LOGIN,
    "GET /auth/developer-token": LOGIN,
    "POST /auth/developer-token": LOGIN,
    "DELETE /auth/developer-token": LOGIN,
    "GET /auth/token-info": ANYTHING,
    "POST /auth/token-leaked": NOBODY,
    "GET /auth/users/me": PROFILE,
    "PUT /auth/users/me": PROFILE,
    "DELETE /auth/users/me": LOGIN,
    "GET /auth/users": ADMIN,
    "POST /auth/users": ADMIN,
    "GET /auth/users/{id}": ADMIN,
    "PUT /auth/users/{id}": ADMIN,
    "DELETE /auth/users/{id}": ADMIN,
    "GET /auth/policies": POLICIES,
    "POST /auth/policies": POLICIES,
    "GET /auth/policies/{id}": POLICIES,
    "PUT /auth/policies/{id}": POLICIES,
    "DELETE /auth/policies/{id}": POLICIES,
    "POST /auth/policies/evaluate": ANYTHING,
    "POST /auth/setup": NOBODY,
    "GET /auth/status": NOBODY,
    "GET /auth/stats": PROFILE,
    "GET /auth/unauthorized": NOBODY,
    "GET /auth/forbidden": NOBODY,
    "GET /healthz": NOBODY,
    "GET /metrics": NOBODY,
    "GET /readyz": NOBODY,
    "GET /openapi.json": NOBODY,
}
"""Every route with what a credential must be good for: a scope, or a person who has logged in."""
ASKED: Final = {route: need for route, need in NEEDS.items() if need != NOBODY}
SCOPES: Final = ("profile", "admin", "policies", f"authorize:{SERVICE}", "authorize:other")


@pytest.fixture
async def alice(start: Start) -> Person:
    services = f"{SERVICE}:tests.credentials.permissions"
    return await registered(await start(ALLOWED_SERVICES=services))


async def refusal(service: Service, route: str, bearer: str) -> str | None:
    """Return the code by which *bearer* is not let near *route*, None if it is."""
    method, path = route.split()
    path = path.replace("{id}", "0" * 32)
    query = {"service": SERVICE} if path == "/auth/authorize" else {}
    _, said = await ask(service, method, path, bearer=bearer, params=query)
    code = said.get("code") if isinstance(said, dict) else None
    return code if code in {"insufficient_scope", "login_required"} else None


async def test_every_route_is_placed(alice: Person) -> None:
    paths: dict[str, dict[str, Any]] = alice.service.app[openapi.DOCUMENT].content["paths"]
    documented = {
        f"{method.upper()} {path}": bool(each["security"])
        for path, methods in paths.items()
        for method, each in methods.items()
    }
    assert documented == {route: need != NOBODY for route, need in NEEDS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("scope", SCOPES)
async def test_a_token_is_good_for_what_it_was_made_for_alone(alice: Person, scope: str) -> None:
    made = await alice.make_token(scopes=[scope])
    refused = {route: await refusal(alice.service, route, made["token"]) for route in ASKED}
    assert refused == {
        route: "login_required" if need == LOGIN
        else None if need in {scope, ANYTHING}
        else "insufficient_scope"
        for route, need in ASKED.items()
    }  # fmt: skip


@pytest.mark.slow
async def test_without_scopes_it_is_good_for_all_but_what_needs_a_login(alice: Person) -> None:
    made = await alice.make_token()
    for route, need in ASKED.items():
        refused = await refusal(alice.service, route, made["token"])
        assert refused == ("login_required" if need == LOGIN else None), route


async def test_a_scope_widens_nothing(alice: Person) -> None:
    made = await alice.make_token(scopes=["admin"])
    status, said = await ask(alice.service, "GET", "/auth/users", bearer=made["token"])
    assert (status, said["code"]) == (403, "forbidden"), "its owner is no administrator"


async def test_what_is_missing_is_named(alice: Person) -> None:
    made = await alice.make_token(scopes=["authorize:notes"])
    answer = await alice.service.new_browser().get(
        "/auth/users/me", headers={"Auth-Token": made["token"]}
    )
    assert answer.status == 403
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="dhq-auth", error="insufficient_scope", scope="profile"'
    )


async def test_a_login_is_good_for_all_of_it(alice: Person) -> None:
    for route, need in ASKED.items():
        if need == LOGIN and route.startswith("GET"):
            assert await refusal(alice.service, route, alice.token) is None
    assert await is_known(alice.service, alice.token)
