"""Whatever is sent, the answer says what is wrong with it, and it is never our fault."""

import asyncio
import gzip
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fixtures.service import Service, Start
from tests.serving.wire import Answer, Wire

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MAX_BODY = 64 * 1024


@pytest.fixture
async def bare(start: Start) -> Service:
    """A service without providers: enough to be talked to."""
    return await start()


async def sent(service: Service, head: str, body: bytes = b"") -> Answer:
    """Return the answer to a request of raw bytes; *head* in Latin-1, as on the wire."""
    wire = await Wire.open(service.browser.session._base_url.port)
    lines = f"{head}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    wire.send(lines.encode("latin-1") + body)
    try:
        return await wire.answer()
    finally:
        wire.writer.close()


async def posted(service: Service, content_type: str, body: bytes, more: str = "") -> Answer:
    kind = f"\r\nContent-Type: {content_type}" if content_type else ""
    return await sent(service, f"POST /auth/update HTTP/1.1{kind}{more}", body)


def problem(answer: Answer) -> dict[str, object]:
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    told = json.loads(answer.body)
    assert told["status"] == answer.status
    assert told["detail"], "says what is wrong"
    assert told["request_id"] == answer.headers["X-Request-Id"]
    return told


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        pytest.param(400, JSON, b"[" * 30_000, id="deep"),
        pytest.param(400, JSON, b'{"a":' * 17 + b"1" + b"}" * 17, id="one too deep"),
        pytest.param(400, JSON, b'{"a": ' + b"9" * 5000 + b"}", id="an integer of 5,000 digits"),
        pytest.param(400, JSON, b'{"username": NaN}', id="NaN"),
        pytest.param(400, JSON, b'{"a": [-Infinity]}', id="Infinity"),
        pytest.param(400, JSON, b'{"username": "ada"', id="truncated"),
        pytest.param(400, JSON, b'{"username": "a', id="truncated string"),
        pytest.param(400, JSON, b'["username"]', id="array"),
        pytest.param(400, JSON, b"null", id="null"),
        pytest.param(400, JSON, b'{"username": 1}', id="number for a text"),
        pytest.param(400, JSON, b'{"username": {"a": "b"}}', id="object for a text"),
        pytest.param(400, JSON, b'{"jwt": ["a"]}', id="array for a token"),
        pytest.param(400, JSON, b'{"username": "a", "username": "b"}', id="twice"),
        pytest.param(400, JSON, b'{"a": {"b": 1, "b": 2}}', id="twice, below"),
        pytest.param(400, JSON, b'{"username": "\xff"}', id="not UTF-8"),
        pytest.param(400, JSON, '{"username": "ä"}'.encode("utf-16"), id="UTF-16"),
        pytest.param(400, JSON, b"username=ada", id="a form called JSON"),
        pytest.param(400, JSON, b"\x1f\x8b" + bytes(50), id="gzip without saying so"),
        pytest.param(400, FORM, b"username=a&username=b", id="form field twice"),
        pytest.param(400, FORM, b"username=%ff%fe", id="form not UTF-8"),
        pytest.param(400, FORM, b"a&" * 101, id="101 fields"),
        pytest.param(400, FORM, b"username=\xe4", id="raw 8-bit bytes in a form"),
        pytest.param(413, FORM, b"a" * (MAX_BODY + 1), id="64k + 1"),
        pytest.param(413, JSON, b'"' + b"a" * MAX_BODY + b'"', id="64k + 2 of JSON"),
        pytest.param(415, "", b"username=ada", id="no type"),
        pytest.param(415, "text/plain", b"username=ada", id="plain text"),
        pytest.param(415, "multipart/form-data; boundary=x", b"--x--", id="multipart"),
        pytest.param(415, "multipart/form-data", b"--x--", id="multipart without a boundary"),
        pytest.param(415, f"{JSON}; charset=latin-1", b"{}", id="Latin-1"),
        pytest.param(415, f"{JSON}; charset=no-such", b"{}", id="unknown charset"),
        pytest.param(415, f"{FORM}; charset=idna", b"a=b", id="a charset that is none"),
        pytest.param(415, ";;;", b"{}", id="nonsense type"),
        pytest.param(415, "\xff\xfe", b"{}", id="8-bit type"),
    ],
)
async def test_a_hostile_body_is_refused_with_its_reason(
    bare: Service, status: int, content_type: str, body: bytes
) -> None:
    answer = await posted(bare, content_type, body)
    assert answer.status == status, answer.body
    problem(answer)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity, gzip", "nonsense"])
async def test_a_body_is_not_unpacked(bare: Service, encoding: str) -> None:
    bomb = gzip.compress(b'{"a": "' + bytes(20_000_000) + b'"}')
    answer = await posted(bare, JSON, bomb, f"\r\nContent-Encoding: {encoding}")
    assert answer.status in {400, 415}, answer.body
    problem(answer)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (JSON, b""),
        (JSON, b" \n"),
        (JSON, b'{"username": "\\ud800", "email": "new@example.com"}'),
        (JSON, b'{"username": "\\u0000"}'),
        (JSON, b'{"username": null, "jwt": null, "x": 1e999}'),
        (f'{JSON}; charset="UTF-8"', b"{}"),
        (FORM, b"username=%00"),
        (FORM, b"&&&=&"),
        (FORM, b"%zz=%"),
        (FORM, b"a" * MAX_BODY),
    ],
)
async def test_a_strange_body_that_is_well_formed_is_answered(
    bare: Service, content_type: str, body: bytes
) -> None:
    answer = await posted(bare, content_type, body)
    assert answer.status == 200
    assert json.loads(answer.body) == {"success": False, "error": "No token"}


async def test_a_body_that_ends_early_is_no_fault_of_ours(bare: Service) -> None:
    wire = await Wire.open(bare.browser.session._base_url.port)
    wire.send(
        b"POST /auth/update HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a"\r\nnonsense\r\n\r\n'
    )
    assert (await wire.answer()).status == 400
    wire.writer.close()


async def test_a_body_that_dribbles_is_cut(start: Start) -> None:
    service = await start(BODY_TIMEOUT="0.1")
    wire = await Wire.open(service.browser.session._base_url.port)
    wire.send(
        b"POST /auth/update HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 9\r\n\r\n{"
    )
    assert (await wire.answer()).status == 408
    wire.writer.close()


async def test_a_body_on_get_is_not_looked_at(bare: Service) -> None:
    answer = await sent(bare, f"GET /auth/check HTTP/1.1\r\nContent-Type: {JSON}", b'{"jwt": [[[[')
    assert answer.status == 200
    assert json.loads(answer.body)["reason"] == "missing"


async def test_query_and_body_are_not_mixed(service: Service) -> None:
    token = await service.log_in("acme")
    answer = await service.new_browser().post(
        "/auth/update", params={"username": "ada"}, data={"username": "bob", "jwt": token}
    )
    assert answer.status == 400
    assert "username" in (await answer.json())["detail"]
    split = await service.new_browser().post(
        "/auth/update", params={"jwt": token}, data={"username": "ada"}
    )
    assert await split.json() == {"success": True}


@pytest.mark.parametrize(
    "query",
    ["jwt=a&jwt=b", "next=&next=", "a&" * 101, "jwt=%ff", "next=%c0%af", "next=%00", "jwt&jwt"],
)
async def test_a_hostile_query_is_refused_with_its_reason(bare: Service, query: str) -> None:
    answer = await sent(bare, f"GET /auth/check?{query} HTTP/1.1")
    assert answer.status == 400
    problem(answer)


@pytest.mark.parametrize("token", ["%00", "%f0%9f%98%80", "a" * 7000, "1.2.3", "%0d%0aX:%20y"])
async def test_a_token_of_any_characters_is_just_a_bad_token(bare: Service, token: str) -> None:
    answer = await sent(bare, f"GET /auth/check?jwt={token} HTTP/1.1")
    assert answer.status == 200
    assert json.loads(answer.body)["reason"] == "invalid"
    refused = await sent(bare, f"GET /auth/authorize?service=x&jwt={token} HTTP/1.1")
    assert refused.status == 401
    assert json.loads(refused.body)["permissions"] == {}


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Auth-Token: \xff\xfe",
            "Authorization: Bearer \xe9",
            "Authorization: \x80",
            "Origin: \xff",
        ),
        *("Cookie: session=\xff", "Cookie: ;;==,\xa0", "Accept: \xff;q=\xfe", "Host: \xff"),
        *("X-Forwarded-For: \xff", "Sec-Fetch-Site: \xff", "Accept: text/html;q=9e99"),
    ],
)
async def test_raw_bytes_in_a_header_are_no_fault_of_ours(bare: Service, header: str) -> None:
    answer = await sent(bare, f"GET /auth/check HTTP/1.1\r\n{header}")
    assert answer.status in {200, 400}
    assert b"\xff" not in answer.body
    assert "Traceback" not in answer.body.decode()


async def test_unreadable_json_costs_no_more_time_than_its_length(bare: Service) -> None:
    """Where every quote begins a search for its end, this body costs seconds."""
    hostile = b'"' + b'\\"' * 32_000
    before = time.process_time()
    assert (await posted(bare, JSON, hostile)).status == 400
    assert time.process_time() - before < 1


NASTY = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["username", "jwt", "all", "x"]), inner, max_size=4)
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
)


@pytest.mark.fuzz
async def test_no_body_gives_a_500(bare: Service) -> None:
    loop = asyncio.get_running_loop()
    seen: set[int] = set()

    @settings(
        max_examples=150, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(
        path=st.sampled_from(["/auth/update", "/auth/logout", "/auth/exchange"]),
        kind=st.sampled_from([JSON, FORM, f"{JSON};charset=utf-7", "multipart/form-data", "\xe4"]),
        body=NASTY,
    )
    def attack(path: str, kind: str, body: bytes) -> None:
        head = f"POST {path} HTTP/1.1\r\nContent-Type: {kind}"
        answer = asyncio.run_coroutine_threadsafe(sent(bare, head, body), loop).result(20)
        seen.add(answer.status)
        assert answer.status < 500

    await asyncio.to_thread(attack)
    assert seen >= {400, 415}


@pytest.mark.fuzz
async def test_no_query_or_header_gives_a_500(bare: Service) -> None:
    loop = asyncio.get_running_loop()
    printable = st.text(
        st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#")
    )
    eight_bit = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=60)
    names = st.sampled_from(
        ["Authorization", "Auth-Token", "Cookie", "Origin", "Accept", "X-Forwarded-For", "Host"]
    )
    paths = st.sampled_from(
        [
            *("/auth/check", "/auth/authorize", "/auth/login/x", "/auth/oauth_callback", "/login"),
            *("/auth/resolve", "/auth/get_profile", "/profile", "/static", "/%2e%2e/", "//x/y"),
        ]
    )

    @settings(
        max_examples=200, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(path=paths, query=printable, name=names, value=eight_bit)
    def attack(path: str, query: str, name: str, value: str) -> None:
        value = value.replace("\x7f", "").strip()
        head = f"GET {path}?next={query} HTTP/1.1\r\n{name}: {value}"
        answer = asyncio.run_coroutine_threadsafe(sent(bare, head), loop).result(20)
        assert answer.status < 500

    await asyncio.to_thread(attack)
