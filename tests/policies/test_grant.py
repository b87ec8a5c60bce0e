"""All policies of a service in one claim: it says what each of them says, or tells to ask."""

import json
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dhq_auth.plugins.grants import JsonCopier
from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.grant import (
    MAX_LEVELS,
    MAX_SIZE,
    REMEMBERED,
    Claims,
    Compilations,
    compiled,
)
from dhq_auth.policies.store import Key, Policy
from dhq_auth.sdk.decision import ACTIONS, Decision
from dhq_auth.sdk.filters import decide
from tests.policies.rows import ADA, ADMIN, asked, rules

DEFAULTS = (
    ("auth_users", "all", "auth_user.is_admin"),
    ("auth_policies", "all", "auth_user.is_admin"),
    ("all", "all", "user_id = auth_user.id"),
)
MINE = {
    "where": "user_id = :p1",
    "params": {"p1": "1"},
    "tree": ["=", "user_id", "1"],
    "set": {"user_id": "1"},
}


def asks(found: Claims) -> bool:
    """Whether a service is to ask; if so, nothing is allowed beside it."""
    if "ask" not in found.filters:
        return False
    assert found.filters["ask"] is True
    assert (found.permissions, "rules" in found.filters) == ({}, False)
    return True


def claims(*of: tuple[str, ...], caller: AuthUser = ADA, room: int = MAX_SIZE) -> Claims:
    return compiled(rules(*of), "notes", caller, room)


def size(found: Claims) -> int:
    return sum(
        len(json.dumps(claim, separators=(",", ":")))
        for claim in (found.permissions, found.filters)
    )


def test_the_defaults_for_somebody():
    found = claims(*DEFAULTS)
    assert found.permissions == {}
    assert found.filters == {
        "v": 1,
        "user": {},
        "rules": {
            "*": {"all": MINE},
            "auth_policies": {"all": False},
            "auth_users": {"all": False},
        },
    }


def test_the_defaults_for_an_administrator():
    found = claims(*DEFAULTS, caller=ADMIN)
    everything = dict.fromkeys(ACTIONS, True)
    assert found.permissions == {"auth_policies": everything, "auth_users": everything}
    assert found.filters["rules"]["auth_users"] == {"all": True}
    assert found.filters["user"] == {"is_admin": True}


def test_only_what_is_allowed_without_a_condition_is_a_permission():
    found = claims(
        ("todos", "read", ""),
        ("todos", "update", "auth_user.is_authenticated"),
        ("todos", "delete", "a = 1"),
        ("todos", "create", "auth_user.is_admin"),
    )
    assert found.permissions == {"todos": {"read": True, "update": True}}
    assert found.filters["rules"]["todos"] == {
        "all": False,
        "read": True,
        "update": True,
        "delete": {"where": "a = :p1", "params": {"p1": 1}, "tree": ["=", "a", 1], "set": {"a": 1}},
    }


def test_what_is_allowed_everywhere_is_a_permission_of_no_table():
    found = claims(("all", "all", ""), ("todos", "read", ""))
    assert found.permissions == {"todos": dict.fromkeys(ACTIONS, True)}
    assert found.filters["rules"] == {"*": {"all": True}}


def test_without_any_policy_nothing_is_allowed():
    assert claims() == Claims({}, {"v": 1, "user": {}, "rules": {"*": {"all": False}}})


def test_a_table_that_is_like_all_others_is_left_out():
    found = claims(("all", "all", "a = auth_user.id"), ("todos", "all", "a = '1'"))
    assert found.filters["rules"].keys() == {"*"}


def test_values_that_python_takes_for_equal_are_told_apart():
    found = claims(("all", "all", "a = 1"), ("todos", "all", "a"), ("todos", "read", "a = 1.0"))
    entries = found.filters["rules"]["todos"]
    assert repr(entries["all"]["tree"]) == "['=', 'a', True]"
    assert repr(entries["read"]["tree"]) == "['=', 'a', 1.0]"


def test_a_table_called_like_the_wildcard_of_the_claim_is_not_it():
    assert claims(("*", "all", "")).filters["rules"] == {"*": {"all": False}}


def test_a_faulty_policy_denies_and_tells_nothing_of_the_caller():
    found = claims(("todos", "all", "auth_user.email ="), ("all", "all", ""))
    assert found.filters["rules"]["todos"] == {"all": False}
    assert found.filters["user"] == {}


@pytest.mark.parametrize(
    ("expression", "caller", "told"),
    [
        ("a = auth_user.id", ADA, {}),
        ("auth_user.is_authenticated", ADA, {}),
        ("a = auth_user.email", ADA, {"email": "ada@example.com"}),
        ("not (b = 1 or a in ('x', auth_user.username))", ADA, {"username": "ada"}),
        ("auth_user.is_admin", ADA, {}),
        ("auth_user.is_admin", ADMIN, {"is_admin": True}),
        ("a = auth_user.email", AuthUser(id="1"), {}),
    ],
)
def test_of_the_caller_it_tells_what_the_policies_ask_for(
    expression: str, caller: AuthUser, told: object
):
    assert claims(("todos", "read", expression), caller=caller).filters["user"] == told


def test_of_the_caller_it_tells_nothing_for_a_policy_that_decides_nothing():
    of = (("all", "all", "a = auth_user.email"), ("all", "all", "", "notes"))
    assert claims(*of).filters["user"] == {}


def test_what_does_not_fit_is_to_be_asked_and_nothing_is_allowed_beside_it():
    many = [(f"t{i}", "read", f"a = {i}") for i in range(50)]
    assert asks(claims(*many))
    assert asks(compiled(None, "notes", ADA))


def test_who_asks_is_told_though_the_rules_do_not_fit():
    # By row-level security the database decides, which needs no room for rules.
    known = {"email": "ada@example.com", "username": "ada"}
    assert compiled(None, "notes", ADA).filters == {"v": 1, "ask": True, "user": known}
    assert compiled(None, "notes", AuthUser(id="1")).filters["user"] == {}
    assert compiled(None, "notes", ADA, 20).filters == {"v": 1, "ask": True}


def test_permissions_take_room_like_filters():
    many = [(f"a_table_of_a_long_name_{i}", "all", "") for i in range(60)]
    assert asks(claims(("all", "all", ""), *many))
    assert not asks(claims(("all", "all", ""), *many[:30]))


def test_it_fits_to_the_byte():
    of = (("todos", "read", "a = 'é'"), ("logs", "all", ""))
    needed = size(claims(*of))
    assert not asks(claims(*of, room=needed))
    assert asks(claims(*of, room=needed - 1))
    assert asks(claims(*of, room=-1))


def test_a_condition_that_readers_of_json_would_not_take_is_to_be_asked():
    def nested(levels: int) -> str:
        return "(a and (b or " * levels + "c" + "))" * levels

    most = (MAX_LEVELS - 1) // 2
    shallow = claims(("todos", "read", nested(most)))
    JsonCopier().mapping(shallow.filters, "filters")
    assert not asks(shallow)
    assert asks(claims(("todos", "read", nested(most + 1))))
    assert asks(claims(("all", "read", nested(most + 1))))


EXPRESSIONS = st.sampled_from(
    [
        *("", "false", "true", "a = auth_user.id", "a = '1'", "a", "a = 1", "a = 1.0", "lower(a)"),
        *("auth_user.is_admin", "auth_user.is_admin or b = auth_user.email", "b is not null"),
        *("a = auth_user.id and (b = 'x' or not c)", "c in (auth_user.username, 'é')", "a < b"),
    ]
)
TABLES = ("all", "todos", "logs", "Notes")
KEYS = st.tuples(
    st.sampled_from(TABLES),
    st.sampled_from(("all", *ACTIONS)),
    EXPRESSIONS,
    st.sampled_from(("all", "notes", "shop")),
)
CALLERS = st.builds(
    AuthUser,
    id=st.sampled_from(["1", "9"]),
    username=st.none() | st.just("ada"),
    email=st.none() | st.just("ada@example.com"),
    is_admin=st.booleans(),
)


def essence(decision: Decision) -> dict[str, Any]:
    """Return what a service does by *decision*."""
    answer = decision.to_json()
    return {name: answer[name] for name in ("decision", "where", "params", "set", "check", "tree")}


@given(st.lists(KEYS, max_size=25), CALLERS)
@pytest.mark.slow
def test_for_every_table_and_action_the_claim_says_what_the_policies_say(
    of: list[tuple[str, ...]], caller: AuthUser
):
    there: dict[Key, Policy] = rules(*of)
    visible = {key: policy for key, policy in there.items() if key[0] != "shop"}
    found = compiled(visible, "notes", caller)
    if asks(found):
        return
    assert size(found) <= MAX_SIZE
    sent = json.loads(json.dumps(found.filters))
    for table, action in product((*TABLES, "unnamed", "*"), ACTIONS):
        expected = asked(there, caller, table, action, "notes").decision
        assert repr(essence(decide(sent, table, action))) == repr(essence(expected))
        permitted = found.permissions.get(table, {}).get(action)
        named = any(key[1] == table != "all" for key in visible)
        assert permitted is (True if named and str(expected.effect) == "allow" else None)


def test_the_same_rules_are_compiled_once_for_the_same_caller_and_room():
    known = Compilations()
    first = known.compiled(rules(*DEFAULTS), "notes", ADA, MAX_SIZE)
    assert first == claims(*DEFAULTS)
    assert known.compiled(rules(*DEFAULTS), "notes", replace(ADA), MAX_SIZE) is first
    assert known.compiled(rules(*DEFAULTS), "notes", ADA, 20) == claims(*DEFAULTS, room=20)
    assert known.compiled(rules(*DEFAULTS), "notes", ADMIN, MAX_SIZE) == claims(
        *DEFAULTS, caller=ADMIN
    )


@pytest.mark.parametrize(
    "changed",
    [
        (*DEFAULTS[:2], ("all", "all", "true")),
        (*DEFAULTS, ("notes", "read", "true")),
        DEFAULTS[:2],
    ],
)
def test_rules_that_are_others_now_are_compiled_anew(changed: tuple[tuple[str, ...], ...]):
    known = Compilations()
    first = known.compiled(rules(*DEFAULTS), "notes", ADA, MAX_SIZE)
    now = known.compiled(rules(*changed), "notes", ADA, MAX_SIZE)
    assert now == claims(*changed) != first
    assert known.compiled(rules(*DEFAULTS), "notes", ADA, MAX_SIZE) == first


def test_too_many_rules_leave_what_is_known_of_the_others():
    known = Compilations()
    first = known.compiled(rules(*DEFAULTS), "notes", ADA, MAX_SIZE)
    assert asks(known.compiled(None, "notes", ADA, MAX_SIZE))
    assert known.compiled(rules(*DEFAULTS), "notes", ADA, MAX_SIZE) is first


def test_as_many_callers_are_known_as_there_is_room_for():
    known = Compilations()
    first = known.compiled(rules(*DEFAULTS), "notes", ADA, MAX_SIZE)
    for number in range(REMEMBERED):
        known.compiled(rules(*DEFAULTS), "notes", AuthUser(id=f"u{number}"), MAX_SIZE)
    assert known.compiled(rules(*DEFAULTS), "notes", ADA, MAX_SIZE) is not first
