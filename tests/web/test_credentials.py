"""Which of several credentials counts; a bad explicit one is never rescued by another."""

import pytest
from multidict import CIMultiDict

from tests.fixtures.service import Service

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BAD = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"


async def told(service: Service, *, cookie: bool = False, **request: object) -> dict[str, object]:
    browser = service.browser if cookie else service.new_browser()
    answer = await browser.get("/auth/check", **request)
    assert answer.status == 200
    return await answer.json()


async def test_authorization_comes_before_auth_token_before_jwt_before_the_cookie(
    service: Service,
) -> None:
    good = await service.log_in("acme")  # and a cookie
    ladder = [
        {"headers": {"Authorization": f"Bearer {good}", "Auth-Token": BAD}, "params": {"jwt": BAD}},
        {"headers": {"Auth-Token": good}, "params": {"jwt": BAD}},
        {"params": {"jwt": good}},
        {},
    ]
    for step in ladder:
        assert (await told(service, cookie=True, **step))["authenticated"], step


@pytest.mark.slow
async def test_a_bad_authorization_is_rescued_by_nothing(
    service: Service, subtests: pytest.Subtests
) -> None:
    for authorization in [
        *(f"Bearer {BAD}", "Bearer", "Bearer ", "", "Bearer a b", "Token x", "Negotiate", "\t"),
        *("Basic", "Basic YWRhOmFkYQ==", "Bearer null", "Bearer undefined", "bearer6879-x"),
    ]:
        with subtests.test(authorization=authorization):
            good = await service.log_in("acme")
            headers = {"Authorization": authorization, "Auth-Token": good}
            answer = await told(service, cookie=True, headers=headers, params={"jwt": good})
            assert not answer["authenticated"]
            assert answer["reason"] == "invalid"


async def test_a_bad_auth_token_or_jwt_is_not_rescued_by_the_cookie(service: Service) -> None:
    good = await service.log_in("acme")
    bad_header = {"headers": {"Auth-Token": BAD}, "params": {"jwt": good}}
    for step in (bad_header, {"params": {"jwt": BAD}}):
        assert not (await told(service, cookie=True, **step))["authenticated"]


async def test_the_scheme_is_read_in_any_case(service: Service) -> None:
    good = await service.log_in("acme")
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {good}"}
        assert (await told(service, headers=headers))["authenticated"]


async def test_an_empty_auth_token_and_an_empty_jwt_are_none(service: Service) -> None:
    await service.log_in("acme")
    empty = {"headers": {"Auth-Token": ""}, "params": {"jwt": ""}}
    assert (await told(service, **empty))["reason"] == "missing"
    assert (await told(service, cookie=True, **empty))["authenticated"]


@pytest.mark.parametrize("name", ["Authorization", "Auth-Token"])
async def test_a_header_that_stands_there_twice_is_bad(service: Service, name: str) -> None:
    good = await service.log_in("acme")
    value = f"Bearer {good}" if name == "Authorization" else good
    headers = CIMultiDict([(name, value), (name, value)])
    assert not (await told(service, headers=headers))["authenticated"]


async def test_a_parameter_that_stands_there_twice_is_refused(service: Service) -> None:
    good = await service.log_in("acme")
    answer = await service.browser.get("/auth/check", params=[("jwt", good), ("jwt", good)])
    assert answer.status == 400


@pytest.mark.slow
async def test_nobody_is_believed_for_the_name_in_a_header(
    service: Service, subtests: pytest.Subtests
) -> None:
    for header in [
        *("X-Forwarded-User", "X-Remote-User", "Remote-User", "X-Auth-User", "X-Auth-Username"),
        *("X-Forwarded-Email", "X_Forwarded_User", "X-Auth-Request-User", "X-User-Id"),
    ]:
        with subtests.test(header=header):
            profile = (await service.check(await service.log_in("acme")))["profile"]
            headers = {header: profile["id"]}
            assert (await told(service, headers=headers))["reason"] == "missing"
