"""Statements of SQLAlchemy that reach no other rows than a decision allows."""

import enum
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column, relationship

from dhq_auth.sdk import Decision, Effect, MissingColumn, rows
from dhq_auth.sdk.tree import from_json


class Base(DeclarativeBase):
    """The mapped classes of a service."""


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str | None] = mapped_column("user_id")
    title: Mapped[str | None]
    tags: Mapped[list["Tag"]] = relationship()


class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(sa.ForeignKey("notes.id"))
    user_id: Mapped[str | None]


notes = Note.__table__


def filtered(tree, action="read"):
    return Decision(Effect.FILTER, action, from_json(tree))


MINE = filtered(["=", "user_id", "kim"])
DENY = Decision(Effect.DENY, "read")
ALLOW = Decision(Effect.ALLOW, "read")


@pytest.fixture
def session():
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        for number, author in enumerate(["kim", "lee", "kim", None], start=1):
            tags = [Tag(user_id="lee"), Tag(user_id="kim")]
            session.add(Note(id=number, author=author, title=f"note {number}", tags=tags))
        session.commit()
        session.expunge_all()
        yield session
    engine.dispose()


OTHER = aliased(Note)
SELECTS = {
    "class": (sa.select(Note), None),
    "attribute": (sa.select(Note.id), None),
    "table": (sa.select(notes.c.id), None),
    "narrowed already": (sa.select(Note).where(Note.id > 0).order_by(Note.id), None),
    "alias of the class": (sa.select(OTHER), None),
    "alias of the class, named": (sa.select(OTHER), OTHER),
    "alias of the table": (sa.select(notes.alias("n")), None),
    "class, named": (sa.select(Note), Note),
    "table, named": (sa.select(Note), notes),
    "join": (sa.select(Note.id).join(Note.tags).distinct(), Note),
    "outer join": (sa.select(Note.id).outerjoin(Note.tags).distinct(), Note),
    "join of an alias": (sa.select(OTHER.id).join(Tag, Tag.note_id == OTHER.id).distinct(), OTHER),
    "limited": (sa.select(Note).order_by(Note.id.desc()).limit(3), None),
}


@pytest.mark.parametrize(("statement", "table"), SELECTS.values(), ids=list(SELECTS))
def test_a_select_finds_the_rows_of_the_caller(session, statement, table):
    def ids(decision):
        found = session.scalars(rows(statement, decision, table=table)).all()
        return sorted(getattr(each, "id", each) for each in found)

    assert ids(MINE) == [1, 3]
    assert ids(DENY) == []
    assert len(ids(ALLOW)) >= 3


def test_a_count_counts_the_rows_of_the_caller(session):
    count = sa.select(sa.func.count()).select_from(Note)
    assert session.scalar(rows(count, MINE)) == 2
    assert session.scalar(rows(count, DENY)) == 0


def test_in_a_join_the_table_that_is_named_is_meant(session):
    joined = sa.select(Note.id, Tag.id).join(Note.tags)
    of_tags = session.execute(rows(joined, MINE, table=Tag)).all()
    assert len(of_tags) == 4  # each note has a tag of kim's
    both = rows(rows(joined, MINE, table=Tag), MINE, table=Note)
    assert len(session.execute(both).all()) == 2


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (sa.select(Note), OTHER),
        (sa.select(OTHER), Note),
        (sa.select(Note), Tag),
        (sa.select(Note), notes.alias("elsewhere")),
        (sa.select(Note).where(Note.id.in_(sa.select(Tag.note_id))), Tag),
        (sa.update(Note).values(title="x"), Tag),
        (sa.delete(notes), Tag),
    ],
)
def test_a_table_that_the_statement_is_not_about_is_refused(statement, table):
    action = {"update": "update", "delete": "delete"}.get(statement.__visit_name__, "read")
    with pytest.raises(ValueError, match="not about"):
        rows(statement, filtered(["=", "user_id", "kim"], action), table=table)


@pytest.mark.parametrize(
    "statement",
    [
        sa.select(Note.id, Tag.id),
        sa.select(Note).join(Note.tags),
        sa.select(sa.literal(1)),
        sa.select(sa.select(Note.author.label("user_id")).subquery()),
        sa.select(sa.select(Note).cte()),
    ],
)
def test_where_it_is_not_clear_whose_rows_are_meant_it_must_be_said(statement):
    for decision in (MINE, DENY, ALLOW):
        with pytest.raises(ValueError, match="table="):
            rows(statement, decision)


@pytest.mark.parametrize(
    "statement", [sa.insert(Note), sa.union(sa.select(Note), sa.select(Note)), None]
)
def test_what_has_no_rows_to_choose_from_is_refused(statement):
    with pytest.raises(TypeError):
        rows(statement, ALLOW)


@pytest.mark.parametrize("table", ["notes", 7, Note.author, object()])
def test_what_is_no_table_is_refused(table):
    with pytest.raises((TypeError, ValueError)):
        rows(sa.select(Note), MINE, table=table)


def test_a_column_that_the_table_lacks_is_an_error_and_not_all_rows():
    for tree in (
        ["=", "author", "kim"],
        ["is null", "nothing"],
        ["=", "id", {"column": "nothing"}],
    ):
        with pytest.raises(MissingColumn):
            rows(sa.select(Note), filtered(tree))


def test_an_update_and_a_delete_reach_the_rows_of_the_caller(session):
    change = rows(sa.update(Note).values(title="new"), filtered(["=", "user_id", "kim"], "update"))
    assert session.execute(change).rowcount == 2
    gone = rows(sa.delete(notes), filtered(["=", "user_id", "lee"], "delete"))
    assert session.execute(gone).rowcount == 1
    left = session.execute(sa.select(Note.id, Note.title).order_by(Note.id)).all()
    assert left == [(1, "new"), (3, "new"), (4, "note 4")]
    nothing = rows(sa.delete(Note), Decision(Effect.DENY, "delete"))
    assert session.execute(nothing).rowcount == 0


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        (sa.update(Note).values(title="x"), "read"),
        (sa.update(Note).values(title="x"), "delete"),
        (sa.delete(Note), "read"),
        (sa.delete(Note), "update"),
        (sa.select(Note), "create"),
        (sa.update(Note).values(title="x"), "create"),
    ],
)
@pytest.mark.parametrize("effect", list(Effect))
def test_a_decision_about_something_else_is_refused(statement, action, effect):
    tree = from_json(["=", "user_id", "kim"]) if effect is Effect.FILTER else None
    with pytest.raises(ValueError, match=r"about|check\(\)"):
        rows(statement, Decision(effect, action, tree))


def test_every_value_is_bound():
    hostile = "'; DROP TABLE notes; --"
    tree = ["or", ["=", "user_id", hostile], ["in", "title", [hostile, "x"]], ["<", "id", 10**18]]
    sql = str(rows(sa.select(Note), filtered(tree)).compile())
    assert "DROP" not in sql
    assert str(10**18) not in sql


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Shouted(sa.types.TypeDecorator[str]):
    """A text that is kept in capitals."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value, dialect):  # noqa: ARG002
        return value.upper() if value is not None else None


kinds = sa.Table(
    "kinds",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("colour", sa.Enum(Colour)),
    sa.Column("word", Shouted()),
    sa.Column("nocase", sa.String(collation="NOCASE")),
    sa.Column("hex", sa.Uuid(as_uuid=False)),
    sa.Column("moment", sa.DateTime()),
    sa.Column("data", sa.JSON()),
    sa.Column("span", sa.Interval()),
)


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        (["=", "colour", "RED"], True),
        (["=", "colour", "green"], False),
        (["in", "colour", ["BLUE", "RED"]], True),
        (["=", "word", "loud"], True),
        (["=", "nocase", "Word"], True),
        (["=", "nocase", "word"], False),
        (["in", "nocase", ["word", "WORD"]], False),
        (["not in", "nocase", ["word", "WORD"]], True),
        (["=", "hex", "0B0E7A4C-9D3F-4C6B-8E2A-111111111111"], True),
        (["=", "hex", "nonsense"], False),
        (["!=", "hex", "nonsense"], False),
        (["=", "moment", "2024-01-01T13:00:00+01:00"], True),
        (["=", "moment", "2024-01-01"], False),
        (["!=", "data", "x"], False),
        (["=", "span", 1], False),
        (["!=", "id", True], False),
        (["=", "id", True], True),
        (["=", "data", {"column": "data"}], False),
        (["<", "id", 1.5], True),
    ],
    ids=str,
)
def test_values_are_of_the_type_of_their_column(tree, found):
    engine = sa.create_engine("sqlite://")
    with engine.begin() as db:
        kinds.metadata.create_all(db)
        row = {
            "colour": Colour.RED,
            "word": "loud",
            "nocase": "Word",
            "hex": "0b0e7a4c-9d3f-4c6b-8e2a-111111111111",
            "moment": datetime(2024, 1, 1, 12),  # noqa: DTZ001
            "data": {"a": 1},
        }
        db.execute(sa.insert(kinds).values(id=1, **row))
        assert bool(db.execute(rows(sa.select(kinds.c.id), filtered(tree))).all()) is found
    engine.dispose()


def test_the_type_of_a_column_can_be_said():
    plain = sa.table("notes", sa.column("id"), sa.column("user_id"))
    statement = rows(sa.select(plain), filtered(["=", "user_id", "7"]), types={"user_id": "bigint"})
    assert list(statement.compile().params.values()) == [7]
    nobody = rows(sa.select(plain), filtered(["=", "user_id", "x"]), types={"user_id": "bigint"})
    assert "false" in str(nobody)
    with pytest.raises(ValueError, match="a type is one of"):
        rows(sa.select(plain), filtered(["=", "user_id", "7"]), types={"user_id": "money"})


def test_texts_are_not_put_in_order_on_a_database_whose_order_is_not_known():
    from sqlalchemy.dialects import mysql  # noqa: PLC0415

    statement = rows(sa.select(Note), filtered(["<", "title", "m"]))
    with pytest.raises(sa.exc.CompileError, match="SQLite and PostgreSQL"):
        statement.compile(dialect=mysql.dialect())
