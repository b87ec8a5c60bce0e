"""What the service tells Prometheus."""

import asyncio

import pytest

from dhq_auth.metrics import Metrics
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fakes.postgres import PostgresServer
from tests.fixtures.service import NEXT, Service, Start, oidc
from tests.monitoring.exposed import Exposed, scrape

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ADA = {"username": "ada", "password": "green rivers and red hills"}
WRONG = {**ADA, "password": "never anybody's password"}


async def registered(service: Service) -> str:
    """Return a login token of ada, who is new."""
    answer = await service.program.post("/auth/register", json=ADA)
    assert answer.status == 201
    answer = await service.program.post("/auth/login", json=ADA)
    token: str = (await answer.json())["token"]
    return token


def told(text: Metrics) -> Exposed:
    return Exposed(text.exposition().decode())


@SQLITE
async def test_logins_are_counted_by_provider_and_outcome(start: Start, issuer: OidcIssuer) -> None:
    service = await start(issuer, **oidc(issuer), LOGIN_ATTEMPTS="2")
    await registered(service)
    await service.log_in("acme")
    assert (await service.callback("acme", error="denied")).status in {302, 400}
    statuses = [(await service.program.post("/auth/login", json=WRONG)).status for _ in range(3)]
    assert statuses == [401, 401, 429]
    seen = await scrape(service.program)
    logins = "dhq_auth_logins_total"
    assert seen.value(logins, provider="password", outcome="succeeded") == 1
    assert seen.value(logins, provider="password", outcome="refused") == 2
    assert seen.value(logins, provider="password", outcome="throttled") == 1
    assert seen.value(logins, provider="acme", outcome="succeeded") >= 1
    assert seen.value("dhq_auth_rate_limit_refusals_total", limit="login_failures") == 1
    hashed = seen.value("dhq_auth_password_hashes_total")
    assert hashed >= 4
    calls = "dhq_auth_outgoing_call_duration_seconds_count"
    assert seen.value(calls, provider="acme", outcome="answered") >= 3


@SQLITE
async def test_requests_are_counted_by_the_template_of_their_route(start: Start) -> None:
    service = await start()
    for name in ("one", "two"):
        await service.program.get(f"/auth/users/{name}")
    await service.program.get("/auth/check/")
    await service.program.get("/static/nothing-of-the-kind.css")
    seen = await scrape(service.program)
    requests = "dhq_auth_http_requests_total"
    assert seen.value(requests, route="/auth/users/{id}", method="GET", status="401") == 2
    assert seen.value(requests, route="/auth/check", status="200") == 1
    assert seen.value(requests, route="/static") == 1
    took = "dhq_auth_http_request_duration_seconds_count"
    assert seen.value(took, route="/auth/users/{id}") == 2
    assert seen.value("dhq_auth_http_requests_in_progress") == 1  # the scrape itself


@SQLITE
async def test_no_caller_can_make_series(start: Start) -> None:
    service = await start()
    await scrape(service.program)  # its own route
    before = await scrape(service.program)
    for number in range(20):
        await service.program.get(f"/made-up/{number}?jwt=secret{number}")
        await service.program.get(f"/auth/login/made-up-{number}")
        await service.program.get("/auth/authorize", params={"service": f"made-up-{number}"})
        await service.program.post("/auth/login", json={**WRONG, "username": f"made-up-{number}"})
        await service.program.request("PUT", f"/made-up/{number}")
    after = await scrape(service.program)
    assert "made-up" not in after.text
    assert "secret" not in after.text
    routes = {sample.labels.get("route") for sample in after.samples}
    routes -= {sample.labels.get("route") for sample in before.samples}
    assert routes <= {"unmatched", "/auth/login/{provider}", "/auth/authorize", "/auth/login"}


@SQLITE
async def test_permission_lookups_are_timed_by_service_and_outcome(start: Start) -> None:
    service = await start(
        ALLOWED_SERVICES="notes:tests.contract.plain_provider;broken:tests.monitoring.broken"
    )
    token = await registered(service)
    for name, status in (("notes", 200), ("broken", 502), ("nothing", 404)):
        asked = {"jwt": token, "service": name}
        assert (await service.program.get("/auth/authorize", params=asked)).status == status
    seen = await scrape(service.program)
    lookups = "dhq_auth_permission_lookup_duration_seconds_count"
    assert seen.value(lookups, service="notes", outcome="answered") == 1
    assert seen.value(lookups, service="broken", outcome="failed") == 1
    assert seen.value(lookups) == 2


@SQLITE
async def test_extensions_that_fail_are_counted(start: Start) -> None:
    service = await start(INSTALLED_EXTENSIONS="tests.monitoring.failing")
    await registered(service)
    seen = await scrape(service.program)
    failures = "dhq_auth_extension_failures_total"
    assert seen.value(failures, extension="tests.monitoring.failing", hook="on_user_login") == 1


async def test_the_pool_and_its_limits_are_shown(service: Service, database_url: str) -> None:
    seen = await scrape(service.program)
    pools = {"all": 5.0} if database_url.startswith("postgresql") else {"read": 5.0, "write": 1.0}
    for name, size in pools.items():
        assert seen.value("dhq_auth_database_connections_max", pool=name) == size
        # A look at the keys may be under way.
        assert seen.value("dhq_auth_database_connections_in_use", pool=name) in {0, 1}
    assert seen.value("dhq_auth_database_connections_max") == sum(pools.values())


@SQLITE
async def test_the_age_of_keys_grows_with_the_clock(service: Service) -> None:
    before = await scrape(service.program)
    service.clock.advance(days=3)
    after = await scrape(service.program)
    for purpose in ("login", "service"):
        age = "dhq_auth_signing_key_age_seconds"
        grown = after.value(age, purpose=purpose) - before.value(age, purpose=purpose)
        assert grown == pytest.approx(3 * 86400, abs=60)


@SQLITE
@pytest.mark.slow
async def test_a_scrape_is_answered_while_the_database_is_away(
    start: Start, postgres: PostgresServer, postgres_template: str
) -> None:
    name = postgres.create(postgres_template)
    service = await start(DATABASE_URL=postgres.url(name), DATABASE_TIMEOUT="1")
    postgres.drop(name)
    assert (await service.program.get("/readyz")).status == 503
    seen = await scrape(service.program)
    assert seen.value("dhq_auth_database_faults_total") >= 1
    assert seen.value("dhq_auth_http_requests_total", route="/readyz", status="503") == 1


@SQLITE
@pytest.mark.parametrize(
    ("allowed", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8;192.0.2.1", 403)]
)
async def test_only_those_of_metrics_from_may_read_them(
    start: Start, allowed: str, status: int
) -> None:
    service = await start(METRICS_FROM=allowed)
    headers = {"X-Forwarded-For": "10.1.2.3"}  # of nobody whom we trust
    answer = await service.program.get("/metrics", headers=headers)
    assert answer.status == status
    assert ("dhq_auth_" in await answer.text()) == (status == 200)


@SQLITE
async def test_behind_a_proxy_it_is_the_client_who_counts(start: Start) -> None:
    service = await start(METRICS_FROM="10.0.0.0/8", TRUSTED_PROXIES="127.0.0.1")
    for client, status in (("10.1.2.3", 200), ("203.0.113.7", 403), ("rubbish", 403)):
        answer = await service.program.get("/metrics", headers={"X-Forwarded-For": client})
        assert answer.status == status


@SQLITE
async def test_many_scrapes_at_once_are_all_answered(service: Service) -> None:
    answers = await asyncio.gather(*(scrape(service.program) for _ in range(20)))
    assert all(seen.value("dhq_auth_build_info") == 1 for seen in answers)


@SQLITE
async def test_what_the_process_takes_is_told_by_the_names_that_dashboards_know(
    service: Service,
) -> None:
    seen = await scrape(service.program)
    for name in ("resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds"):
        assert seen.value(f"process_{name}") > 0
    assert seen.value("process_cpu_seconds_total") > 0


@SQLITE
async def test_a_caller_who_leaves_is_counted_as_gone(start: Start, issuer: OidcIssuer) -> None:
    service = await start(issuer, **oidc(issuer))
    seen = await scrape(service.program)
    assert seen.value("dhq_auth_http_requests_in_progress") == 1
    assert (await service.program.get("/auth/login/acme", params={"next": NEXT})).status == 302
    assert (await scrape(service.program)).value("dhq_auth_http_requests_in_progress") == 1


def test_a_value_that_was_not_declared_is_other_and_takes_no_memory() -> None:
    metrics = Metrics()
    counter = metrics.counter("colours_total", "Colours.", colour=("red", "green"))
    for number in range(100):
        counter.inc(f"made-up-{number}")
    counter.inc("red", by=2)
    assert told(metrics).value("dhq_auth_colours_total", colour="other") == 100
    assert told(metrics).value("dhq_auth_colours_total", colour="red") == 2
    assert len(counter._children) == 3


def test_a_counter_follows_what_somebody_else_counts() -> None:
    metrics = Metrics()
    counter = metrics.counter("things_total", "Things.")
    for total in (3, 3, 7, 2, 8):  # never back, and not twice
        counter.follow(total)
    assert told(metrics).value("dhq_auth_things_total") == 8


def test_closed_sets_are_shown_from_the_start() -> None:
    metrics = Metrics()
    metrics.counter("colours_total", "Colours.", colour=("red", "green"))
    assert "dhq_auth_colours_total" in told(metrics).labels()


@SQLITE
async def test_what_a_request_logs_names_it_and_its_trace(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "dhq_auth.access")
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "X-Request-Id": "of-the-caller"}
    answer = await service.program.get("/auth/check", headers=headers)
    bad = await service.program.get("/auth/check", headers={"traceparent": "rubbish"})
    assert answer.headers["X-Request-Id"] != "of-the-caller"
    first, second = (each for each in caplog.records if each.name == "dhq_auth.access")
    assert (first.request_id, first.trace_id) == (answer.headers["X-Request-Id"], trace)  # type: ignore[attr-defined]
    assert second.request_id == bad.headers["X-Request-Id"]  # type: ignore[attr-defined]
    assert second.trace_id != trace  # type: ignore[attr-defined]
