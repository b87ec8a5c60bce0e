"""Every event in the log: one line each, for people and for machines."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from dhq_auth import LoggedIn, LoginRefused, Source, UserCreated, UsernameChosen
from dhq_auth.logs import JsonFormatter, TextFormatter
from extensions.log_events import on_event
from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Start, oidc

HERE = Source("203.0.113.7", "req-1")
USER = {"id": "ada", "email": "ada@example.com", "name": "Ada"}
HOSTILE = 'a"\n2026-01-01T00:00:00Z ERROR forged\x1b[31m\u2028\u202e\ud800'


@pytest.fixture
def lines() -> Iterator[dict[str, io.StringIO]]:
    """What the logger writes, by formatter; `bare` has the message alone."""
    formatters = {"text": TextFormatter(), "json": JsonFormatter(), "bare": logging.Formatter()}
    streams, handlers = {}, []
    logger = logging.getLogger("dhq_auth.events")
    level = logger.level
    logger.setLevel(logging.INFO)
    for name, formatter in formatters.items():
        streams[name] = io.StringIO()
        handler = logging.StreamHandler(streams[name])
        handler.setFormatter(formatter)
        logger.addHandler(handler)
        handlers.append(handler)
    yield streams
    logger.setLevel(level)
    for handler in handlers:
        logger.removeHandler(handler)


async def test_an_event_is_one_line_with_all_that_is_known(lines: dict[str, io.StringIO]):
    await on_event(
        LoggedIn(user_id="ada", source=HERE, user_info=USER, provider="acme", session_id="s1")
    )
    assert lines["bare"].getvalue() == (
        'login.succeeded user_id="ada" detail={"provider": "acme", "session_id": "s1"} '
        'address="203.0.113.7" request_id="req-1"\n'
    )
    assert lines["text"].getvalue().count("login.succeeded") == 1


async def test_machines_read_the_fields(lines: dict[str, io.StringIO]):
    await on_event(LoginRefused(user_id=None, source=HERE, provider="acme", reason="login_failed"))
    record = json.loads(lines["json"].getvalue())
    assert {
        "level": "info",
        "logger": "dhq_auth.events",
        "kind": "login.refused",
        "user_id": None,
        "detail": {"provider": "acme", "reason": "login_failed"},
        "address": "203.0.113.7",
        "request_id": "req-1",
    }.items() <= record.items()
    assert record["time"].endswith("Z")


@pytest.mark.parametrize("form", ["text", "json", "bare"])
async def test_what_others_sent_cannot_forge_a_line(form: str, lines: dict[str, io.StringIO]):
    await on_event(
        UsernameChosen(user_id=HOSTILE, source=Source(HOSTILE, HOSTILE), username=HOSTILE)
    )
    written = lines[form].getvalue()
    assert written.endswith("\n")
    assert written[:-1].isprintable()
    assert len(written.splitlines()) == 1


@pytest.mark.parametrize("form", ["text", "json", "bare"])
async def test_who_the_user_is_beyond_the_id_is_not_logged(
    form: str, lines: dict[str, io.StringIO]
):
    await on_event(UserCreated(user_id="ada", source=HERE, user_info=USER, provider="acme"))
    assert "ada@example.com" not in lines[form].getvalue()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_through_the_service(
    start: Start,
    issuer: OidcIssuer,
    lines: dict[str, io.StringIO],
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO)
    service = await start(issuer, **oidc(issuer), INSTALLED_EXTENSIONS="log_events")
    token = await service.log_in("acme")
    answer = await service.browser.post("/auth/logout", headers={"Auth-Token": token})
    assert answer.status == 200
    records = [json.loads(line) for line in lines["json"].getvalue().splitlines()]
    assert [record["kind"] for record in records] == ["user.created", "login.succeeded", "logout"]
    assert {record["address"] for record in records} == {"127.0.0.1"}
    everything = "".join(stream.getvalue() for stream in lines.values())
    assert token not in everything
    assert issuer.client.secret is not None
    assert issuer.client.secret not in everything
