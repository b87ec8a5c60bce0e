"""Exactly one policy decides: the nearest."""

import pytest

from dhq_auth.policies.caller import AuthUser
from dhq_auth.policies.resolve import Question, deciding
from dhq_auth.policies.store import Key, Policy
from dhq_auth.sdk.decision import Denied
from tests.policies.rows import ADA, ADMIN, NOBODY, asked, rules, said

NEAREST = [
    ("notes", "todos", "read"),
    ("notes", "todos", "all"),
    ("notes", "all", "read"),
    ("notes", "all", "all"),
    ("all", "todos", "read"),
    ("all", "todos", "all"),
    ("all", "all", "read"),
    ("all", "all", "all"),
]


@pytest.mark.parametrize("gone", range(9))
def test_of_those_that_are_there_the_nearest_decides(gone: int):
    there = rules(*((table, action, "", service) for service, table, action in NEAREST[gone:]))
    found = deciding(there, Question("todos", "read", "notes"))
    assert (found.key if found else None) == (NEAREST[gone] if gone < 8 else None)


def test_a_policy_of_the_service_decides_even_where_one_for_all_says_more():
    there = rules(("all", "all", "false", "notes"), ("todos", "read", ""))
    assert said(asked(there, ADA, "todos", "read", "notes")) == "deny"
    assert said(asked(there, ADA, "todos", "read", "shop")) == "allow"


def test_what_is_for_others_decides_nothing():
    there = rules(
        ("todos", "read", "", "shop"), ("todo", "read", ""), ("Todos", "all", ""), ("todos", "update", "")
    )  # fmt: skip
    assert said(asked(there, ADA, "todos", "read", "notes")) == "deny"


def test_reading_all_is_not_reading_mine():
    assert said(asked(rules(("todos", "read", "")), ADA, "todos", "read_mine")) == "deny"
    assert said(asked(rules(("todos", "all", "")), ADA, "todos", "read_mine")) == "allow"
    assert said(asked(rules(("all", "read_mine", "")), ADA, "todos", "read_mine")) == "allow"


def test_the_table_all_is_no_table():
    there = rules(("todos", "read", ""), ("all", "read", "a = 1"))
    assert said(asked(there, ADA, "all", "read")) == "a = 1"


def test_what_decides_and_cannot_be_read_denies_and_nothing_else_is_asked():
    there = rules(("notes", "read", "lower(a) = 'x'"), ("notes", "all", ""), ("all", "all", ""))
    verdict = asked(there, ADMIN, "notes", "read")
    assert said(verdict) == "deny"
    assert verdict.decision.policy_id == "all/notes/read"
    assert "cannot be read" in verdict.decision.reason


def test_who_is_not_known_is_told_to_log_in():
    assert asked({}, NOBODY, "todos", "read").decision.anonymous
    assert not asked({}, ADA, "todos", "read").decision.anonymous


# The policies of the system before, and what it answered; `notes` has one that is written wrongly.
BEFORE = rules(
    ("users", "all", "auth_user.is_admin"),
    ("policies", "all", "auth_user.is_admin"),
    ("all", "all", "user_id = auth_user.id"),
    ("todos", "all", "author_id = auth_user.id"),
    ("articles", "read", ""),
    ("articles", "all", "author_id = auth_user.id"),
    ("comments", "read", ""),
    ("reviews", "read", "auth_user.is_authenticated"),
    ("notes", "read", "owner = "),
)
CASES = [
    pytest.param(ADA, "users", "read", "deny", id="R1"),
    pytest.param(ADMIN, "users", "update", "allow", id="R2"),
    pytest.param(ADA, "policies", "read", "deny", id="R3"),
    pytest.param(ADMIN, "policies", "read", "allow", id="R4"),
    pytest.param(ADA, "some_table", "read", "user_id = '1'", id="R5"),
    pytest.param(ADA, "todos", "read", "author_id = '1'", id="R6"),
    pytest.param(ADA, "todos", "create", "author_id = '1'", id="R7"),
    pytest.param(ADA, "articles", "read", "allow", id="R8"),
    pytest.param(ADA, "articles", "update", "author_id = '1'", id="R8, another action"),
    pytest.param(NOBODY, "articles", "read", "allow", id="R8, anonymous"),
    pytest.param(ADA, "comments", "read", "allow", id="R10"),
    pytest.param(NOBODY, "comments", "create", "deny", id="R11"),
    pytest.param(ADA, "reviews", "read", "allow", id="R12"),
    pytest.param(NOBODY, "reviews", "read", "deny", id="R13"),
    pytest.param(ADMIN, "notes", "read", "deny", id="R14"),
]


@pytest.mark.parametrize(("caller", "table", "action", "expected"), CASES)
def test_the_policies_of_the_system_before_say_what_they_said(
    caller: AuthUser, table: str, action: str, expected: str
):
    assert said(asked(BEFORE, caller, table, action)) == expected


@pytest.mark.parametrize(
    ("caller", "status"), [(ADA, 403), (NOBODY, 401)], ids=["known", "anonymous"]
)
def test_a_refusal_has_the_status_of_who_asks(caller: AuthUser, status: int):
    with pytest.raises(Denied) as denied:
        asked(BEFORE, caller, "users", "read").decision.demand()
    assert denied.value.status == status


def test_who_makes_a_row_is_its_owner_whatever_was_sent():
    decision = asked(BEFORE, ADA, "todos", "create").decision
    assert (decision.set, decision.where, decision.check) == (
        {"author_id": "1"},
        None,
        "author_id = :p1",
    )


@pytest.mark.parametrize("there", [{}, rules(("todos", "update", ""))], ids=["none", "others"])
@pytest.mark.parametrize("caller", [ADA, ADMIN, NOBODY], ids=["known", "admin", "anonymous"])
def test_without_a_policy_everything_is_denied(there: dict[Key, Policy], caller: AuthUser):
    assert said(asked(there, caller, "todos", "read")) == "deny"


def test_an_administrator_has_no_rows_but_his_own_unless_a_policy_says_so():
    there = rules(("all", "all", "user_id = auth_user.id"))
    assert said(asked(there, ADMIN, "todos", "read")) == "user_id = '9'"


def test_an_attribute_that_is_not_known_denies_where_it_was_written_past_us():
    there = rules(("todos", "read", "org_id = auth_user.org_id"))
    assert said(asked(there, ADA, "todos", "read")) == "deny"
