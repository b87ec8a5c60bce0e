"""Names and texts that try to be more than that, in what `policy rls` prints."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhq_auth.errors import InvalidRequest
from dhq_auth.policies.postgresql import NotExpressible, identifier, literal
from dhq_auth.policies.rls import table_security
from tests.policies.renderings import connected, policies, run_script
from tests.policies.rows import ADA
from tests.policies.secured import as_superuser, seen

pytestmark = pytest.mark.postgres

HOSTILE = [
    'notes"; DROP TABLE notes; --',
    "notes'; DROP TABLE notes; --",
    "notes\n; DROP TABLE notes",
    "notes$dhq_auth$",
    "a.b.c",
    ".notes",
    "notes.",
    "",
    "all",
    "n\0",
    "nötes",
    "n" * 64,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_table_has_such_a_name(name):
    with pytest.raises((NotExpressible, InvalidRequest)):
        table_security({}, name)
    with pytest.raises((NotExpressible, InvalidRequest)):
        table_security({}, "notes", schema=name if name != "all" else "x.y")


@pytest.mark.parametrize("service", ["s\n; DROP TABLE notes", "", "s" * 129])
def test_no_service_has_such_a_name(service):
    with pytest.raises(InvalidRequest):
        table_security({}, "notes", service)


@pytest.mark.parametrize(
    "casts",
    [
        {"id; --": "integer"},
        {'"id"': "integer"},
        {"id": "integer) OR (true"},
        {"id": "INTEGER"},
        {"id": ""},
        {"id": "oid"},
    ],
)
def test_no_cast_is_anything_but_a_column_and_a_type(casts):
    with pytest.raises(NotExpressible):
        table_security(policies("id = auth_user.id"), "notes", casts=casts)


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
def test_a_caller_is_no_point_in_time(kind):
    with pytest.raises(NotExpressible, match=r"auth_user.id is compared with a column of type"):
        table_security(policies("due = auth_user.id"), "notes", casts={"due": kind})


async def test_a_faulty_expression_cannot_leave_its_comment(url):
    hostile = "x\n; DROP TABLE notes; --\r; DROP TABLE notes;\u2028\x85 */ $dhq_auth$ :p \\! ls é"
    script = table_security(policies(hostile), "notes").script()
    assert script.isascii()
    comments = [line for line in script.splitlines() if "DROP TABLE" in line]
    assert comments
    assert all(line.startswith("-- ") for line in comments)
    await run_script(url, script)
    assert await seen(url, ADA) == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(TEXTS, st.text("'\\\"$:%;-e\n\u00a5", max_size=8)))
async def test_a_text_means_itself_under_every_setting(two_settings, text):
    sql = literal(text)
    assert sql.isascii()
    assert sql.isprintable()
    for connection in two_settings:
        assert await connection.fetchval(f"SELECT {sql}") == text


@pytest.fixture
async def two_settings(postgres_url):
    async with connected(postgres_url) as usual, connected(postgres_url) as old:
        await old.execute(
            "SET standard_conforming_strings = off; SET backslash_quote = on; "
            "SET escape_string_warning = off"
        )
        yield usual, old


def test_a_text_holds_no_nul():
    with pytest.raises(NotExpressible):
        literal("a\0b")


async def test_hostile_texts_in_a_policy_are_texts(url):
    text = "'; DROP TABLE notes; -- \\' \" $dhq_auth$ :x é😀"
    await as_superuser(url, f"UPDATE notes SET title = {literal(text)} WHERE id = 3")  # noqa: S608
    expression = "title = '{}'".format(text.replace("'", "''"))
    script = table_security(policies(expression), "notes").script()
    assert script.isascii()
    for off in ("", "SET standard_conforming_strings = off; SET escape_string_warning = off;"):
        await run_script(url, off + script)
        assert await seen(url, ADA) == [3]


def test_a_quote_in_a_name_is_doubled():
    assert identifier('a"b') == '"a""b"'
