"""What expressions say, and where those that say nothing are refused."""

import time
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dhq_auth.policies.expression import MAX_DEPTH, parse, parsed
from dhq_auth.policies.nodes import Among, Attribute, Compare, Group, IsNull, Literal, attributes
from dhq_auth.policies.scanner import KEYWORDS, MAX_LENGTH, ExpressionError
from dhq_auth.sdk.tree import Column

A, B = Column("a"), Column("b")
ONE, TWO = Literal(1), Literal(2)
ID = Attribute("id")


def same(first: object, second: object) -> bool:
    """Compare by what is written: in Python `1 == True`."""
    return repr(first) == repr(second)


@pytest.mark.parametrize(
    ("expression", "node"),
    [
        ("", None),
        (" \n\t ", None),
        ("a = 1", Compare("=", A, ONE)),
        ("1 = a", Compare("=", ONE, A)),
        ("a <> 1", Compare("!=", A, ONE)),
        ("a = auth_user.id", Compare("=", A, ID)),
        ("a = AUTH_USER . ID", Compare("=", A, ID)),
        ("a = -1", Compare("=", A, Literal(-1))),
        ("a = 1.50", Compare("=", A, Literal(1.5))),
        ("a = 9223372036854775807", Compare("=", A, Literal(2**63 - 1))),
        ("a = 'it''s'", Compare("=", A, Literal("it's"))),
        ("a = ''", Compare("=", A, Literal(""))),
        ("a = null", Compare("=", A, Literal(None))),
        ("a = True", Compare("=", A, Literal(value=True))),
        ("a", Compare("=", A, Literal(value=True))),
        ("not a", Compare("!=", A, Literal(value=True))),
        ("true", Compare("=", Literal(value=True), Literal(value=True))),
        ("not not a = 1", Compare("=", A, ONE)),
        ("not a < b", Compare(">=", A, B)),
        ("a is null", IsNull(A)),
        ("a IS NOT NULL", IsNull(A, negated=True)),
        ("not a is null", IsNull(A, negated=True)),
        ("a in (1, 2)", Among(A, (ONE, TWO))),
        ("a not in (1)", Among(A, (ONE,), negated=True)),
        ("not a not in (1)", Among(A, (ONE,))),
        ("auth_user.id in (a, b)", Among(ID, (A, B))),
        (
            "a = 1 or b = 2 and a = 2",
            Group("or", (Compare("=", A, ONE), Group("and", (Compare("=", B, TWO), Compare("=", A, TWO))))),
        ),
        (
            "(a = 1 or b = 2) and a = 2",
            Group("and", (Group("or", (Compare("=", A, ONE), Compare("=", B, TWO))), Compare("=", A, TWO))),
        ),
        (
            "not (a = 1 or b = 2)",
            Group("and", (Compare("!=", A, ONE), Compare("!=", B, TWO))),
        ),
        (
            "not a = 1 and b = 2",
            Group("and", (Compare("!=", A, ONE), Compare("=", B, TWO))),
        ),
        (
            "a = 1 and (a = 2 and (b = 1 and b = 2))",
            Group("and", tuple(Compare("=", *pair) for pair in ((A, ONE), (A, TWO), (B, ONE), (B, TWO)))),
        ),
        ("((((a = 1))))", Compare("=", A, ONE)),
        ("Select = 1", Compare("=", Column("Select"), ONE)),
        ("auth_users = 1", Compare("=", Column("auth_users"), ONE)),
    ],
)  # fmt: skip
def test_an_expression_says(expression: str, node: object):
    assert same(parse(expression), node)


@pytest.mark.parametrize(
    ("expression", "position", "expected"),
    [
        ("a =", 4, "a column"),
        ("= 1", 1, "a column"),
        ("a = 1 b = 2", 7, "and, or, or the end"),
        ("a = 1)", 6, "and, or, or the end"),
        ("(a = 1", 7, "and, or, or )"),
        ("()", 2, "a column"),
        ("a = 1 and", 10, "a column"),
        ("and a = 1", 1, "a column"),
        ("not", 4, "a column"),
        ("a == 1", 4, "a column"),
        ("a = = 1", 5, "a column"),
        ("a = 1 = 1", 7, "and, or, or the end"),
        ("a <=> 1", 5, "a column"),
        ("a is 1", 6, "null or not null"),
        ("a is not 1", 10, "null"),
        ("a is not", 9, "null"),
        ("a is true", 6, "null or not null"),
        ("a in 1", 6, "( and a list"),
        ("a in ()", 7, "a column"),
        ("a in (1", 8, ", or )"),
        ("a in (1,)", 9, "a column"),
        ("a in (1 2)", 9, ", or )"),
        ("a not 1", 7, "in"),
        ("a not like 'b'", 7, "in"),
        ("a like 'b'", 3, "and, or, or the end"),
        ("a between 1 and 2", 3, "and, or, or the end"),
        ("a = 'b' 'c'", 9, "and, or, or the end"),
        ("lower(a) = 'b'", 1, "a column"),
        ("a = now()", 5, "a column"),
        ("todos.a = 1", 1, "a column without its table"),
        ("new.a = 1", 1, "a column without its table"),
        ("a = (1)", 5, "a column"),
        ("a = (select 1)", 5, "a column"),
        ("a in (select id from users)", 14, ", or )"),
        ("exists (select 1)", 1, "a column"),
        ("(select 1) = 1", 9, "and, or, or )"),
        ("a = case when b then 1 end", 10, "and, or, or the end"),
        ("a = auth_user", 5, "auth_user. and one of"),
        ("auth_user.id", 13, "a comparison"),
        ("org_id = auth_user.org_id", 20, "one of id, username, email"),
        ("a = auth_user.password", 15, "one of id"),
        ("a = auth_user.", 15, "one of id"),
        ("a = auth_user.id.id", 17, "and, or, or the end"),
        ("a = auth_user.'id'", 15, "one of id"),
        ("1", 2, "a comparison"),
        ("'a'", 4, "a comparison"),
        ("null", 5, "a comparison"),
        ("not null", 9, "a comparison"),
        ("a = 'b' and a = 1", 15, "a text on both sides"),
        ("a = 1 and a", 11, "a number compared"),
        ("a and a = 'b'", 9, "true or false on both sides"),
        ("a in (1, 'b')", 3, "a number on both sides"),
        ("auth_user.id = 1", 14, "a text on both sides"),
        ("auth_user.is_admin = 1", 20, "true or false on both sides"),
        ("auth_user.is_admin = 'true'", 20, "true or false on both sides"),
        ("auth_user.is_admin < true", 20, "= or !="),
        ("a > false", 3, "= or !="),
        ("a = 9223372036854775808", 5, "a number of 64 bits"),
        ("a = 0.1234567890123456", 5, "at most 15 digits"),
        ("a" * 64 + " = 1", 1, "a column of at most 63 characters"),
    ],
)
def test_what_says_nothing_is_refused_with_what_was_expected(
    expression: str, position: int, expected: str
):
    with pytest.raises(ExpressionError) as refused:
        parse(expression)
    assert refused.value.position == position
    assert expected in refused.value.expected or refused.value.expected.startswith(expected)


@pytest.mark.parametrize("level", ["(", "not ", "not (", "a = 1 and ("])
def test_there_is_an_end_to_how_deep_an_expression_goes(level: str):
    def nested(levels: int) -> str:
        return level * levels + "a = 1" + ")" * (levels * level.count("("))

    each = level.count("not") + level.count("(")
    assert parse(nested(MAX_DEPTH // each)) is not None
    with pytest.raises(ExpressionError, match=f"at most {MAX_DEPTH} parentheses") as refused:
        parse(nested(MAX_DEPTH // each + 1))
    assert refused.value.position <= len(level) * (MAX_DEPTH // each + 1)


def test_five_hundred_parentheses_are_refused_like_any_other_fault():
    with pytest.raises(ExpressionError) as refused:
        parse("(" * 500 + "a" + ")" * 500)
    assert refused.value.position == MAX_DEPTH + 1


def test_an_expression_tells_what_it_asks_of_the_caller():
    node = parse("a = auth_user.id or not (auth_user.is_admin and b in ('c', auth_user.email))")
    assert node is not None
    assert attributes(node) == {"id", "is_admin", "email"}


def test_what_was_read_once_is_remembered_and_a_fault_too():
    assert parsed("a = 1") is parsed("a = 1")
    assert isinstance(parsed("a = "), ExpressionError)
    assert parsed("a = ") is parsed("a = ")


def test_what_is_too_long_is_a_fault_that_takes_no_memory():
    huge = "a = 1 or " * 200_000
    assert isinstance(parsed(huge), ExpressionError)
    assert parsed(huge) is not parsed(huge)


PIECES = st.sampled_from(
    [
        *KEYWORDS,
        *("a", "b", "auth_user", "auth_user.id", "auth_user.is_admin", "'t'", "'", "1", "-2.5"),
        *("=", "!=", "<>", "<", "<=", "(", ")", ",", ".", " ", "\n", "--", "/*", ";", "\x00", "é"),
    ]
)
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=60).map(" ".join)


@given(TEXTS)
@example("a" * (MAX_LENGTH + 1))
@example("\ud800")
def test_any_text_is_read_or_refused_at_a_place_in_it(text: str):
    found = parsed(text)
    if isinstance(found, ExpressionError):
        assert 1 <= found.position <= len(text) + 1
        assert found.expected
        assert found.found


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("(" * MAX_LENGTH, id="opened"),
        pytest.param("not " * 256, id="not"),
        pytest.param("a=1 or " * 146 + "a", id="or"),
        pytest.param("a in(" + "1," * 509 + "1", id="a list without an end"),
        pytest.param("a in(" + ",".join(["1"] * 509) + ")", id="a long list"),
        pytest.param("(a or " * 31 + "a" + " and a)" * 31, id="levels"),
        pytest.param("auth_user." * 102, id="attributes"),
        pytest.param("a=" + "9" * 1020, id="a large number"),
        pytest.param("a=0." + "9" * 1020, id="a long fraction"),
    ],
)
def test_no_expression_takes_long_to_be_read(hostile: str):
    spent = []
    for _ in range(5):
        began = time.process_time()
        with suppress(ExpressionError):
            parse(hostile)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.02
