"""Every bound, driven past: what is answered beyond it, and that others are served all the same."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from dhq_auth.settings import Limits
from dhq_auth.settings.environment import variables_of
from tests.fakes import faults
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import NEXT, Service, Start, oidc
from tests.self_service.people import GOOD, ask, registered
from tests.serving.wire import Answer, Wire, get, post

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DOCUMENTED: Final = dict(
    re.findall(
        r"^\| `([A-Z_]+)` \| ([^|]+) \|",
        (Path(__file__).parents[1] / "docs" / "operations.md").read_text(),
        re.MULTILINE,
    )
)
"""The settings in the table of bounds, with their defaults."""
ELSEWHERE: Final = "127.0.0.2"
"""The address of somebody else, whom no bound of ours holds."""
UNFINISHED: Final = post("/auth/login", b"", "Content-Type: application/json").replace(
    b"Length: 0", b"Length: 9"
)


@dataclass
class Stage:
    """A running service, with what is needed to drive it past a bound."""

    service: Service
    issuer: OidcIssuer
    database: str
    wires: list[Wire] = field(default_factory=list)

    async def wire(self) -> Wire:
        wire = await Wire.open(int(self.service.url.rpartition(":")[2]))
        self.wires.append(wire)
        return wire

    async def begin_login(self) -> tuple[int, str | None]:
        return await self.status("GET", f"/auth/login/acme?next={NEXT}")

    async def status(self, method: str, path: str, **request: object) -> tuple[int, str | None]:
        answer = await self.service.program.request(method, path, **request)  # type: ignore[arg-type]
        return answer.status, answer.headers.get("Retry-After")


Beyond = tuple[int, str | None]
Drive = Callable[[Stage], Awaitable[Beyond]]


def seen(answer: Answer) -> Beyond:
    return answer.status, answer.headers.get("Retry-After")


async def slow_head(stage: Stage) -> Beyond:
    wire = await stage.wire()
    wire.send(b"GET / HTTP/1.1\r\nHost:")
    return seen(await wire.answer())


async def slow_body(stage: Stage) -> Beyond:
    wire = await stage.wire()
    wire.send(UNFINISHED)
    return seen(await wire.answer())


async def many_connections(stage: Stage) -> Beyond:
    for _ in range(10):
        busy = await stage.wire()
        busy.send(UNFINISHED.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert (await busy.answer()).status == 100
    one_more = await stage.wire()
    one_more.send(get("/healthz"))
    answer = await one_more.answer()
    for wire in stage.wires:
        await wire.close()
    return seen(answer)


async def long_address(stage: Stage) -> Beyond:
    return seen(await (await stage.wire()).ask(get(f"/auth/check?x={'x' * 1100}")))


async def large_header(stage: Stage) -> Beyond:
    return seen(await (await stage.wire()).ask(get("/auth/check", f"X-Big: {'x' * 1100}")))


async def large_body(stage: Stage) -> Beyond:
    return await stage.status("POST", "/auth/login", json={"username": "x" * 1100})


async def deep_json(stage: Stage) -> Beyond:
    return await stage.status("POST", "/auth/login", json={"username": [[]]})


async def long_token(stage: Stage) -> Beyond:
    headers = {"Authorization": f"Bearer ey{'x' * 1100}.e30.x"}
    return await stage.status("GET", "/auth/token-info", headers=headers)


async def locked_database(stage: Stage) -> Beyond:
    with closing(sqlite3.connect(stage.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        return await stage.begin_login()


async def hanging_provider(stage: Stage) -> Beyond:
    stage.issuer.faults["discovery"] = faults.hang
    return await stage.begin_login()


async def large_answer(stage: Stage) -> Beyond:
    stage.issuer.faults["discovery"] = faults.endless
    return await stage.begin_login()


async def crowded_provider(stage: Stage) -> Beyond:
    """Each callback asks the provider once: one is answered by it, four wait, and then it is full."""
    back = []
    for _ in range(6):
        browser = stage.service.new_browser()
        start = await browser.get("/auth/login/acme", params={"next": NEXT})
        there = await browser.go(start.headers["Location"])
        back.append((browser, there.headers["Location"]))
    stage.issuer.faults["token"] = gate = faults.Gate()
    calls = [asyncio.create_task(browser.go(url)) for browser, url in back]
    done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    gate.opened.set()
    assert [(await call).status for call in waiting] == [302] * 5
    (refused,) = done
    return refused.result().status, refused.result().headers.get("Retry-After")


async def hanging_permissions(stage: Stage) -> Beyond:
    person = await registered(stage.service)
    headers = {"Auth-Token": person.token}
    return await stage.status(
        "GET", "/auth/authorize?service=tests.providers_that_hang", headers=headers
    )


async def crowded_permissions(stage: Stage) -> Beyond:
    person = await registered(stage.service)
    asked = {"path": "/auth/authorize?service=tests.providers_that_hang"}
    calls = [
        asyncio.create_task(stage.status("GET", **asked, headers={"Auth-Token": person.token}))
        for _ in range(6)
    ]
    outcomes = await asyncio.gather(*calls)
    return next(outcome for outcome in outcomes if outcome[0] != 504)


async def many_starts(stage: Stage) -> Beyond:
    assert (await stage.begin_login())[0] == 302
    return await stage.begin_login()


async def many_under_way(stage: Stage) -> Beyond:
    for _ in range(10):
        assert (await stage.begin_login())[0] == 302
    return await stage.begin_login()


async def wrong_password(stage: Stage) -> Beyond:
    sent = {"username": "ada", "password": "a wrong one that is long enough"}
    assert (await stage.status("POST", "/auth/login", json=sent))[0] == 401
    return await stage.status("POST", "/auth/login", json=sent)


async def many_hashes(stage: Stage) -> Beyond:
    calls = (
        stage.status("POST", "/auth/register", json={"username": f"user{n}", "password": GOOD})
        for n in range(40)
    )
    outcomes = await asyncio.gather(*calls)
    assert (201, None) in outcomes
    return max(outcomes)


async def many_tokens(stage: Stage) -> Beyond:
    person = await registered(stage.service)
    await person.make_token()
    headers = {"Authorization": f"Bearer {person.token}"}
    return await stage.status("POST", "/auth/tokens", json={}, headers=headers)


async def many_sessions(stage: Stage) -> Beyond:
    person = await registered(stage.service)
    await person.again()
    known = await ask(stage.service, "GET", "/auth/token-info", bearer=person.token)
    return known[0], None


async def many_reports(stage: Stage) -> Beyond:
    await stage.status("POST", "/auth/token-leaked", json={"token": "x"})
    return await stage.status("POST", "/auth/token-leaked", json={"token": "x"})


async def many_questions(stage: Stage) -> Beyond:
    question = {"table": "notes", "action": "read"}
    assert (await stage.status("POST", "/auth/policies/evaluate", json=question))[0] == 200
    return await stage.status("POST", "/auth/policies/evaluate", json=question)


@dataclass(frozen=True)
class Bound:
    """A setting, made small; how one gets past it; what is answered then."""

    setting: str
    value: str
    drive: Drive
    status: int
    more: dict[str, str] = field(default_factory=dict)

    @property
    def comes_again(self) -> bool:
        """Whether the answer says when to."""
        return self.status in {429, 503}


HANGS: Final = {"ALLOWED_SERVICES": "tests.providers_that_hang"}
BOUNDS: Final = (
    Bound("HEADER_TIMEOUT", "0.2", slow_head, 408),
    Bound("BODY_TIMEOUT", "0.2", slow_body, 408),
    Bound("MAX_CONNECTIONS", "10", many_connections, 503),
    Bound("MAX_URL", "1k", long_address, 414),
    Bound("MAX_HEADER", "1k", large_header, 431),
    Bound("MAX_BODY", "1k", large_body, 413),
    Bound("MAX_JSON_DEPTH", "2", deep_json, 400),
    Bound("MAX_TOKEN", "1k", long_token, 401),
    Bound("DATABASE_TIMEOUT", "0.3", locked_database, 503),
    Bound("REMOTE_READ_TIMEOUT", "0.2", hanging_provider, 504),
    Bound("REMOTE_TIMEOUT", "0.2", hanging_provider, 504),
    Bound("REMOTE_LOGIN_TIMEOUT", "0.2", hanging_provider, 504),
    Bound("REMOTE_MAX_BODY", "1k", large_answer, 502),
    Bound("REMOTE_CALLS", "1", crowded_provider, 503),
    Bound("PERMISSION_TIMEOUT", "0.2", hanging_permissions, 504, HANGS),
    Bound("PLUGIN_CALLS", "1", crowded_permissions, 503, {**HANGS, "PERMISSION_TIMEOUT": "0.3"}),
    Bound("LOGIN_STARTS", "1", many_starts, 429),
    Bound("LOGIN_ATTEMPTS_PENDING", "10", many_under_way, 503),
    Bound("LOGIN_ATTEMPTS", "1", wrong_password, 429),
    Bound("PASSWORD_HASHES_QUEUED", "0", many_hashes, 503),
    Bound("PASSWORD_CHECKS", "1", wrong_password, 429),
    Bound("MAX_SESSIONS", "1", many_sessions, 401),
    Bound("MAX_API_TOKENS", "1", many_tokens, 409),
    Bound("TOKEN_REPORTS", "1", many_reports, 429),
    Bound("POLICY_QUESTIONS", "1", many_questions, 429),
)
DRIVEN_ELSEWHERE: Final = {
    "KEEPALIVE_TIMEOUT": "tests/serving/test_deadlines.py",
    "SHUTDOWN_TIMEOUT": "tests/serving/test_processes.py",
    "DATABASE_POOL": "tests/storage/test_faults.py",
    "REMOTE_CONNECT_TIMEOUT": "tests/test_remote.py",
    "DISCOVERY_LIFETIME": "tests/test_remote_cache.py",
    "JWKS_COOLDOWN": "tests/test_remote_cache.py",
    "EXTENSION_TIMEOUT": "tests/plugins",
    "DELIVERY_TIMEOUT": "tests/outbox",
    "DELIVERY_CALLS": "tests/outbox",
    "CLOCK_LEEWAY": "tests/tokens",
    "LOGIN_ATTEMPT_LIFETIME": "tests/login",
    "LOGIN_CODE_LIFETIME": "tests/login/test_code_mode.py",
    "LOGIN_WINDOW": "tests/throttle",
    "LOGIN_SLOWDOWN": "tests/throttle",
    "REVOCATION_FOLLOWERS": "tests/revocations/test_waiting.py",
}
"""Bounds of time, beyond which nobody is refused, or that have a place of their own."""


@asynccontextmanager
async def somebody_else(service: Service) -> AsyncIterator[ClientSession]:
    """Give a client at another address."""
    connector = TCPConnector(local_addr=(ELSEWHERE, 0))
    async with ClientSession(
        service.url.replace("localhost", "127.0.0.1"),
        connector=connector,
        cookie_jar=DummyCookieJar(),
    ) as session:
        yield session


@pytest.mark.slow
@pytest.mark.parametrize("bound", BOUNDS, ids=lambda bound: bound.setting)
async def test_beyond_a_bound_the_answer_says_so_and_others_are_served(
    start: Start, issuer: OidcIssuer, database_url: str, bound: Bound
) -> None:
    environ = {**oidc(issuer), **bound.more, bound.setting: bound.value}
    service = await start(issuer, **environ)
    stage = Stage(service, issuer, database_url.removeprefix("sqlite:///"))
    status, retry_after = await bound.drive(stage)
    assert status == bound.status
    assert (retry_after is not None) == bound.comes_again
    assert retry_after is None or int(retry_after) > 0
    async with somebody_else(service) as other:
        for path in ("/healthz", "/readyz", "/auth/check", "/auth/public-key"):
            async with other.get(path) as answer:
                assert answer.status == 200, path
    for wire in stage.wires:
        await wire.close()


def test_each_bound_is_driven_past_and_documented_with_its_default(database_url: str) -> None:
    declared = {each.name: each.default for each in variables_of(Limits).values()}
    assert {*DRIVEN_ELSEWHERE, *(bound.setting for bound in BOUNDS)} == declared.keys()
    assert {name: DOCUMENTED.get(name, "").strip(" `") for name in declared} == declared
