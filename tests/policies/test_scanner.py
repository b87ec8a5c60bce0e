"""An expression is cut into words, or refused where the first character stands that is none."""

import time

import pytest

from dhq_auth.policies.scanner import MAX_LENGTH, ExpressionError, tokens


def words(expression: str) -> list[tuple[str, str, int]]:
    return [(each.kind, each.text, each.position) for each in tokens(expression)]


def test_every_word_has_its_kind_and_its_place():
    assert words("a  <>\n-1.5 AND b in('it''s',\tTrue)") == [
        ("name", "a", 1),
        ("mark", "!=", 4),
        ("number", "-1.5", 7),
        ("keyword", "and", 12),
        ("name", "b", 16),
        ("keyword", "in", 18),
        ("mark", "(", 20),
        ("text", "it's", 21),
        ("mark", ",", 28),
        ("keyword", "true", 30),
        ("mark", ")", 34),
        ("end", "", 35),
    ]


@pytest.mark.parametrize(
    ("expression", "position", "expected"),
    [
        pytest.param("a = 1 -- b", 7, "no comments", id="line comment"),
        pytest.param("a = 1/* b */", 6, "no comments", id="block comment"),
        pytest.param("a::text = 'b'", 2, "no casts", id="cast"),
        pytest.param("a = 1; drop table users", 6, "one expression", id="second statement"),
        pytest.param('"a" = 1', 1, "a column without quotes", id="quoted name"),
        pytest.param("`a` = 1", 1, "a column without quotes", id="backticks"),
        pytest.param("a = 'b", 5, "the ' that ends this text", id="text without an end"),
        pytest.param("a = 'b''", 5, "the ' that ends this text", id="text that ends in a quote"),
        pytest.param("a = 'b' or c = ''' or d", 16, "the ' that ends", id="odd quotes"),
        pytest.param("a = $$b$$", 5, "a column", id="dollar quotes"),
        pytest.param("a = $1", 5, "a column", id="parameter of a driver"),
        pytest.param("a = :p1", 5, "a column", id="parameter"),
        pytest.param("a = ?", 5, "a column", id="question mark"),
        pytest.param("a = b + 1", 7, "a column", id="arithmetic"),
        pytest.param("a || b = 'x'", 3, "a column", id="concatenation"),
        pytest.param("a ! = 1", 3, "a column", id="divided operator"),
        pytest.param("a = 1e5", 5, "a number", id="exponent"),
        pytest.param("a = 0x10", 5, "a number", id="hexadecimal"),
        pytest.param("a = 1.", 5, "a number", id="point without digits"),
        pytest.param("a = 1.2.3", 5, "a number", id="two points"),
        pytest.param("a = 1_000", 5, "a number", id="digits with _"),
        pytest.param("a = 12ab", 5, "a number", id="digits with letters"),
        pytest.param("a = \\'b\\'", 5, "a column", id="backslash"),
        pytest.param("а = 1", 1, "a column", id="cyrillic letter"),  # noqa: RUF001
        pytest.param("ａ = 1", 1, "a column", id="fullwidth letter"),  # noqa: RUF001
        pytest.param("a = ١", 5, "a column", id="arabic digit"),  # noqa: RUF001
        pytest.param("a ＝ 1", 3, "a column", id="fullwidth equals"),  # noqa: RUF001
        pytest.param("a = 'b’", 5, "the ' that ends", id="typographic quote"),  # noqa: RUF001
        pytest.param("a\u00a0= 1", 2, "a column", id="blank that does not break"),
        pytest.param("a\u200b= 1", 2, "a column", id="blank without width"),
        pytest.param("\ufeffa = 1", 1, "a column", id="byte order mark"),
        pytest.param("a\x00 = 1", 2, "a column", id="NUL"),
        pytest.param("a = 'b\x00c'", 7, "a printable character", id="NUL in a text"),
        pytest.param("a = 'b\nc'", 7, "a printable character", id="line break in a text"),
        pytest.param("a = 'b\u202ec'", 7, "a printable character", id="text turned around"),
        pytest.param("a = 'b\u200fc'", 7, "a printable character", id="right-to-left mark"),
        pytest.param("a = 'b\ud800c'", 7, "a printable character", id="half a character"),
    ],
)
def test_what_is_not_of_the_grammar_is_refused_where_it_stands(
    expression: str, position: int, expected: str
):
    with pytest.raises(ExpressionError) as refused:
        words(expression)
    assert refused.value.position == position
    assert refused.value.expected.startswith(expected)


def test_a_text_may_hold_whatever_people_write():
    written = "Zoë 😀 'quoted' -- /* ; \" :p1 \\ %"
    (_, text, _), _ = words("'{}'".format(written.replace("'", "''")))
    assert text == written


def test_the_longest_expression_is_read_and_one_character_more_is_not():
    assert words("a" * MAX_LENGTH)[0][1] == "a" * MAX_LENGTH
    with pytest.raises(ExpressionError) as refused:
        words(" " * (MAX_LENGTH + 1))
    assert (refused.value.position, refused.value.found) == (MAX_LENGTH + 1, "1,025")


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param("'" * (MAX_LENGTH - 1), id="quotes"),
        pytest.param("'" + "''" * 511, id="doubled quotes without an end"),
        pytest.param("1" * 1023 + "a", id="digits"),
        pytest.param("1" * 511 + "." + "1" * 511 + "a", id="digits with a point"),
        pytest.param(" " * 1023 + "$", id="blanks"),
        pytest.param("-" * 1024, id="dashes"),
    ],
)
def test_no_expression_takes_long_to_be_cut(hostile: str):
    spent = []
    for _ in range(5):
        began = time.process_time()
        with pytest.raises(ExpressionError):
            words(hostile)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.01
