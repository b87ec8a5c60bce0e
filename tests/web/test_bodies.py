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
        wire.writer.transport.abort()


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


HOSTILE = [
    ("deep", 400, JSON, b"[" * 30_000),
    ("one too deep", 400, JSON, b'{"a":' * 17 + b"1" + b"}" * 17),
    ("an integer of 5,000 digits", 400, JSON, b'{"a": ' + b"9" * 5000 + b"}"),
    ("NaN", 400, JSON, b'{"username": NaN}'),
    ("Infinity", 400, JSON, b'{"a": [-Infinity]}'),
    ("truncated", 400, JSON, b'{"username": "ada"'),
    ("truncated string", 400, JSON, b'{"username": "a'),
    ("array", 400, JSON, b'["username"]'),
    ("null", 400, JSON, b"null"),
    ("number for a text", 400, JSON, b'{"username": 1}'),
    ("object for a text", 400, JSON, b'{"username": {"a": "b"}}'),
    ("array for a token", 400, JSON, b'{"jwt": ["a"]}'),
    ("twice", 400, JSON, b'{"username": "a", "username": "b"}'),
    ("twice, below", 400, JSON, b'{"a": {"b": 1, "b": 2}}'),
    ("not UTF-8", 400, JSON, b'{"username": "\xff"}'),
    ("UTF-16", 400, JSON, '{"username": "ä"}'.encode("utf-16")),
    ("a form called JSON", 400, JSON, b"username=ada"),
    ("gzip without saying so", 400, JSON, b"\x1f\x8b" + bytes(50)),
    ("form field twice", 400, FORM, b"username=a&username=b"),
    ("form not UTF-8", 400, FORM, b"username=%ff%fe"),
    ("101 fields", 400, FORM, b"a&" * 101),
    ("raw 8-bit bytes in a form", 400, FORM, b"username=\xe4"),
    ("64k + 1", 413, FORM, b"a" * (MAX_BODY + 1)),
    ("64k + 2 of JSON", 413, JSON, b'"' + b"a" * MAX_BODY + b'"'),
    ("no type", 415, "", b"username=ada"),
    ("plain text", 415, "text/plain", b"username=ada"),
    ("multipart", 415, "multipart/form-data; boundary=x", b"--x--"),
    ("multipart without a boundary", 415, "multipart/form-data", b"--x--"),
    ("Latin-1", 415, f"{JSON}; charset=latin-1", b"{}"),
    ("unknown charset", 415, f"{JSON}; charset=no-such", b"{}"),
    ("a charset that is none", 415, f"{FORM}; charset=idna", b"a=b"),
    ("nonsense type", 415, ";;;", b"{}"),
    ("8-bit type", 415, "\xff\xfe", b"{}"),
]


async def test_a_hostile_body_is_refused_with_its_reason(
    bare: Service, subtests: pytest.Subtests
) -> None:
    for name, status, content_type, body in HOSTILE:
        with subtests.test(name):
            answer = await posted(bare, content_type, body)
            assert answer.status == status, answer.body
            problem(answer)


@pytest.mark.slow
async def test_a_body_is_not_unpacked(bare: Service, subtests: pytest.Subtests) -> None:
    for encoding in ["gzip", "deflate", "br", "identity, gzip", "nonsense"]:
        with subtests.test(encoding=encoding):
            bomb = gzip.compress(b'{"a": "' + bytes(20_000_000) + b'"}')
            answer = await posted(bare, JSON, bomb, f"\r\nContent-Encoding: {encoding}")
            assert answer.status in {400, 415}, answer.body
            problem(answer)


async def test_a_strange_body_that_is_well_formed_is_answered(
    bare: Service, subtests: pytest.Subtests
) -> None:
    for content_type, body in [
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
    ]:
        with subtests.test(content_type=content_type):
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


async def test_a_hostile_query_is_refused_with_its_reason(
    bare: Service, subtests: pytest.Subtests
) -> None:
    for query in [
        "jwt=a&jwt=b",
        "next=&next=",
        "a&" * 101,
        "jwt=%ff",
        "next=%c0%af",
        "next=%00",
        "jwt&jwt",
    ]:
        with subtests.test(query=query):
            answer = await sent(bare, f"GET /auth/check?{query} HTTP/1.1")
            assert answer.status == 400
            problem(answer)


async def test_a_token_of_any_characters_is_just_a_bad_token(
    bare: Service, subtests: pytest.Subtests
) -> None:
    for token in ["%00", "%f0%9f%98%80", "a" * 7000, "1.2.3", "%0d%0aX:%20y"]:
        with subtests.test(token=token):
            answer = await sent(bare, f"GET /auth/check?jwt={token} HTTP/1.1")
            assert answer.status == 200
            assert json.loads(answer.body)["reason"] == "invalid"
            refused = await sent(bare, f"GET /auth/authorize?service=x&jwt={token} HTTP/1.1")
            assert refused.status == 401
            assert json.loads(refused.body)["permissions"] == {}


async def test_raw_bytes_in_a_header_are_no_fault_of_ours(
    bare: Service, subtests: pytest.Subtests
) -> None:
    for header in [
        *(
            "Auth-Token: \xff\xfe",
            "Authorization: Bearer \xe9",
            "Authorization: \x80",
            "Origin: \xff",
        ),
        *("Cookie: session=\xff", "Cookie: ;;==,\xa0", "Accept: \xff;q=\xfe", "Host: \xff"),
        *("X-Forwarded-For: \xff", "Sec-Fetch-Site: \xff", "Accept: text/html;q=9e99"),
    ]:
        with subtests.test(header=header):
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

    @settings(suppress_health_check=[*HealthCheck])
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

    @settings(suppress_health_check=[*HealthCheck])
    @given(path=paths, query=printable, name=names, value=eight_bit)
    def attack(path: str, query: str, name: str, value: str) -> None:
        value = value.replace("\x7f", "").strip()
        head = f"GET {path}?next={query} HTTP/1.1\r\n{name}: {value}"
        answer = asyncio.run_coroutine_threadsafe(sent(bare, head), loop).result(20)
        assert answer.status < 500

    await asyncio.to_thread(attack)


@pytest.mark.parametrize(
    "path",
    ["/auth/login", "/auth/register", "/auth/tokens", "/auth/tokens/revoke", "/auth/users"],
)
@pytest.mark.parametrize("name", ["password", "current_password", "new_password"])
async def test_a_password_in_an_address_is_refused(bare: Service, path: str, name: str) -> None:
    body = {"username": "alice"}
    query = {name: "correct horse battery staple"}
    answer = await bare.browser.post(path, params=query, json=body)
    assert answer.status == 400
    said = await answer.text()
    assert "in the body" in said
    assert "correct" not in said
