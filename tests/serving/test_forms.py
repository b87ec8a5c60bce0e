"""What was answered to one is answered to another who asks the same on the same connection."""

import pytest

from dhq_auth.serving.forms import LONGEST, Form
from dhq_auth.web.repeat import Body
from tests.serving.application import ASKED, GIVEN_AGAIN
from tests.serving.wire import get, post


def whose(token, path="/whose", *, more=(), header="Auth-Token:"):
    return get(path, f"{header} {token}", *more)


async def told(wire, asked):
    answer = await wire.ask(asked)
    assert answer.status == 200
    return answer.body.decode()


@pytest.mark.parametrize(
    "header", ["Auth-Token:", "Authorization: Bearer", "authorization: bearer"]
)
async def test_another_token_is_answered_without_being_asked(served, header):
    site = await served()
    wire = await site.connect()
    asked = [whose(token, header=header) for token in ("one", "another", "one", "a.third-_~+/==")]
    answers = [await wire.ask(each) for each in asked]
    assert [each.body for each in answers] == [
        b"<one>",
        b"<another>",
        b"<one>",
        b"<a.third-_~+/==>",
    ]
    assert site.app[ASKED] == ["/whose"]
    assert len(site.app[GIVEN_AGAIN]) == 3
    assert len({each.headers["X-Request-Id"] for each in answers}) == 4
    own = {"X-Request-Id", "Date", "Content-Length"}
    said = [{n: v for n, v in each.headers.items() if n not in own} for each in answers]
    assert all(each == said[0] for each in said)
    assert said[0]["X-Same"] == "same"


async def test_what_is_not_known_at_once_is_asked(served):
    site = await served()
    wire = await site.connect()
    for token in ("one", "wait", "two", "wait-more", "three"):
        assert await told(wire, whose(token)) == f"<{token}>"
    assert len(site.app[ASKED]) == 3


@pytest.mark.parametrize(
    "other",
    [
        whose("two", "/whose?a=b"),
        whose("two", header="auth-token:"),
        whose("two", header="Authorization: Bearer"),
        whose("two", more=["Cookie: a=b"]),
        whose("two", more=["X-One: 1"]),
        whose("two", more=["Auth-Token: three"]),
        whose("two").replace(b"localhost", b"elsewhere"),
        whose("two words"),
        whose("t'wo"),
        whose("two\tmore"),
        whose("t=wo"),
        whose(""),
        whose("two\r\nCookie: a=b"),
        whose("two\r\n more"),
        whose("t\xfcwo"),
    ],
)
async def test_whatever_else_is_other_is_asked(served, other):
    site = await served()
    wire = await site.connect()
    assert await told(wire, whose("one")) == "<one>"
    await wire.ask(other)
    assert not site.app[GIVEN_AGAIN]


@pytest.mark.parametrize(
    "asked",
    [
        {"more": ["Cookie: a=b"]},
        {"more": ["Authorization: Bearer other"]},
        {"more": ["Proxy-Authorization: Basic eDp5"]},
        {"path": "/whose?jwt=x"},
        {"path": "/whose?%6Awt=x"},
        {"more": ["X-Long: " + "x" * LONGEST]},
        {"header": "X-Token:"},
        {"header": "Authorization: Basic"},
    ],
)
async def test_a_request_in_which_more_may_say_whose_it_is_has_no_form(served, asked):
    site = await served()
    wire = await site.connect()
    for token in ("one", "two", "three"):
        assert (await wire.ask(whose(token, **asked))).status == 200
    assert len(site.app[ASKED]) == 3


async def test_what_was_refused_has_no_form_and_other_routes_have_none(served):
    site = await served()
    wire = await site.connect()
    assert (await wire.ask(whose("refused"))).status == 403
    for token in ("one", "two"):
        await wire.ask(get("/again", f"Auth-Token: {token}"))
    assert len(site.app[ASKED]) == 3
    for token in ("one", "two"):
        assert await told(wire, whose(token)) == f"<{token}>"
    assert len(site.app[ASKED]) == 4


async def test_each_connection_has_its_own(served):
    site = await served()
    one, other = await site.connect(), await site.connect()
    assert await told(one, whose("one")) == "<one>"
    assert await told(other, whose("two")) == "<two>"
    assert len(site.app[ASKED]) == 2
    assert await told(other, whose("three")) == "<three>"
    assert len(site.app[ASKED]) == 2


async def test_those_that_come_in_one_packet_are_told_apart(served):
    site = await served()
    wire = await site.connect()
    assert await told(wire, whose("one")) == "<one>"
    wire.send(whose("two") + whose("three"))
    assert [(await wire.answer()).body for _ in range(2)] == [b"<two>", b"<three>"]
    # Whose form it is: that of the first, of which the second is no part.
    assert await told(wire, whose("four")) == "<four>"
    assert await told(wire, whose("five")) == "<five>"


async def test_what_goes_on_with_a_head_that_has_begun_is_no_form(served):
    site = await served()
    wire = await site.connect()
    assert await told(wire, whose("one")) == "<one>"
    wire.send(whose("two") + b"GET /look HTTP/1.1\r\nHost: localhost\r\nX-Eats: ")
    assert (await wire.answer()).body == b"<two>"
    wire.send(whose("three"))
    assert (await wire.answer()).status == 400


async def test_what_goes_on_with_a_body_is_no_form(served):
    site = await served()
    wire = await site.connect()
    head = post("/echo", b"", "Expect: 100-continue").replace(b"Length: 0", b"Length: 4")
    assert (await wire.ask(head)).status == 100  # it has been read, and the body is waited for
    wire.send(b"GET " + whose("one"))
    assert [(await wire.answer()).body for _ in range(2)] == [b"GET ", b"<one>"]
    (connection,) = site.server.connections
    assert not connection._whole
    wire.send(b"GET " + whose("two"))
    assert (await wire.answer()).status == 400


async def test_who_waits_to_be_told_to_go_on_is_told_each_time(served):
    site = await served()
    wire = await site.connect()
    for token in ("one", "two", "two", "two", "two"):
        wire.send(whose(token, more=["Expect: 100-continue"]))
        assert [(await wire.answer()).status for _ in range(2)] == [100, 200]
    assert len(site.app[ASKED]) == 5


def answer(token: str) -> Body:
    return Body(token.encode(), lambda: True)


@pytest.mark.parametrize("cut", range(1, len(whose("token"))))
def test_no_piece_of_a_request_is_the_form(cut):
    form = Form.of(whose("token"), answer)
    assert form is not None
    assert form.filled(whose("token")[:cut]) is None
    assert form.filled(whose("token")[cut:]) is None


def test_what_stands_before_may_end_as_what_stands_after():
    form = Form(b"aXb", b"Xb", answer)
    assert form.filled(b"aXb") is None
    filled = form.filled(b"aXbtXb")
    assert filled is not None
    assert filled.text == b"t"


def test_nothing_of_the_token_is_kept():
    form = Form.of(whose("secret.token"), answer)
    assert form is not None
    assert b"secret" not in form.before + form.after
