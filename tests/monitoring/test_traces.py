"""Traces, as a collector gets them from the real process."""

import json
import socket
import time

import pytest
from aiohttp import web

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.process import Serve
from tests.fixtures.service import CALLBACK, NEXT, oidc
from tests.monitoring.collector import Collector, told
from tests.monitoring.test_metrics import SQLITE

pytestmark = [SQLITE, pytest.mark.slow]

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
# No part of an id: those are random, and of hexadecimal digits
NORA = {"username": "nora-nobody-knows", "password": "green rivers and red hills"}
WRONG = {**NORA, "password": "never anybody's password"}
ENVIRON = {"LOG_FORMAT": "json", "OTEL_BSP_SCHEDULE_DELAY": "50"}


def records(log: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.splitlines()]


async def test_a_request_is_traced_with_all_that_it_waits_for(
    serve: Serve, issuer: OidcIssuer
) -> None:
    async with Collector() as collector:
        served = serve(**ENVIRON, **oidc(issuer), OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        issuer.client.redirect_uris.add(f"{served.url}{CALLBACK}")
        await served.start()
        browser = served.new_browser()
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        made = await browser.post("/auth/register?jwt=s3cret-query", json=NORA, headers=headers)
        assert made.status == 201
        assert (await browser.post("/auth/login", json=WRONG)).status == 401
        assert (await browser.get("/made-up/path?jwt=s3cret-query")).status == 404
        start = await browser.get("/auth/login/acme", params={"next": NEXT}, headers=headers)
        assert start.status == 302
        assert await served.stop() == 0  # what is left is sent at the end

    (register,) = collector.named("POST /auth/register")
    assert (register.trace_id.hex(), register.parent_span_id.hex()) == (TRACE, PARENT)
    assert told(register)["http.route"] == "/auth/register"
    assert told(register)["http.response.status_code"] == 201
    below = collector.below(register)
    assert {"password hash", "INSERT"} <= below.keys()
    statement = told(below["INSERT"])
    assert statement["db.system.name"] == "sqlite"
    assert "VALUES (?" in str(statement["db.query.text"])
    assert set(collector.named("GET unmatched")[0].parent_span_id) == set()
    (asked, *_) = collector.named("GET")
    assert told(asked)["dhq_auth.provider"] == "acme"
    assert asked.trace_id.hex() == TRACE

    secrets = ("s3cret", *NORA.values(), WRONG["password"], "made-up/path")
    assert [secret for secret in secrets if secret.encode() in collector.raw] == []
    traced = [each for each in records(served.log) if each.get("trace_id") == TRACE]
    assert {each["logger"] for each in traced} >= {"dhq_auth.access"}


@pytest.mark.parametrize(
    ("named", "name"), [({}, "dhq-auth"), ({"OTEL_SERVICE_NAME": "login"}, "login")]
)
async def test_the_collector_is_told_whose_spans_they_are(
    serve: Serve, named: dict[str, str], name: str
) -> None:
    async with Collector() as collector:
        served = serve(**ENVIRON, **named, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        await served.start()
        assert await served.stop() == 0
    assert {told(each)["service.name"] for each in collector.resources} == {name}


async def test_whoever_is_asked_is_told_the_trace(serve: Serve) -> None:
    heard: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(request.headers.get("traceparent"))
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there = f"http://127.0.0.1:{runner.addresses[0][1]}"
    options = {"OIDC_PROVIDERS": "acme", "OIDC_ACME_ISSUER": there, "OIDC_ACME_KEY": "key"}
    async with Collector() as collector:
        served = serve(**ENVIRON, **options, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        await served.start()
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        await served.program.get("/auth/login/acme", params={"next": NEXT}, headers=headers)
        await served.stop()
        (call,) = collector.named("GET")
    await runner.cleanup()
    assert heard == [f"00-{TRACE}-{call.span_id.hex()}-01"]


@pytest.mark.parametrize("collector", ["refuses", "hangs"])
async def test_a_dead_collector_disturbs_nobody(serve: Serve, collector: str) -> None:
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    if collector == "refuses":
        silent.close()
    served = serve(**ENVIRON, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    await served.start()
    for _ in range(30):
        assert (await served.program.get("/auth/check")).status == 200
    began = time.monotonic()
    assert await served.stop() == 0
    assert time.monotonic() - began < 10
    complaints = [each for each in records(served.log) if each["level"] != "info"]
    assert len(complaints) <= 1, complaints
    silent.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_BSP_MAX_QUEUE_SIZE": "-1"},
    ],
    ids=["protocol", "size"],
)
async def test_what_opentelemetry_cannot_use_is_said_and_stops_nobody(
    serve: Serve, wrong: dict[str, str]
) -> None:
    served = serve(**ENVIRON, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", **wrong)
    await served.start()
    assert (await served.program.get("/healthz")).status == 200
    assert await served.stop() == 0
    assert any("no traces" in str(each["message"]) for each in records(served.log))
