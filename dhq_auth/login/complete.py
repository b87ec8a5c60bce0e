"""The end of every login: the account found, linked or made, and a session begun."""

from dataclasses import replace
from hashlib import md5

from dhq_auth.access.begin import Login, begin_session
from dhq_auth.accounts import store, usernames
from dhq_auth.accounts.identities import store as identities
from dhq_auth.accounts.profile import user_info
from dhq_auth.accounts.store import User
from dhq_auth.db import Db
from dhq_auth.errors import Conflict, LoginFailed
from dhq_auth.events import IdentityLinked, Source, UserCreated
from dhq_auth.login.connectors import Identity
from dhq_auth.sessions.store import Device
from dhq_auth.settings import ProviderSettings, Settings
from dhq_auth.work import Transaction, Work

ATTEMPTS = 10
"""How often a login is tried whose rows others were faster to write."""
LEGACY_PROVIDERS = frozenset({"google", "github"})


async def complete(
    identity: Identity,
    provider: ProviderSettings,
    work: Work,
    settings: Settings,
    source: Source,
    *,
    device: Device,
    replaced_cookie: str | None,
) -> Login:
    """Log in whom *provider* vouches for, in one transaction.

    The session cookie that the browser had before counts no more.

    Two first logins of one person at once make one user: whoever comes second finds the first
    one's rows, and begins again. Raises LoginFailed for an account that is disabled.
    """

    async def begin(tx: Transaction) -> Login:
        user = await _user(tx, identity, provider, settings)
        if not user.is_active:
            raise LoginFailed("This account is disabled.")
        return await begin_session(
            tx,
            user,
            provider.name,
            settings,
            device=device,
            replaced_cookie=replaced_cookie,
        )

    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await work.transact(source, begin)
        except Conflict:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


async def _user(
    tx: Transaction, identity: Identity, provider: ProviderSettings, settings: Settings
) -> User:
    """Return the user of *identity*: the one it had, one that it may link to, or a new one."""
    verified_email = identity.email if identity.email_verified and provider.trust_email else None
    holder = await store.user_by_verified_email(tx.db, verified_email) if verified_email else None
    if user := await identities.user_by_identity(tx.db, identity.issuer, identity.subject):
        await identities.touch_identity(tx.db, identity.issuer, identity.subject, tx.now)
    else:
        user, how = await _linkable(tx.db, identity, provider, verified_email, holder)
        if user is None:
            return await _create(tx, identity, provider, settings, verified_email)
        await _link(tx, user, identity, provider, how)
    owns_email = verified_email is not None and (holder is None or holder.id == user.id)
    return await _refresh(tx, user, identity, provider, verified=owns_email)


async def _linkable(
    db: Db,
    identity: Identity,
    provider: ProviderSettings,
    verified_email: str | None,
    holder: User | None,
) -> tuple[User | None, str]:
    """Return the account that *identity* may come into though it never did, and why."""
    if provider.name in LEGACY_PROVIDERS:
        provider_id = f"{provider.name}:{identity.subject}"
        if user := await identities.user_without_identity(db, provider_id=provider_id):
            return user, "provider_id"
    if verified_email is not None:
        for spelling in dict.fromkeys((verified_email, verified_email.lower())):
            legacy_id = md5(spelling.encode(), usedforsecurity=False).hexdigest()
            if user := await identities.user_without_identity(db, user_id=legacy_id):
                return user, "email_of_0.1.6"
    return holder, "verified_email"


async def _create(
    tx: Transaction,
    identity: Identity,
    provider: ProviderSettings,
    settings: Settings,
    verified_email: str | None,
) -> User:
    username = None
    if settings.username_from_provider:
        wanted = usernames.suggest(identity.login, identity.email)
        username = await store.free_username(tx.db, wanted)
    user = store.new_user(
        tx.now,
        username=username,
        name=identity.name,
        email=identity.email,
        email_verified=verified_email is not None,
        avatar_url=identity.avatar_url,
        provider_id=f"{provider.name}:{identity.subject}",
    )
    await store.add_user(tx.db, user)
    await _add_identity(tx, user, identity, provider)
    tx.emit(UserCreated(user_id=user.id, user_info=user_info(user), provider=provider.name))
    return user


async def _link(
    tx: Transaction, user: User, identity: Identity, provider: ProviderSettings, how: str
) -> None:
    await _add_identity(tx, user, identity, provider)
    tx.emit(
        IdentityLinked(user_id=user.id, provider=provider.name, issuer=identity.issuer, how=how)
    )


async def _add_identity(
    tx: Transaction, user: User, identity: Identity, provider: ProviderSettings
) -> None:
    await identities.add_identity(
        tx.db,
        user_id=user.id,
        issuer=identity.issuer,
        subject=identity.subject,
        provider=provider.name,
        now=tx.now,
    )


async def _refresh(
    tx: Transaction,
    user: User,
    identity: Identity,
    provider: ProviderSettings,
    *,
    verified: bool,
) -> User:
    """Take over what the provider says of *user* today.

    A verified email replaces the one that was there; an unverified one only another unverified.
    """
    today = replace(
        user,
        name=identity.name or user.name,
        avatar_url=identity.avatar_url or user.avatar_url,
        provider_id=f"{provider.name}:{identity.subject}",
    )
    if identity.email and (verified or not user.email_verified):
        today = replace(today, email=identity.email, email_verified=verified)
    if today == user:
        return user
    today = replace(today, updated_at=tx.now)
    await store.update_user(tx.db, user, today)
    return today
