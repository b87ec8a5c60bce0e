"""Accounts with a password: made, changed, disabled, deleted; by whomever, the same rules hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from dhq_auth.access.end import end_everything
from dhq_auth.accounts import store as accounts
from dhq_auth.accounts import usernames
from dhq_auth.accounts.profile import user_info
from dhq_auth.accounts.store import User, fold_email, lock_administrators
from dhq_auth.errors import Conflict, InvalidRequest, NotFound
from dhq_auth.events import PasswordChanged, UserChanged, UserCreated, UserDeleted
from dhq_auth.message import Message
from dhq_auth.passwords import rules
from dhq_auth.passwords import store as passwords
from dhq_auth.policies.defaults import ensure_defaults
from dhq_auth.policies.lockout import keep_administrable
from dhq_auth.settings import Settings
from dhq_auth.work import Transaction

INITIAL_PASSWORD_LIFETIME: Final = timedelta(days=7)
"""How long a password that the program made may be used: until then it must be changed."""
MAX_EMAIL: Final = 254
MAX_NAME: Final = 255
NAMES: Final = ("name", "first_name", "last_name")
"""The fields of what a person is called; all of them may be changed at any time."""
_EMAIL = re.compile(
    r"[^\s@\x00-\x1f\x7f<>()\[\]\\,;:\"]{1,64}@[^\s@\x00-\x1f\x7f<>()\[\]\\,;:\"]{1,253}"
)
USERNAME_TAKEN: Final = "This username is taken; choose another one."
EMAIL_TAKEN: Final = "There is an account with this email already."
LAST_ADMINISTRATOR: Final = "This is the last administrator: make somebody else one first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """How an account is called; checked by `checked`, at least one of the first two is there."""

    username: str | None = None
    email: str | None = None
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None


def checked(names: Names, *, reserved: bool = False) -> Names:
    """Return *names* if they may be an account's; InvalidRequest says what would be right.

    With *reserved* the username may be one that nobody can choose, such as `admin`.
    """
    if names.username is None and names.email is None:
        raise InvalidRequest("Give a username or an email, and a password.")
    if names.username is not None:
        usernames.check(names.username, reserved=reserved)
    if names.email is not None:
        check_email(names.email)
    for field in NAMES:
        check_name(getattr(names, field))
    return names


def check_email(email: str) -> str:
    """Return *email* if it looks like one (RFC 5321 4.5.3.1); InvalidRequest if it does not."""
    if len(email) > MAX_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise InvalidRequest("The email must look like name@example.com.")
    return email


def check_name(name: str | None) -> str | None:
    """Return a person's *name* if it is one line of printable text; else InvalidRequest."""
    if name is not None and (len(name) > MAX_NAME or not name.isprintable()):
        raise InvalidRequest(
            Message(
                "A name is one line of at most {max_name} characters, none of them a control "
                "character.",
                max_name=MAX_NAME,
            )
        )
    return name


def check_password(password: str, names: Names | User, settings: Settings) -> str:
    """Return *password* as it is hashed, if one who is called *names* may have it.

    Raises WeakPassword, which says why not.
    """
    called = (names.username, names.email, *(getattr(names, field) for field in NAMES))
    context = (*filter(None, called), settings.external_address.host, "dhq-auth")
    return rules.check(password, min_length=settings.password_min_length, context=context)


async def add_account(
    tx: Transaction,
    names: Names,
    hashed: str | None,
    *,
    vouched: bool,
    is_admin: bool = False,
    expires_at: datetime | None = None,
) -> User:
    """Make an account of the checked *names*, with a password unless *hashed* is None.

    *vouched*: who adds it knows whose the email is, so it counts as verified. Without that it is a
    claim: others may have made the same, and keep nobody from having it verified. Raises Conflict,
    which says what is taken.
    """
    if vouched and names.email and await accounts.user_by_verified_email(tx.db, names.email):
        raise Conflict(EMAIL_TAKEN, code="email_taken")
    if names.username and await accounts.user_by_username(tx.db, names.username):
        raise Conflict(USERNAME_TAKEN, code="username_taken")
    if is_admin:
        await _expect_administrator(tx)
    user = accounts.new_user(
        tx.now,
        username=names.username,
        email=names.email,
        email_verified=vouched and names.email is not None,
        name=names.name or _full_name(names.first_name, names.last_name),
        first_name=names.first_name,
        last_name=names.last_name,
        is_admin=is_admin,
    )
    await accounts.add_user(tx.db, user)
    if hashed is not None:
        await passwords.set_password(
            tx.db,
            user.id,
            hashed,
            tx.now,
            email_key=fold_email(user.email) if user.email else None,
            expires_at=expires_at,
        )
    tx.emit(
        UserCreated(
            user_id=user.id, user_info=user_info(user), provider="password", is_admin=user.is_admin
        )
    )
    return user


async def change_password(
    tx: Transaction, user: User, hashed: str, *, by: str, expires_at: datetime | None = None
) -> None:
    """Set the password of *user*, and end everything that the old one may have opened."""
    await end_everything(tx, user, "password_changed")
    await passwords.set_password(
        tx.db,
        user.id,
        hashed,
        tx.now,
        email_key=fold_email(user.email) if user.email else None,
        expires_at=expires_at,
    )
    tx.emit(PasswordChanged(user_id=user.id, by=by))


async def change_user(
    tx: Transaction, user_id: str, changes: Mapping[str, Any], *, by: str | None
) -> User:
    """Let the fields that *changes* names have these values; return the user as it now is.

    Who is disabled loses every session and token with it. Raises NotFound; Conflict for the last
    enabled administrator who would be none afterwards, and for the last whom the policies let
    change them.
    """
    leaves = any(changes.get(name) is False for name in ("is_admin", "is_active"))
    if changes.get("is_admin"):
        await _expect_administrator(tx)
    user = await _locked(tx, user_id, may_leave=leaves)
    changed = replace(user, **_with_full_name(user, changes))
    fields = tuple(
        name for name in User.__dataclass_fields__ if getattr(user, name) != getattr(changed, name)
    )
    if not fields:
        return user
    changed = replace(changed, updated_at=tx.now)
    await accounts.update_user(tx.db, user, changed)
    if leaves and user.is_admin:
        await keep_administrable(tx.db)
    if user.is_active and not changed.is_active:
        await end_everything(tx, user, "user_disabled", for_good=True)
    tx.emit(UserChanged(user_id=user.id, changes=fields, by=by))
    return changed


async def delete_user(tx: Transaction, user: User, *, by: str | None) -> bool:
    """Delete *user*, and all that is the user's; say whether the account was there.

    Raises Conflict for an administrator as `change_user` does.
    """
    try:
        user = await _locked(tx, user.id, may_leave=True)
    except NotFound:
        return False
    await end_everything(tx, user, "user_deleted", for_good=True)
    await accounts.delete_user(tx.db, user.id)
    if user.is_admin:
        await keep_administrable(tx.db)
    tx.emit(UserDeleted(user_id=user.id, by=by))
    return True


async def _locked(tx: Transaction, user_id: str, *, may_leave: bool) -> User:
    """Return the user as it is until the end of *tx*; raises NotFound.

    With *may_leave* the user may cease to be an administrator: Conflict for the last enabled one.
    Administrators are locked before the user, and in one order, so that of two who do this to one
    another at once one waits for the other, and none for ever.
    """
    administrators = await lock_administrators(tx.db) if may_leave else {}
    user = await accounts.lock_user(tx.db, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    if administrators.keys() == {user.id}:
        raise Conflict(LAST_ADMINISTRATOR, code="last_administrator")
    return user


async def _expect_administrator(tx: Transaction) -> None:
    """Let the first administrator find the default policies."""
    if not await lock_administrators(tx.db):
        await ensure_defaults(tx)


def _full_name(first: str | None, last: str | None) -> str | None:
    return " ".join(filter(None, (first, last))) or None


def _with_full_name(user: User, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let the name follow first and last name, if it did so far and is not changed by itself."""
    first, last = (changes.get(part, getattr(user, part)) for part in ("first_name", "last_name"))
    if "name" in changes or user.name != _full_name(user.first_name, user.last_name):
        return changes
    return {**changes, "name": _full_name(first, last)}
