"""What a permission provider answers ends up in a token, or there is no token at all."""

import asyncio
import logging
import threading

import jwt as pyjwt
import pytest

from dhq_auth.plugins.call import WAITING
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Start, oidc
from tests.plugins.conftest import GRANT, V1, Run, Write, ask

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    "source",
    [
        "def get_permissions(service, userid): return {'for': userid, 'in': service}",
        "async def get_permissions(service, userid): return {'for': userid, 'in': service}",
        "def get_permissions(a, b): return {'for': b, 'in': a}",
        """
        from dhq_auth import Grant, hookimpl
        @hookimpl
        def grant(context): return Grant({'for': context.user['id'], 'in': context.service})
        """,
        """
        from dhq_auth import Grant
        class Provider:
            async def grant(self, context):
                return Grant({'for': context.user['id'], 'in': context.service})
        def configure(options): return Provider()
        """,
    ],
    ids=["v1", "v1 async", "v1 with other names", "full, decorated", "full, configured"],
)
async def test_every_form_is_asked_for_the_alias_and_the_user(run: Run, source: str):
    service = await run(source)
    token = await service.log_in("acme")
    status, answer = await ask(service, token)
    assert status == 200
    assert answer["permissions"] == {"for": answer["userid"], "in": "notes"}
    key = await (await service.browser.get("/auth/public-key")).text()
    claims = pyjwt.decode(answer["token"], key, algorithms=["RS256"])
    assert claims["permissions"] == answer["permissions"]
    assert (claims["service"], claims["sub"]) == ("notes", answer["userid"])


async def test_each_alias_of_one_module_has_its_own_options_and_is_asked_alone(
    start: Start, issuer: OidcIssuer, module: Write
):
    name = module(
        """
        class Provider:
            def __init__(self, colour): self.colour, self.asked = colour, 0
            def get_permissions(self, service, userid):
                self.asked += 1
                return {'service': service, 'colour': self.colour, 'asked': self.asked}
        def configure(options): return Provider(options['colour'])
        """
    )
    service = await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES=f"a:{name};b:{name}",
        PROVIDER_A_COLOUR="red",
        PROVIDER_B_COLOUR="blue",
    )
    token = await service.log_in("acme")
    permissions = [(await ask(service, token, each))[1]["permissions"] for each in "abb"]
    assert permissions == [
        {"service": "a", "colour": "red", "asked": 1},
        {"service": "b", "colour": "blue", "asked": 1},
        {"service": "b", "colour": "blue", "asked": 2},
    ]


@pytest.mark.parametrize("asked", ["other", "plugin_of_test", "os", "static", "../notes", "Notes"])
async def test_a_service_that_is_not_listed_is_never_looked_for(run: Run, asked: str):
    service = await run("def get_permissions(service, userid): return {}")
    status, answer = await ask(service, await service.log_in("acme"), asked)
    assert (status, answer["code"], answer["permissions"]) == (404, "unknown_service", {})
    assert "token" not in answer


@pytest.mark.parametrize(
    "source",
    [
        V1 + "raise ValueError('secret of a plugin')",
        V1 + "raise SystemExit(1)",
        "async " + V1 + "raise SystemExit(1)",
        V1 + "return {'n': float('nan')}",
        V1 + "return {str(i): i for i in range(200_000)}",
    ],
)
async def test_a_provider_that_fails_or_talks_nonsense_means_no_token(
    run: Run, source: str, caplog: pytest.LogCaptureFixture
):
    service = await run(source)
    token = await service.log_in("acme")
    status, answer = await ask(service, token)
    assert (status, answer["code"], answer["permissions"]) == (502, "upstream_failed", {})
    assert "token" not in answer
    assert "secret of a plugin" not in caplog.text + str(answer)
    assert "the permission provider of notes" in caplog.text
    assert (await service.check(token))["authenticated"] is True


@pytest.mark.slow
async def test_a_provider_that_hangs_is_504_for_its_callers_and_nothing_for_others(
    start: Start, issuer: OidcIssuer, module: Write
):
    module(
        """
        import threading
        gate = threading.Event()
        def get_permissions(service, userid): gate.wait()
        """,
        "hanging_in_a_thread",
    )
    module(
        """
        import asyncio
        async def get_permissions(service, userid): await asyncio.Event().wait()
        """,
        "hanging_in_the_loop",
    )
    module("def get_permissions(service, userid): return {'read': True}", "in_order")
    service = await start(
        issuer,
        **oidc(issuer),
        ALLOWED_SERVICES="hanging_in_a_thread;hanging_in_the_loop;in_order",
        PERMISSION_TIMEOUT="0.5",
        PLUGIN_CALLS="2",
    )
    token = await service.log_in("acme")
    hung = [
        asyncio.create_task(ask(service, token, name))
        for name in ("hanging_in_a_thread", "hanging_in_the_loop")
        for _ in range(5)
    ]
    assert (await ask(service, token, "in_order"))[0] == 200
    outcomes = await asyncio.gather(*hung)
    assert {(status, answer["code"]) for status, answer in outcomes} == {(504, "upstream_timeout")}
    assert all("token" not in answer for _, answer in outcomes)
    assert (await ask(service, token, "in_order"))[0] == 200
    import hanging_in_a_thread  # type: ignore[import-not-found]  # noqa: PLC0415

    hanging_in_a_thread.gate.set()


async def test_a_provider_is_asked_by_as_many_at_a_time_as_plugin_calls_says(run: Run):
    service = await run(
        """
        import asyncio
        asking = []
        async def get_permissions(service, userid):
            asking.append(userid)
            try:
                await asyncio.sleep(0.01)
                return {'at-a-time': len(asking)}
            finally:
                asking.pop()
        """,
        PLUGIN_CALLS="2",
    )
    token = await service.log_in("acme")
    answers = await asyncio.gather(*(ask(service, token) for _ in range(6)))
    assert {answer["permissions"]["at-a-time"] for _, answer in answers} <= {1, 2}  # type: ignore[index]


@pytest.mark.slow
async def test_who_comes_when_too_many_wait_for_a_provider_is_told_to_come_again(run: Run):
    service = await run(
        """
        import asyncio
        async def get_permissions(service, userid):
            await asyncio.sleep(0.2)
            return {}
        """,
        PLUGIN_CALLS="1",
    )
    token = await service.log_in("acme")
    answers = await asyncio.gather(*(ask(service, token) for _ in range(8)))
    statuses = [status for status, _ in answers]
    assert statuses.count(200) == 1 + WAITING
    assert statuses.count(503) == 8 - 1 - WAITING
    assert all("token" not in answer for status, answer in answers if status == 503)


async def test_providers_hold_as_many_connections_as_database_pool_says(run: Run):
    service = await run(
        """
        import asyncio
        from dhq_auth import Grant
        holding = []
        async def grant(context):
            async with context.read():
                holding.append(context.user['id'])
                try:
                    await asyncio.sleep(0.01)
                    return Grant({'at-a-time': len(holding)})
                finally:
                    holding.pop()
        """,
        DATABASE_POOL="1",
    )
    token = await service.log_in("acme")
    answers = await asyncio.gather(*(ask(service, token) for _ in range(6)))
    assert {answer["permissions"]["at-a-time"] for _, answer in answers} == {1}  # type: ignore[index]


async def test_what_a_provider_changes_afterwards_does_not_change_the_token(run: Run):
    service = await run(
        """
        kept = {'a': {'b': []}}
        def get_permissions(service, userid):
            kept['a']['b'].append(len(kept['a']['b']))
            return kept
        """
    )
    token = await service.log_in("acme")
    answers = [(await ask(service, token))[1] for _ in range(2)]
    assert [answer["permissions"] for answer in answers] == [
        {"a": {"b": [0]}},
        {"a": {"b": [0, 1]}},
    ]


async def test_what_python_writes_otherwise_becomes_plain_json(run: Run):
    service = await run(
        """
        from enum import IntEnum, StrEnum
        from types import MappingProxyType
        class Level(IntEnum): HIGH = 3
        class Role(StrEnum): EDITOR = 'editor'
        def get_permissions(service, userid):
            return {'level': Level.HIGH, Role.EDITOR: MappingProxyType({'t': (1, None, 0.5)})}
        """
    )
    status, answer = await ask(service, await service.log_in("acme"))
    assert (status, answer["permissions"]) == (200, {"level": 3, "editor": {"t": [1, None, 0.5]}})


async def test_a_grant_states_its_filters_and_its_age(run: Run):
    service = await run(
        GRANT
        + "return Grant({'a': True}, {'b': 'mine'}, timedelta(seconds=90), "
        + "datetime.fromisoformat('2020-01-01T00:00:00+00:00'))"
    )
    status, answer = await ask(service, await service.log_in("acme"))
    assert status == 200
    assert (answer["filters"], answer["fresh_for"]) == ({"b": "mine"}, 90)
    assert answer["stale_since"] == "2020-01-01T00:00:00Z"
    claims = pyjwt.decode(answer["token"], options={"verify_signature": False})
    assert claims["filters"] == {"b": "mine"}
    assert claims["permissions"] == {"a": True}


async def test_a_provider_reads_the_database(run: Run):
    service = await run(
        """
        from sqlalchemy import text
        from dhq_auth import Grant
        async def grant(context):
            async with context.read() as db:
                rows = await db.execute(text('SELECT id FROM users'))
                return Grant({'ids': [row.id for row in rows]})
        """
    )
    _, answer = await ask(service, await service.log_in("acme"))
    assert answer["permissions"] == {"ids": [answer["userid"]]}


async def test_a_provider_cannot_write_the_database(run: Run):
    service = await run(
        """
        from sqlalchemy import text
        from dhq_auth import Grant
        async def grant(context):
            async with context.read() as db:
                await db.execute(text('UPDATE users SET is_admin = true'))
                await db.commit()
            return Grant({})
        """
    )
    token = await service.log_in("acme")
    assert (await ask(service, token))[0] in {502, 503}


@pytest.mark.parametrize(("size", "status"), [(300, 200), (700, 502), (1000, 502), (3000, 502)])
async def test_permissions_that_do_not_fit_into_a_token_are_502_and_logged(
    run: Run, size: int, status: int, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.ERROR)
    service = await run(V1 + f"return {{'a': 'x' * {size}}}", MAX_TOKEN="1536")
    token = await service.log_in("acme")
    answered, answer = await ask(service, token)
    assert answered == status
    if status == 200:
        assert len(answer["token"]) <= 1536  # type: ignore[arg-type]
    else:
        assert "token" not in answer
        assert "MAX_TOKEN" in caplog.text


async def test_providers_are_closed_with_the_service(run: Run, module: Write):
    service = await run(
        """
        closed = []
        class Provider:
            def get_permissions(self, service, userid): return {}
            async def close(self): closed.append('provider')
        def configure(options): return Provider()
        """
    )
    import plugin_of_test  # type: ignore[import-not-found]  # noqa: PLC0415

    assert plugin_of_test.closed == []
    await service.stop()
    assert plugin_of_test.closed == ["provider"]


@pytest.mark.parametrize(
    "close",
    ["def close(): raise SystemExit", "import threading\ndef close(): threading.Event().wait()"],
)
async def test_one_that_does_not_close_does_not_keep_the_service_from_stopping(
    run: Run, close: str, caplog: pytest.LogCaptureFixture
):
    service = await run(f"{V1}return {{}}\n{close}", PERMISSION_TIMEOUT="0.1")
    async with asyncio.timeout(5):
        await service.stop()
    assert "the permission provider of notes did not close" in caplog.text
    assert threading.main_thread().is_alive()
