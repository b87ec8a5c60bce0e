"""Every request gets its caller, every refusal its answer: the same in aiohttp and in ASGI."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientPayloadError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhq_auth.sdk import InvalidToken, Verifier
from dhq_auth.sdk.asgi import Authentication
from dhq_auth.sdk.presented import presented
from tests.fakes import faults
from tests.fakes.signing import unpublished
from tests.fixtures.service import Service
from tests.sdk.auth_server import AuthServer, signing_key
from tests.sdk.frameworks import FRAMEWORKS, LATE, Ask, in_aiohttp, in_asgi, served


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return FRAMEWORKS[request.param]


@pytest.fixture
async def ask(framework: Callable[..., Any], verifier: Verifier) -> AsyncIterator[Ask]:
    """Ask a service that everybody may call."""
    async with framework(verifier) as ask:
        yield ask


def bearer(token: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {token}")]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_holder_of_a_token_of_the_real_service_is_known(
    framework: Callable[..., Any],
    real: Service,
    service_token: Callable[..., Awaitable[str]],
) -> None:
    token = await service_token()
    async with framework(Verifier(real.url, service="notes", now=real.clock)) as ask:
        reply = await ask(headers=bearer(token))
        assert reply.status == 200
        assert reply.json["user"]
        assert reply.json["permissions"] == {"read": True}
        for other in (await service_token("photos"), await real.log_in("acme")):
            assert (await ask(headers=bearer(other))).status == 401


async def test_the_token_may_stand_where_the_contract_says(auth: AuthServer, ask: Ask) -> None:
    token = auth.token()
    for reply in (
        await ask(headers=bearer(token)),
        await ask(headers=[("authorization", f"bearer  {token} ")]),
        await ask(headers=[("Auth-Token", token)]),
        await ask(query=f"jwt={token}"),
        await ask(query=f"a=1&b&%6A%77t={token}&c=%20"),
        await ask(query=f"jwt={token}", headers=[("Auth-Token", "")]),
    ):
        assert reply.json["user"] == "ada"


async def test_who_presents_nothing_is_anonymous(ask: Ask) -> None:
    for reply in (
        await ask(),
        await ask(query="a=1&jwt=&b=%20"),
        await ask(headers=[("Auth-Token", "")]),
        await ask(headers=[("Cookie", "session=x; jwt=x")]),
    ):
        assert reply.json == {"user": None, "permissions": {}}


async def test_the_first_token_counts_and_is_not_rescued_by_another(
    auth: AuthServer, ask: Ask
) -> None:
    ada, grace = auth.token(), auth.token(sub="grace", userid="grace")
    both = await ask(query="jwt=bad", headers=[*bearer(ada), ("Auth-Token", grace)])
    assert both.json["user"] == "ada"
    second = await ask(query=f"jwt={ada}", headers=[("Auth-Token", grace)])
    assert second.json["user"] == "grace"
    for reply in (
        await ask(query=f"jwt={ada}", headers=[*bearer("bad"), ("Auth-Token", ada)]),
        await ask(query=f"jwt={ada}", headers=[("Auth-Token", "bad")]),
        await ask(headers=[("Authorization", "Basic YTpi"), ("Auth-Token", ada)]),
        await ask(headers=[("Authorization", ""), ("Auth-Token", ada)]),
    ):
        assert reply.status == 401


async def test_a_bad_token_is_never_anonymous(auth: AuthServer, ask: Ask) -> None:
    good = auth.token()
    for headers, query in (
        (bearer("bad"), ""),
        (bearer(auth.token(signing_key(unpublished("RS256")))), ""),
        (bearer(auth.token(exp=1)), ""),
        (bearer(auth.token(service="photos")), ""),
        (bearer(f"{good}, Bearer {good}"), ""),
        (bearer(good) * 2, ""),
        ([("Auth-Token", good)] * 2, ""),
        ([], f"jwt={good}&jwt={good}"),
        ([], "jwt=%00"),
        ([], "jwt=%ff"),
        ([("Authorization", "Bearer")], ""),
        ([("Authorization", "Negotiate x")], ""),
        ([("Authorization", "Bearer \udcff")], ""),
    ):
        reply = await ask(headers=headers, query=query)
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert reply.headers["Content-Type"] == "application/problem+json"
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.json["code"] == "invalid_token"
        assert good not in reply.body.decode()


async def test_where_a_token_is_required_nobody_else_comes_in(
    auth: AuthServer, framework: Callable[..., Any], verifier: Verifier
) -> None:
    async with framework(verifier, required=True) as ask:
        reply = await ask("/broken")  # which is never reached
        assert (reply.status, reply.json["code"]) == (401, "missing_credential")
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert (await ask(headers=bearer("bad"))).json["code"] == "invalid_token"
        assert (await ask(headers=bearer(auth.token()))).status == 200


@pytest.mark.parametrize(
    ("path", "status", "code", "header"),
    [
        ("/denied", 403, "forbidden", None),
        ("/denied-to-nobody", 401, "missing_credential", ("WWW-Authenticate", "Bearer")),
        ("/unavailable", 503, "unavailable", ("Retry-After", "7")),
        (
            *("/invalid", 401, "invalid_token"),
            ("WWW-Authenticate", 'Bearer error="invalid_token"'),
        ),
    ],
)
async def test_what_a_handler_raises_is_answered(
    ask: Ask, path: str, status: int, code: str, header: tuple[str, str] | None
) -> None:
    reply = await ask(path)
    assert reply.status == reply.json["status"] == status
    assert reply.json["code"] == code
    assert "secret" not in reply.body.decode()
    if header is None:
        assert "WWW-Authenticate" not in reply.headers
        assert reply.json["detail"] == "Not this row."
    else:
        name, value = header
        assert reply.headers[name] == value


async def test_while_the_keys_cannot_be_had_a_token_is_neither_good_nor_bad(
    auth: AuthServer, ask: Ask
) -> None:
    auth.faults["jwks"] = faults.reset
    reply = await ask(headers=bearer(auth.token()))
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert auth.origin not in reply.body.decode()
    assert (await ask()).json["user"] is None


async def test_an_answer_that_has_begun_is_not_answered_again(verifier: Verifier) -> None:
    async with in_aiohttp(verifier) as ask:
        with pytest.raises(ClientPayloadError):
            await ask(LATE)
    async with in_asgi(verifier) as ask:
        with pytest.raises(Exception, match="Not this row"):
            await ask(LATE)


async def test_other_faults_stay_the_frameworks(verifier: Verifier) -> None:
    async with in_asgi(verifier) as ask:
        with pytest.raises(ZeroDivisionError):
            await ask("/broken")


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "reached", "scope": scope})


async def test_the_life_of_an_asgi_server_is_none_of_ours(verifier: Verifier) -> None:
    scope = {"type": "lifespan", "state": {}}
    app = Authentication(nothing, verifier, required=True)
    assert await served(app, scope) == [{"type": "reached", "scope": scope}]


async def test_what_an_asgi_server_keeps_is_there_beside_the_caller_and_stays_as_it_is(
    auth: AuthServer, verifier: Verifier
) -> None:
    shared = {"database": 7}
    headers = [(b"authorization", f"Bearer {auth.token()}".encode())]
    scope = {"type": "http", "state": shared, "headers": headers, "query_string": b""}
    [reached] = await served(Authentication(nothing, verifier), scope)
    state = reached["scope"]["state"]
    assert (state["database"], state["caller"].user_id) == (7, "ada")
    assert shared == {"database": 7}


async def test_a_websocket_opens_for_a_good_token_alone(
    auth: AuthServer, verifier: Verifier
) -> None:
    app = Authentication(nothing, verifier, required=True)
    scope = {"type": "websocket", "headers": [], "query_string": f"jwt={auth.token()}".encode()}
    [reached] = await served(app, scope)
    assert reached["scope"]["state"]["caller"].user_id == "ada"
    for query in (b"", b"jwt=bad"):
        closed = await served(app, {**scope, "query_string": query})
        assert closed == [{"type": "websocket.close", "code": 1008}]
    talkative = {**scope, "query_string": b"", "extensions": {"websocket.http.response": {}}}
    start, body = await served(app, talkative)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 401)
    assert body["type"] == "websocket.http.response.body"


@given(st.lists(st.text(), max_size=2), st.lists(st.text(), max_size=2), st.text() | st.binary())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_presented_is_a_token_or_none_or_refused(
    authorization: list[str], auth_token: list[str], query: str | bytes
) -> None:
    try:
        token = presented(authorization, auth_token, query)
    except InvalidToken:
        return
    assert token is None or token
