"""Whatever is sent as a policy, it is stored as what was meant or refused with what would be right."""

from typing import Any

import pytest

from tests.administration.policies.rules import DEFAULTS, TODOS, add, asked, policies
from tests.self_service.people import Person

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

FAULTY: dict[str, tuple[str, int]] = {
    "a function": ("lower(a) = 'x'", 1),
    "a comment": ("a = 1 -- and b", 7),
    "a comment in the middle": ("a /* x */ = 1", 3),
    "a sub-query": ("a in (select id from users)", 14),
    "a second statement": ("a = 1; drop table users", 6),
    "a cast": ("a::text = 'x'", 2),
    "another table": ("users.a = 1", 1),
    "another attribute": ("org_id = auth_user.org_id", 20),
    "no attribute": ("a = auth_user", 5),
    "double quotes": ('"a" = 1', 1),
    "a look-alike": ("а = 1", 1),  # noqa: RUF001 - Cyrillic
    "a wide quote": ("a = ’x’", 5),  # noqa: RUF001 - typographic
    "a no-break space": ("a\u00a0= 1", 2),
    "two texts": ("a = 'x' 'y'", 9),
    "==": ("a == 1", 4),
    "a text without end": ("a = 'x", 5),
    "a parenthesis too few": ("(a = 1", 7),
    "a parenthesis too many": ("a = 1)", 6),
    "500 parentheses": ("(" * 500 + "a" + ")" * 500, 33),
    "1,025 characters": ("a" * 1025, 1025),
    "NUL": ("a = 1\0", 6),
    "NUL in a text": ("a = '\0'", 6),
    "half a character": ("a = '\ud800'", 6),
    "half a character outside": ("\udfff", 1),
    "a number alone": ("1", 2),
    "types that differ": ("auth_user.is_admin = 'x'", 20),
    "a huge number": ("a = 9223372036854775808", 5),
    "like": ("a like 'x%'", 3),
    "a line that turns around": ("a = '\u202e'", 6),
    "blanks that are none": ("\u2003", 1),
}


async def unchanged(admin: Person) -> bool:
    return {key: p["expression"] for key, p in (await policies(admin)).items()} == DEFAULTS


async def test_a_faulty_expression_is_refused_where_the_fault_is(admin: Person) -> None:
    there = (await policies(admin))["all", "all", "all"]
    refusal = (422, "invalid_expression")
    for fault, (expression, position) in FAULTY.items():
        for method, path in (("POST", ""), ("PUT", f"/{there['id']}")):
            sent = {**TODOS, "expression": expression}
            status, said = await admin.call(method, f"/auth/policies{path}", json=sent)
            assert (status, said["code"], said["position"]) == (*refusal, position), fault
            assert said["expected"]
            assert said["found"]
            assert "\0" not in str(said)
    assert await unchanged(admin)


WRONG: dict[str, dict[str, Any]] = {
    "no table": {"table_name": ...},
    "no action": {"action": ...},
    "no expression": {"expression": ...},
    "null for a table": {"table_name": None},
    "null for an expression": {"expression": None},
    "null for a service": {"service": None},
    "null for a description": {"description": None},
    "a number": {"table_name": 5},
    "true": {"expression": True},
    "a list": {"action": ["read"]},
    "an object": {"expression": {"a": 1}},
    "a blank table": {"table_name": ""},
    "a blank service": {"service": ""},
    "a blank action": {"action": ""},
    "a blank in a table": {"table_name": "to dos"},
    "SQL": {"table_name": "todos; drop table users"},
    "quotes": {"table_name": 'to"dos'},
    "a star": {"table_name": "*"},
    "a letter of another script": {"table_name": "tοdos"},  # noqa: RUF001 - Greek
    "a line": {"table_name": "todos\n"},
    "NUL": {"service": "a\0"},
    "half a character": {"service": "\ud800"},
    "a long name": {"table_name": "t" * 129},
    "another action": {"action": "truncate"},
    "an action in capitals": {"action": "READ"},
    "a long description": {"description": "d" * 1025},
    "a description with NUL": {"description": "\0"},
    "half a description": {"description": "\udc00"},
    "a description that turns around": {"description": "\u202e"},
}


async def test_what_is_no_policy_is_refused_and_the_field_is_named(admin: Person) -> None:
    there = (await policies(admin))["all", "all", "all"]
    path = f"/auth/policies/{there['id']}"
    for wrong, fields in WRONG.items():
        sent = {name: value for name, value in {**TODOS, **fields}.items() if value is not ...}
        status, said = await admin.call("POST", "/auth/policies", json=sent)
        assert (status, said["code"]) == (400, "invalid_request"), wrong
        [field] = fields
        assert field in said["detail"], wrong
        if ... not in fields.values():
            status, said = await admin.call("PUT", path, json=fields)
            assert (status, said["code"]) == (400, "invalid_request"), wrong
    assert await unchanged(admin)


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"json": [TODOS]},
        {"data": b'{"action": "read", "action": "all"}', "headers": {"Content-Type": "application/json"}},
        {"data": b"action=read&action=all"},
        {"json": {"table_name": {"a": [[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]}}},
        {"params": {"action": "read"}, "json": TODOS},
    ],
    ids=["no_json", "a_list", "twice", "twice_in_a_form", "deep", "query_and_body"],
)  # fmt: skip
async def test_a_body_that_is_none_is_refused(admin: Person, sent: dict[str, Any]) -> None:
    status, said = await admin.call("POST", "/auth/policies", **sent)
    assert (status, said["code"]) in {(400, "invalid_request"), (415, "unsupported_media_type")}
    assert await unchanged(admin)


async def test_what_looks_like_sql_in_a_text_stays_a_text(admin: Person, alice: Person) -> None:
    text = "x'' or 1=1; drop table users --"
    await add(admin, "todos", "read", f"title = '{text}'")
    said = await asked(alice, "todos", "read")
    assert said["where"] == "title = :p1"
    assert said["params"] == {"p1": text.replace("''", "'")}


LISTS = [
    ("limit=0", "limit"),
    ("limit=1001", "limit"),
    ("limit=x", "limit"),
    ("cursor=x", "cursor"),
    ("cursor=%F0%9F%A6%86", "cursor"),
    ("cursor=WyJhIiwgImIiXQ", "cursor"),
    ("cursor=WzEsIDIsIDNd", "cursor"),
    ("cursor=WyJcdTAwMDAiLCAiYiIsICJjIl0", "cursor"),
    ("cursor=WyJcdWQ4MDAiLCAiYiIsICJjIl0", "cursor"),
    ("cursor=WyJhIiwgImIiLCAiYyJd%3D%3D", "cursor"),
    ("cursor=bnVsbA", "cursor"),
    ("cursor=" + "W1tb" * 500, "cursor"),
    ("service=", "service"),
    ("service=%00", "service"),
    ("table_name='", "table_name"),
    ("action=truncate", "action"),
    ("mine=yes", "mine"),
    ("service=a&service=b", "service"),
    ("service=%ff", "query"),
]


async def test_a_list_is_asked_for_properly_or_not_at_all(admin: Person) -> None:
    for query, field in LISTS:
        status, said = await admin.call("GET", f"/auth/policies?{query}")
        assert (status, said["code"]) == (400, "invalid_request"), query
        assert field in said["detail"], query
