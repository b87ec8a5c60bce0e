"""Extensions hear of what has happened, once and in order, and nothing that they do matters."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service
from tests.plugins.conftest import Install

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HEARS_ALL = """
import json, pathlib
def note(*said):
    with pathlib.Path({file!r}).open('a') as file:
        file.write(json.dumps(said) + '\\n')
def on_new_user(user_info): note({name!r}, 'on_new_user', user_info)
def on_user_login(user_info): note({name!r}, 'on_user_login', user_info)
def on_user_logout(user_info): note({name!r}, 'on_user_logout', user_info)
"""


@pytest.fixture
def heard(tmp_path: Path) -> Callable[[], list[Any]]:
    """What the extensions of `HEARS_ALL` have noted."""
    return lambda: [
        json.loads(line) for line in (tmp_path / "heard").read_text(encoding="utf-8").splitlines()
    ]


def hears_all(tmp_path: Path, name: str) -> str:
    return HEARS_ALL.format(file=str(tmp_path / "heard"), name=name)


async def log_out(service: Service, token: str) -> None:
    answer = await service.browser.post("/auth/logout", headers={"Auth-Token": token})
    assert answer.status == 200


@sqlite
async def test_each_hook_fires_once_for_what_it_is_named_for(
    install: Install, tmp_path: Path, heard: Callable[[], list[Any]]
):
    service = await install(one=hears_all(tmp_path, "one"))
    await log_out(service, await service.log_in("acme"))
    await log_out(service, await service.log_in("acme", browser=service.new_browser()))
    assert [hook for _, hook, _ in heard()] == [
        "on_new_user", "on_user_login", "on_user_logout",
        "on_user_login", "on_user_logout",
    ]  # fmt: skip


@sqlite
async def test_they_hear_who_it_is(
    install: Install, tmp_path: Path, heard: Callable[[], list[Any]], issuer: OidcIssuer
):
    service = await install(one=hears_all(tmp_path, "one"))
    profile: Any = (await service.check(await service.log_in("acme")))["profile"]
    for _, _, user in heard():
        assert set(user) == {
            "id", "idhash", "provider_id", "username", "name", "email", "email_verified",
            "avatar_url", "join_date", "is_admin",
        }  # fmt: skip
        assert {name: user[name] for name in profile} == profile
        assert user["is_admin"] is False


@sqlite
@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_the_first_installed_hears_first(
    order: str, install: Install, tmp_path: Path, heard: Callable[[], list[Any]]
):
    service = await install(**{f"ext_{each}": hears_all(tmp_path, each) for each in order})
    await service.log_in("acme")
    first, second = order
    assert [(name, hook) for name, hook, _ in heard()] == [
        (first, "on_new_user"), (second, "on_new_user"),
        (first, "on_user_login"), (second, "on_user_login"),
    ]  # fmt: skip


async def test_they_hear_after_the_commit(install: Install, database_url: str):
    service = await install(
        {"EXTENSION_LOOKS_URL": database_url},
        looks="""
        from sqlalchemy import select
        from dhq_auth.accounts.store import users
        from dhq_auth.db import Database
        from dhq_auth.sessions.store import sessions
        seen = []
        class Looks:
            def __init__(self, url): self.url = url
            async def look(self, user_info):
                database = Database(self.url, pool=1, timeout=2)
                async with database.read() as db:
                    ids = await db.scalars(select(users.c.id))
                    owners = await db.scalars(select(sessions.c.user_id))
                    seen.append((list(ids), list(owners), user_info['id']))
                await database.close()
            on_new_user = on_user_login = look
        def configure(options): return Looks(options['url'])
        """,
    )
    profile: Any = (await service.check(await service.log_in("acme")))["profile"]
    import looks  # type: ignore[import-not-found]  # noqa: PLC0415

    assert looks.seen == [([profile["id"]], [profile["id"]], profile["id"])] * 2


@sqlite
async def test_they_hear_nothing_of_a_login_that_is_refused(install: Install, issuer: OidcIssuer):
    service = await install(
        one="""
        heard = []
        def on_new_user(user_info): heard.append('new')
        def on_user_login(user_info): heard.append('login')
        def on_event(event): heard.append(event.kind)
        """
    )
    answer = await service.browser.get("/auth/oauth_callback", params={"state": "x", "code": "y"})
    assert answer.status == 400
    import one  # type: ignore[import-not-found]  # noqa: PLC0415

    assert not {"new", "login", "login.succeeded"} & set(one.heard)


@sqlite
async def test_what_one_changes_the_next_does_not_see(install: Install):
    spoils = """
    def on_user_login(user_info):
        user_info['id'] = user_info['email'] = 'spoilt'
        user_info['is_admin'] = True
    async def on_event(event):
        if hasattr(event, 'user_info'):
            event.user_info['id'] = 'spoilt'
            event.user_info.clear()
    """
    hears = """
    heard = []
    def on_user_login(user_info): heard.append(user_info)
    def on_event(event): heard.append(event.user_info)
    """
    service = await install(spoils=spoils, hears=hears)
    profile: Any = (await service.check(await service.log_in("acme")))["profile"]
    import hears as module  # type: ignore[import-not-found]  # noqa: PLC0415

    assert len(module.heard) == 3
    assert {(user["id"], user["is_admin"]) for user in module.heard} == {(profile["id"], False)}


@sqlite
@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('secret of a user')",
        "raise SystemExit(1)",
        "raise KeyboardInterrupt",
        "raise asyncio.CancelledError",
        "raise StopIteration",
        "raise BaseExceptionGroup('x', [SystemExit()])",
        pytest.param("return asyncio.Event().wait()", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
async def test_one_that_fails_is_logged_and_stops_nobody(
    kind: str, body: str, install: Install, caplog: pytest.LogCaptureFixture
):
    service = await install(
        fails=f"import asyncio\n{kind} on_user_login(user_info): {body}",
        works="heard = []\ndef on_user_login(user_info): heard.append(1)",
    )
    token = await service.log_in("acme")
    assert (await service.check(token))["authenticated"] is True
    await service.stop()
    import works  # type: ignore[import-not-found]  # noqa: PLC0415

    assert works.heard == [1]
    failures = [r for r in caplog.records if "extension" in (r.args or ())]
    assert len(failures) == 1
    assert failures[0].getMessage().startswith("extension fails failed in on_user_login: ")
    assert failures[0].getMessage().endswith("(failures: 1)")
    assert "secret of a user" not in caplog.text


@sqlite
async def test_failures_are_counted(install: Install, caplog: pytest.LogCaptureFixture):
    service = await install(fails="def on_user_login(user_info): 1 / 0")
    for _ in range(3):
        await service.log_in("acme", browser=service.new_browser())
    assert [record.args["failures"] for record in caplog.records if record.args] == [1, 2, 3]  # type: ignore[call-overload, index]
    assert "ZeroDivisionError" in caplog.text
    assert "fails.py, line 1)" in caplog.text


@pytest.mark.slow
@sqlite
async def test_a_login_waits_once_for_all_that_hang_and_the_rest_still_hears(install: Install):
    hangs = """
    import threading
    gate = threading.Event()
    def on_new_user(user_info): gate.wait()
    def on_user_login(user_info): gate.wait()
    def on_event(event): gate.wait()
    """
    service = await install(
        {"EXTENSION_TIMEOUT": "0.5"},
        hangs=hangs,
        works="""
        import asyncio
        heard = asyncio.Event()
        async def on_user_login(user_info): heard.set()
        """,
    )
    loop = asyncio.get_running_loop()
    before = loop.time()
    await service.log_in("acme")
    assert loop.time() - before < 4 * 0.5  # four hooks hang for half a second each
    import hangs as hanging  # type: ignore[import-not-found]  # noqa: PLC0415
    import works  # type: ignore[import-not-found]  # noqa: PLC0415

    await asyncio.wait_for(works.heard.wait(), 5)
    hanging.gate.set()


@sqlite
async def test_events_come_with_their_source_and_detail(install: Install):
    service = await install(
        one="""
        heard = []
        async def on_event(event):
            heard.append((event.kind, event.user_id, event.detail, event.source))
        """
    )
    profile: Any = (await service.check(await service.log_in("acme")))["profile"]
    import one  # type: ignore[import-not-found]  # noqa: PLC0415

    assert [(kind, user) for kind, user, _, _ in one.heard] == [
        ("user.created", profile["id"]),
        ("login.succeeded", profile["id"]),
    ]
    assert one.heard[0][2] == {"provider": "acme", "is_admin": False}
    assert set(one.heard[1][2]) == {"provider", "session_id"}
    assert {source.address for *_, source in one.heard} == {"127.0.0.1"}
    assert all(source.request_id for *_, source in one.heard)
