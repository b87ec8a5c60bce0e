"""Callers, rows and expressions that are put to every way in which a policy can be asked."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
import sqlalchemy as sa

from dhq_auth.policies.caller import ANONYMOUS, AuthUser

KIM = AuthUser(id="u1", username="kim", email="kim@example.com")
QUOTE = AuthUser(id="o'neil\\", username='"; --', email="ä@example.com")
ADMIN = AuthUser(id="7", username="root", is_admin=True)
UUID_USER = AuthUser(id="0B0E7A4C-9D3F-4C6B-8E2A-111111111111", username="42")
HUGE = AuthUser(id="99999999999999999999", username="9223372036854775808", email="1.5")
USERS = (ANONYMOUS, KIM, QUOTE, ADMIN, UUID_USER, HUGE)

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("user_id", sa.Text),
    sa.Column("Title", sa.Text),
    sa.Column("order", sa.Integer),
    sa.Column("flag", sa.Boolean),
    sa.Column("select", sa.Boolean),
    sa.Column("score", sa.Double),
    sa.Column("amount", sa.Numeric(12, 3)),
    sa.Column("owner", sa.Uuid),
    sa.Column("number", sa.SmallInteger),
    sa.Column("due", sa.Date),
    sa.Column("made", sa.DateTime(timezone=True)),
)
CASTS = {
    "user_id": "text",
    "Title": "text",
    "owner": "uuid",
    "number": "smallint",
    "due": "date",
    "made": "timestamptz",
    "order": "integer",
    "score": "double precision",
    "amount": "numeric",
    "flag": "boolean",
    "select": "boolean",
}
_OWN = UUID(UUID_USER.id or "")
ROWS = [
    dict(zip(notes.columns.keys(), [number, *values], strict=True))
    for number, values in enumerate(
        [
            (None,) * 11,
            ("u1", "kim", 1, True, False, 0.1, Decimal("0.1"), _OWN, 42, date(2024, 2, 29), None),
            ("u1", "", 7, False, True, 1.5, Decimal("1.500"), None, 7, None, None),
            ("o'neil\\", '"; --', 0, None, True, -2.0, Decimal(-2), None, None, None, None),
            ("7", "Kim", -3, True, None, 7.0, Decimal(7), UUID(int=7), -7, date(1999, 1, 1), None),
            ("U1", "ä", 2**31 - 1, False, False, 1e300, None, None, 1, date(2024, 3, 1), None),
            ("", "Z", None, True, True, None, Decimal("0.3"), None, 0, None, None),
            ("42", "z", 42, None, None, 42.0, Decimal(42), _OWN, 42, None, None),
            ("😀", "\uffff", 5, True, False, 0.3, None, None, 5, None, None),
            (None, "kim", 1, True, True, 1.0, Decimal(1), UUID(int=1), 1, date(2024, 1, 1), None),
        ]
    )
]
for _row in ROWS[1:]:
    _row["made"] = datetime(2024, 1, 1, 12, _row["id"], tzinfo=UTC)

NUMBERS = {int: sa.BigInteger(), float: sa.Double()}
"""As what to bind the numbers of plain SQL: asyncpg would go by the column, and not be exact."""
PLAIN = [
    "",
    "user_id = auth_user.id",
    "auth_user.id = user_id",
    "user_id != auth_user.id",
    "not (user_id = auth_user.id)",
    "not (user_id = auth_user.id and not flag) or Title = auth_user.username",
    "auth_user.is_admin",
    "not auth_user.is_admin",
    "auth_user.is_authenticated and user_id is not null",
    "not auth_user.is_authenticated",
    "auth_user.email is null or user_id = auth_user.id",
    "auth_user.email is not null and flag",
    "flag",
    "not flag",
    "flag = select",
    "flag != select",
    "flag = auth_user.is_admin",
    "select in (true, auth_user.is_admin)",
    "order = 1",
    "order < 1",
    "order >= 2147483647",
    "order < 9223372036854775807 and order > -9223372036854775807",
    "order > 0.5",
    "order in (1, 7.0, 42)",
    "order not in (1, 7, 42)",
    "order not in (1, null)",
    "order in (1, null)",
    "order = score or score = order",
    "score = 0.1",
    "amount = 0.1",
    "amount in (0.1, 7, 1.5)",
    "score < amount",
    "user_id in ('u1', auth_user.id, Title)",
    "user_id not in ('u1', auth_user.id, Title)",
    "user_id not in ('u1', 'u2', null)",
    "auth_user.id in ('u1', user_id)",
    "auth_user.id not in ('u1', user_id)",
    "auth_user.username in ('kim', 'root') and order is not null",
    "auth_user.username < 'm' and user_id is not null",
    "Title < 'a'",
    "Title >= 'Z' and Title <= 'z'",
    "Title < user_id",
    "Title < auth_user.username",
    "Title = 'o''neil' or Title = '\"; --' or user_id = '😀'",
    "user_id = 'o''neil\\'",
    "user_id = ''",
    "user_id = null or null != null or null in (1, 2)",
    "1 = 1 and (2 > 3 or 'a' < 'b') and user_id is not null",
    "1 = 2",
    "Title is null or (user_id is null and flag is not null)",
]
TYPED = [
    "owner = auth_user.id",
    "owner != auth_user.id",
    "owner in (auth_user.id, '00000000-0000-0000-0000-000000000007', 'nonsense')",
    "owner not in (auth_user.id, '00000000-0000-0000-0000-000000000007')",
    "owner not in ('00000000-0000-0000-0000-000000000007', 'nonsense')",
    "owner = '00000000000000000000000000000007'",
    "owner = user_id or number = user_id",
    "number = auth_user.id",
    "number != auth_user.id",
    "number = auth_user.username",
    "number < auth_user.username",
    "number in (auth_user.username, '7')",
    "number not in (auth_user.username, '7', 'x')",
    "number = '99999999999999999999' or number = ' 7' or number = '\uff17'",
    "number < '999999'",
    "number = true",
    "number != true",
    "number in (true, false)",
    "number not in (true, false)",
    "amount < auth_user.email",
    "score >= auth_user.email",
    "score = auth_user.username or amount = auth_user.id",
    "due = '2024-02-29'",
    "due < '2024-01-01'",
    "due != '2024-02-30'",
    "made > '2024-01-01T12:03:00Z'",
    "made <= '2024-01-01T13:03:00+01:00'",
    "made < '2024-01-01 12:05'",
    "flag = 'true'",
    "flag = auth_user.username or Title = auth_user.username",
    "Title = 5",
    "owner = 5 or due = 1",
]
EVERY = [pytest.param(each, CASTS, id=each or "empty") for each in TYPED] + [
    pytest.param(each, {"Title": "text"}, id=each or "empty") for each in PLAIN
]
