"""An expression put to a caller: yes, no, or what is left to ask of the row."""

from typing import Any

import pytest

from dhq_auth.policies.caller import ANONYMOUS, AuthUser, auth_user, auth_user_of
from dhq_auth.policies.expression import parse
from dhq_auth.policies.outcome import outcome
from dhq_auth.sdk.tree import to_json
from tests.policies.rows import ADA, ADMIN, NOBODY

NAMELESS = AuthUser(id="2")


def put(expression: str, caller: AuthUser = ADA) -> Any:
    found = outcome(parse(expression), caller)
    return found if isinstance(found, bool) else to_json(found)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", True),
        ("a = auth_user.id", ["=", "a", "1"]),
        ("auth_user.id < a", [">", "a", "1"]),
        ("1 >= a", ["<=", "a", 1]),
        ("a < b", ["<", "a", {"column": "b"}]),
        ("a", ["=", "a", True]),
        ("not a", ["!=", "a", True]),
        ("a is null", ["is null", "a"]),
        ("not a is null", ["is not null", "a"]),
        ("a in ('x', auth_user.id)", ["in", "a", ["x", "1"]]),
        ("a not in ('x', auth_user.id)", ["not in", "a", ["x", "1"]]),
        ("a in (b, 'x', c)", ["or", ["=", "a", {"column": "b"}], ["=", "a", {"column": "c"}], ["in", "a", ["x"]]]),
        ("a not in (b, 'x')", ["and", ["!=", "a", {"column": "b"}], ["not in", "a", ["x"]]]),
        ("auth_user.id in (a, b)", ["or", ["=", "a", "1"], ["=", "b", "1"]]),
        ("auth_user.id not in (a, 'x')", ["!=", "a", "1"]),
        ("auth_user.id in (a, '1')", True),
        ("auth_user.id not in (a, '1')", False),
        ("auth_user.is_authenticated", True),
        ("auth_user.is_admin", False),
        ("not auth_user.is_admin", True),
        ("auth_user.is_admin or a = 1", ["=", "a", 1]),
        ("auth_user.is_admin and a = 1", False),
        ("auth_user.is_authenticated and a = 1", ["=", "a", 1]),
        ("auth_user.is_authenticated or a = 1", True),
        ("auth_user.username = 'ada'", True),
        ("auth_user.username = 'ADA'", False),
        ("auth_user.username in ('ada', 'bob')", True),
        ("auth_user.username < 'b'", True),
        ("auth_user.email is not null", True),
        ("auth_user.id = auth_user.username", False),
        ("1 = 1.0", True),
        ("'a' = 'a '", False),
        ("a = 1 or (b = 2 or (c = 3 and d = 4))", ["or", ["=", "a", 1], ["=", "b", 2], ["and", ["=", "c", 3], ["=", "d", 4]]]),
        ("not (a = 1 and (b = 2 or auth_user.is_admin))", ["or", ["!=", "a", 1], ["!=", "b", 2]]),
    ],
)  # fmt: skip
def test_what_is_left_of_an_expression(expression: str, expected: object):
    assert repr(put(expression)) == repr(expected)


@pytest.mark.parametrize(
    "expression",
    [
        "a = auth_user.id",
        "a != auth_user.id",
        "not a = auth_user.id",
        "not a != auth_user.id",
        "a < auth_user.id",
        "a in (auth_user.id)",
        "a not in ('x', auth_user.id)",
        "not a in (auth_user.id, 'x')",
        "auth_user.id in (a, b)",
        "auth_user.id not in (a, b)",
        "auth_user.id = auth_user.id",
        "auth_user.id != 'x'",
        "not auth_user.id = 'x'",
        "auth_user.email = auth_user.username",
        "not (a = auth_user.id or b = 1)",
        "auth_user.is_admin",
        "auth_user.is_authenticated",
        "not not auth_user.is_authenticated",
        "auth_user.id is not null",
        "not auth_user.id is null",
    ],
)
def test_what_the_caller_lacks_never_turns_into_a_yes(expression: str):
    assert put(expression, NOBODY) is False


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a = null", False),
        ("a != null", False),
        ("not a = null", False),
        ("null = null", False),
        ("null is null", True),
        ("1 is null", False),
        ("a in (null)", False),
        ("a in (null, 1)", ["in", "a", [1]]),
        ("a not in (null, 1)", False),
        ("null in (a, 1)", False),
        ("null not in (a, 1)", False),
        ("a = null or b = 1", ["=", "b", 1]),
    ],
)
def test_null_is_equal_to_nothing_and_different_from_nothing(expression: str, expected: object):
    assert put(expression) == expected


def test_the_anonymous_caller_is_told_from_one_without_a_name():
    assert put("auth_user.username is null", NAMELESS) is True
    assert put("auth_user.id is null", NAMELESS) is False
    assert put("auth_user.is_authenticated and auth_user.username is null", NOBODY) is False
    assert put("not auth_user.is_authenticated", NOBODY) is True
    assert put("a = auth_user.id or auth_user.id is null", NOBODY) is True


def test_an_administrator_is_not_exempt():
    assert put("user_id = auth_user.id", ADMIN) == ["=", "user_id", "9"]


def info(*, verified: bool) -> Any:
    return {
        "id": "1",
        "username": None,
        "email": "ada@example.com",
        "email_verified": verified,
        "is_admin": True,
        "name": "Ada",
    }


def test_an_email_that_nobody_verified_is_none():
    assert auth_user_of(info(verified=False)) == AuthUser(id="1", is_admin=True)
    assert auth_user_of(info(verified=True)) == AuthUser(
        id="1", email="ada@example.com", is_admin=True
    )
    assert auth_user(None) is ANONYMOUS


def test_columns_are_compared_whatever_the_caller_is():
    assert put("a = b and not c is null", NOBODY) == [
        "and",
        ["=", "a", {"column": "b"}],
        ["is not null", "c"],
    ]
