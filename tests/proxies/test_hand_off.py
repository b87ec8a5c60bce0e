"""Applications on other hosts: to the login and back, each with a session of its own."""

from tests.proxies.visitor import APP, Visitor


async def test_who_logs_in_gets_back_to_what_was_asked_for_byte_for_byte(visitor: Visitor) -> None:
    wanted = f"{APP}/notes;v=1/a%20b%2Fc?x=1&x=2&y=&z=%C3%A9+%25&jwt=mine&code=1&state=2#"
    answer, there = await visitor.sign_in(wanted)
    assert there == wanted.rstrip("#")
    assert answer.status == 200
    assert answer.headers["X-Auth-Username"] == "alice"
