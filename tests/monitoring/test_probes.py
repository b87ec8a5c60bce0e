"""Alive, ready, and what the API looks like."""

import asyncio
import re

import pytest

from tests.fakes.postgres import PostgresServer
from tests.fixtures.service import Start


async def test_alive_and_ready(start: Start) -> None:
    service = await start()
    for path in ("/healthz", "/readyz"):
        answer = await service.browser.get(path)
        assert (answer.status, await answer.json()) == (200, {"status": "OK"})
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_alive_but_not_ready_where_the_database_is_gone(
    start: Start, postgres: PostgresServer, postgres_template: str
) -> None:
    name = postgres.create(postgres_template)
    service = await start(DATABASE_URL=postgres.url(name), DATABASE_TIMEOUT="1")
    postgres.drop(name)
    alive = await service.browser.get("/healthz")
    assert alive.status == 200
    ready = await service.browser.get("/readyz")
    assert ready.status == 503
    assert int(ready.headers["Retry-After"]) > 0
    told = await ready.json()
    assert told["code"] == "unavailable"
    assert "postgres" not in str(told).lower()


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_many_who_ask_whether_it_is_ready_keep_nobody_from_the_database(start: Start) -> None:
    service = await start(DATABASE_POOL="1")
    answers = await asyncio.gather(*(service.browser.get("/readyz") for _ in range(100)))
    assert {answer.status for answer in answers} == {200}
    metrics = await (await service.browser.get("/metrics")).text()
    waits = re.findall(r"^dhq_auth_database_pool_waits_total\S* (\S+)", metrics, re.MULTILINE)
    assert waits
    assert sum(map(float, waits)) <= 2  # what goes on in the background


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_document_describes_every_route_that_is_no_page(start: Start) -> None:
    service = await start()
    answer = await service.browser.get("/openapi.json")
    document = await answer.json()
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": service.url}]
    described = {
        (path, method.upper()) for path, item in document["paths"].items() for method in item
    }
    served = {
        (route.resource.canonical.rstrip("/"), route.method)
        for route in service.app.router.routes()
        if route.resource is not None and route.method not in ("HEAD", "*")
    }
    api = {route for route in served if route[0].startswith(("/auth/", "/.well-known/"))}
    probes = {(path, "GET") for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")}
    assert described == api | probes


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_document_names_the_cookie_that_the_service_uses(start: Start) -> None:
    service = await start(SESSION_NAME="sid")
    document = await (await service.browser.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["session"]["name"] == "sid"
