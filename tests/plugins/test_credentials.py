"""Kinds of credentials from extensions: asked in their turn, believed in nothing unchecked."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dhq_auth.app import create_app
from dhq_auth.plugins import CredentialKinds, PluginError
from dhq_auth.settings import from_environ
from tests.fixtures.service import FrozenClock, Service, Start
from tests.plugins.conftest import Offer, Write
from tests.self_service.people import Person, ask, basic, is_known, registered

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LETTERS = """
from datetime import datetime, timedelta, timezone
from dhq_auth import InvalidCredential, Subject
asked = []
def authenticate(context):
    asked.append((context.presented.scheme, context.presented.value))
    scheme, value = context.presented.scheme, context.presented.value
    if scheme == "bearer" and value.startswith("letter-"):
        value = value.removeprefix("letter-")
        if value == "torn":
            raise InvalidCredential("the letter is torn\\n\\x1b[2J", reason="revoked")
        if value == "strange":
            raise InvalidCredential("x" * 5000, reason=["odd"])
        return Subject(value)
    return None
"""
ODD = "from dhq_auth import *\nfrom dhq_auth import Subject\nfrom datetime import *\n"

Begin = Callable[..., Awaitable[Person]]


@pytest.fixture
def begin(start: Start, module: Write) -> Begin:
    """A function that starts a service with one more kind of credential; returns somebody there."""

    async def begin_with(
        source: str, kinds: str = "{};token;jwt;basic;session", **env: str
    ) -> Person:
        return await registered(await start(CREDENTIALS=kinds.format(module(source)), **env))

    return begin_with


async def info(service: Service, bearer: str) -> tuple[int, Any]:
    return await ask(service, "GET", "/auth/token-info", bearer=bearer)


@sqlite
async def test_whom_it_names_is_who_asks(begin: Begin) -> None:
    alice = await begin(LETTERS)
    status, told = await info(alice.service, f"letter-{alice.id}")
    assert (status, told["kind"], told["owner"]) == (200, "extension", alice.id)
    assert await is_known(alice.service, f"letter-{alice.id}")


@sqlite
async def test_who_comes_first_is_asked_first_each_time(begin: Begin) -> None:
    """What was believed a moment ago is not believed from memory, past somebody who may refuse it."""
    import sys  # noqa: PLC0415

    alice = await begin(LETTERS)
    asked = sys.modules["plugin_of_test"].asked
    for _ in range(3):
        asked.clear()
        assert await is_known(alice.service, alice.token)
        assert asked == [("bearer", alice.token)]


@sqlite
@pytest.mark.parametrize("kinds", ["{};token;jwt;basic;session", "token;jwt;basic;session;{}"])
async def test_each_kind_is_told_by_its_own_prefix_alone(begin: Begin, kinds: str) -> None:
    import sys  # noqa: PLC0415

    alice = await begin(LETTERS, kinds)
    made = await alice.make_token()
    for bearer in (made["token"], alice.token, f"letter-{alice.id}"):
        assert (await info(alice.service, bearer))[0] == 200
    assert (await ask(alice.service, "GET", "/auth/token-info", headers=basic("alice")))[0] == 200
    asked = sys.modules["plugin_of_test"].asked
    if kinds.endswith("{}"):
        assert asked == [("bearer", f"letter-{alice.id}")], "what was another's never came here"
    else:
        assert ("bearer", made["token"]) in asked


@sqlite
@pytest.mark.parametrize(
    ("bearer", "reason"),
    [
        ("letter-torn", "revoked"),
        ("letter-strange", "invalid"),
        ("letter-nobody", "invalid"),
        ("letter-" + "0" * 32, "invalid"),
        ("postcard-x", "invalid"),
    ],
)
async def test_one_that_does_not_hold_is_not_authenticated(
    begin: Begin, bearer: str, reason: str
) -> None:
    alice = await begin(LETTERS)
    answer = await alice.browser.get("/auth/check", headers={"Authorization": f"Bearer {bearer}"})
    assert (await answer.json())["reason"] == reason, "the cookie does not rescue it"
    status, said = await info(alice.service, bearer)
    assert (status, said["code"]) == (401, "invalid_token")
    assert said["detail"].isprintable()
    assert len(said["detail"]) <= 200


@sqlite
async def test_who_is_deleted_is_nobody_any_more(begin: Begin) -> None:
    alice = await begin(LETTERS)
    own = {"Origin": alice.service.url, "Accept": "text/html"}
    await alice.browser.post("/profile/delete", data={"confirmation": "alice"}, headers=own)
    assert (await info(alice.service, f"letter-{alice.id}"))[0] == 401


@sqlite
async def test_who_is_disabled_is_nobody_either(begin: Begin) -> None:
    alice = await begin(LETTERS)
    _, made = await ask(alice.service, "POST", "/auth/setup")
    disabled, _ = await ask(
        alice.service,
        "PUT",
        f"/auth/users/{alice.id}",
        headers=basic(made["username"], made["password"]),
        json={"is_active": False},
    )
    assert disabled == 200
    assert (await info(alice.service, f"letter-{alice.id}"))[0] == 401


@sqlite
async def test_it_is_no_login(begin: Begin) -> None:
    alice = await begin(LETTERS)
    status, said = await ask(alice.service, "GET", "/auth/tokens", bearer=f"letter-{alice.id}")
    assert (status, said["code"]) == (403, "login_required")


@sqlite
async def test_its_scopes_and_its_end_count(begin: Begin, clock: FrozenClock) -> None:
    ends = f"datetime.fromtimestamp({clock.now.timestamp() + 60}, timezone.utc)"
    alice = await begin(
        f"{ODD}def authenticate(context):\n"
        "    if context.presented.scheme == 'letter':\n"
        "        return Subject(context.presented.value, frozenset({'authorize:notes'}), 'number 7',"
        f" {ends})"
    )
    letter = {"headers": {"Authorization": f"Letter {alice.id}"}}
    _, told = await ask(alice.service, "GET", "/auth/token-info", **letter)
    assert (told["token_id"], told["scopes"]) == ("number 7", ["authorize:notes"])
    status, said = await ask(alice.service, "GET", "/auth/users/me", **letter)
    assert (status, said["code"]) == (403, "insufficient_scope")
    clock.advance(minutes=1)
    _, said = await ask(alice.service, "GET", "/auth/check", **letter)
    assert said["reason"] == "expired"


@sqlite
@pytest.mark.parametrize(
    "body",
    [
        "return 'a text'",
        "return True",
        "return {'user_id': 'x'}",
        "return Subject(None)",
        "return Subject('')",
        "return Subject(7)",
        "return Subject('x' * 256)",
        "return Subject('a\\x00b')",
        "return Subject('x', ['profile'])",
        "return Subject('x', 'profile')",
        "return Subject('x', frozenset({1}))",
        "return Subject('x', None, 7)",
        "return Subject('x', None, None, datetime(2999, 1, 1))",
        "return Subject('x', None, None, 4e9)",
        "raise RuntimeError('secret text')",
        "raise SystemExit",
        "from dhq_auth.errors import Forbidden; raise Forbidden('come in')",
    ],
)
async def test_an_answer_that_is_none_is_an_error_and_saves_nobody(
    begin: Begin, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    odd = f"{ODD}def authenticate(context):\n    if context.presented.value == 'odd': {body}\n"
    alice = await begin(odd)
    answer = await alice.browser.get("/auth/check", headers={"Auth-Token": "odd"})
    said = await answer.json()
    assert (answer.status, said["code"]) == (502, "upstream_failed")
    assert "plugin_of_test" in caplog.text
    assert "secret text" not in caplog.text + str(said)
    assert await is_known(alice.service, alice.token)


@sqlite
@pytest.mark.slow
async def test_one_that_hangs_ends_in_time_and_holds_up_nobody(begin: Begin) -> None:
    slow = (
        "import asyncio\nasync def authenticate(context):\n"
        "    if context.presented.value == 'slow': await asyncio.Event().wait()\n"
    )
    alice = await begin(slow, EXTENSION_TIMEOUT="0.2")
    status, said = await info(alice.service, "slow")
    assert (status, said["code"]) == (504, "upstream_timeout")
    assert await is_known(alice.service, alice.token)


async def test_it_may_read_the_database(begin: Begin) -> None:
    alice = await begin(
        "from sqlalchemy import text\nfrom dhq_auth import Subject\n"
        "async def authenticate(context):\n"
        "    if context.presented.scheme != 'named': return None\n"
        "    async with context.read() as db:\n"
        "        found = await db.execute(text('SELECT id FROM users WHERE username = :name'),\n"
        "            {'name': context.presented.value})\n"
        "        return Subject(found.scalar_one())\n"
    )
    named = {"headers": {"Authorization": "Named alice"}}
    _, told = await ask(alice.service, "GET", "/auth/token-info", **named)
    assert told["owner"] == alice.id


def refused(**environ: str) -> str:
    settings = from_environ(environ)
    with pytest.raises(PluginError) as caught:
        CredentialKinds(settings.credentials, timeout=1, calls=1)
    with pytest.raises(PluginError):
        create_app(settings)
    return str(caught.value)


def test_an_unknown_kind_stops_the_start_and_names_those_that_are_known() -> None:
    assert refused(CREDENTIALS="token;tokne") == (
        "CREDENTIALS: tokne: there is neither a module nor an entry point of this name in "
        "dhq_auth.credentials (known: basic, jwt, session, token); did you mean token?"
    )
    lines = refused(CREDENTIALS="nowhere;jwt;gone").splitlines()
    assert [line.split(": ")[1] for line in lines] == ["nowhere", "gone"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "it has no authenticate(context)"),
        ("def autenticate(context): ...", "did you mean authenticate?"),
        ("authenticate = 1", "authenticate is no function"),
        ("def authenticate(): ...", "must be callable as authenticate(context)"),
        ("def authenticate(context, more): ...", "must be callable as authenticate(context)"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_module_that_is_no_kind_stops_the_start(module: Write, source: str, why: str) -> None:
    assert why in refused(CREDENTIALS=module(source))


def test_a_package_offers_one_by_a_short_name(module: Write, offer: Offer) -> None:
    offer("letters", "dhq_auth.credentials", letter=module(LETTERS))
    settings = from_environ({"CREDENTIALS": "letter"})
    CredentialKinds(settings.credentials, timeout=1, calls=1)
    assert "known: basic, jwt, letter, session, token" in refused(CREDENTIALS="lettre")


@sqlite
async def test_its_options_are_those_of_extensions_and_it_is_closed(
    start: Start, module: Write, tmp_path: Any
) -> None:
    file = tmp_path / "said"
    name = module(
        "import pathlib\n"
        "from dhq_auth import Subject\n"
        "class Kind:\n"
        "    def __init__(self, path): self.path = pathlib.Path(path)\n"
        "    def authenticate(self, context): self.path.write_text('asked')\n"
        "    def close(self): self.path.write_text('closed')\n"
        "def configure(options): return Kind(options['file'])\n"
    )
    environ = {f"EXTENSION_{name.upper()}_FILE": str(file)}
    service = await start(CREDENTIALS=f"jwt;{name}", **environ)
    assert (await info(service, "x"))[0] == 401
    assert file.read_text() == "asked"
    await service.stop()
    assert file.read_text() == "closed"
