"""The rows of policies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Column,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    exists,
    insert,
    select,
    update,
)

from dhq_auth.db import Db, Timestamp, metadata
from dhq_auth.errors import Conflict

ALL: Final = "all"
"""Every service, every table, every action."""

policies = Table(
    "policies",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("service", String(128), nullable=False),
    Column("table_name", String(128), nullable=False),
    Column("action", String(16), nullable=False),
    Column("expression", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    UniqueConstraint("service", "table_name", "action"),
)

Key = tuple[str, str, str]
"""What a policy is for, and there is one for each: service, table and action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule, as the database had it at one moment."""

    id: str
    service: str
    table_name: str
    action: str
    expression: str
    description: str
    created_at: datetime
    updated_at: datetime

    @property
    def key(self) -> Key:
        """What it is for."""
        return self.service, self.table_name, self.action


_FIELDS: Final = tuple(Policy.__dataclass_fields__)
_KEY: Final = (policies.c.service, policies.c.table_name, policies.c.action)
_NAMES: Final = tuple(column.name for column in _KEY)
_OR_ALL: Final = [column.in_([bindparam(column.name), ALL]) for column in _KEY]
_NEAR: Final = select(policies).where(*_OR_ALL)
_OF_SERVICE: Final = select(policies).where(_OR_ALL[0]).limit(bindparam("most"))


async def policies_for(
    db: Db, services: Iterable[str], tables: Iterable[str], actions: Iterable[str]
) -> dict[Key, Policy]:
    """Return the policies for any of these together: read anew each time, by the index."""
    wanted = zip(_KEY, (services, tables, actions), strict=True)
    found = await db.execute(
        select(policies).where(*(column.in_([*names]) for column, names in wanted))
    )
    return {policy.key: policy for policy in map(policy_of, found)}


async def policies_near(db: Db, key: Key) -> dict[Key, Policy]:
    """Return the up to eight policies for what *key* names, or for all in its place.

    It is the question that is asked most: one statement, the same each time, by the index alone.
    """
    found = await db.execute(_NEAR, dict(zip(_NAMES, key, strict=True)))
    return {policy.key: policy for policy in map(policy_of, found)}


async def policies_of(db: Db, service: str, limit: int) -> list[Policy] | None:
    """Return the policies of *service* and those for all; None if they are more than *limit*."""
    found = (await db.execute(_OF_SERVICE, {"service": service, "most": limit + 1})).all()
    return None if len(found) > limit else [policy_of(row) for row in found]


async def all_policies(db: Db) -> list[Policy]:
    """Return every policy, ordered by what it is for."""
    return [policy_of(row) for row in await db.execute(select(policies).order_by(*_KEY))]


async def there_is_any(db: Db) -> bool:
    """Say whether there is a policy at all."""
    return bool((await db.execute(select(exists(select(policies.c.id))))).scalar_one())


async def policy_by_id(db: Db, policy_id: str, *, lock: bool = False) -> Policy | None:
    """Return the policy *policy_id*; with *lock*, as nobody else changes it until the end of *db*."""
    found = select(policies).where(policies.c.id == policy_id)
    row = (await db.execute(found.with_for_update() if lock else found)).one_or_none()
    return policy_of(row) if row else None


async def add_policies(db: Db, added: Sequence[Policy]) -> None:
    """Add policies; Conflict if there is one for the same service, table and action."""
    if added:
        rows = [{name: getattr(policy, name) for name in _FIELDS} for policy in added]
        await db.execute(insert(policies), rows)


async def update_policy(db: Db, policy: Policy) -> None:
    """Write *policy* as it is now; Conflict if there is another for the same, or it is gone."""
    values = {name: getattr(policy, name) for name in _FIELDS if name != "id"}
    this = update(policies).where(policies.c.id == policy.id).values(**values)
    if (await db.execute(this.returning(policies.c.id))).one_or_none() is None:
        raise Conflict("The policy was deleted meanwhile.")


async def delete_policies(db: Db, policy_ids: Sequence[str]) -> None:
    """Delete the policies of these ids."""
    if policy_ids:
        these = delete(policies).where(policies.c.id == bindparam("this"))
        await db.execute(these, [{"this": policy_id} for policy_id in policy_ids])


def policy_of(row: Any) -> Policy:
    """Return the policy in a row of the table."""
    return Policy(**dict(zip(_FIELDS, row, strict=True)))
