"""Name and password, judged: throttled, off the event loop, telling nothing of who exists."""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from dhq_auth.access.store import Account, account_of_user, accounts_by_name
from dhq_auth.accounts import usernames
from dhq_auth.accounts.store import fold_email, hold
from dhq_auth.errors import TooManyRequests, Unavailable, WrongPassword
from dhq_auth.events import LoginRefused, Source
from dhq_auth.passwords import store as passwords
from dhq_auth.passwords.hashing import PasswordHasher
from dhq_auth.throttle.failures import LoginFailures
from dhq_auth.throttle.rates import RateLimit
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.work import Transaction, Work

MAX_NAME: Final = 320
"""Characters of a username or email that can be somebody's (RFC 3696, erratum 1690)."""
REMEMBERED: Final = timedelta(minutes=5)
MAX_REMEMBERED: Final = 1000
NOWHERE: Final = "unknown"
ANYBODY: Final = ""
"""What is throttled where an address has tried too much, at whichever accounts."""

_Question = tuple[bytes, tuple[Account, ...]]
"""Who asks whether a password is whose, and the rows that it is judged by."""


class PasswordLogins:
    """Says whose name and password were presented.

    *throttled* is told where from there were too many attempts.
    """

    def __init__(
        self,
        work: Work,
        hasher: PasswordHasher,
        failures: LoginFailures,
        checks: RateLimit,
        keyring: Keyring,
        *,
        throttled: Callable[[Source], None] = lambda _source: None,
    ) -> None:
        self._work = work
        self._hasher = hasher
        self._keyring = keyring
        self._throttled = throttled
        self._failures = failures
        self._checks = checks
        self._recent = _Recent()
        self._under_way: dict[_Question, asyncio.Task[Account]] = {}

    async def hashed(self, password: str, source: Source) -> str:
        """Return the hash of a new *password*; raises TooManyRequests or Unavailable."""
        self._checks.spend(source.address or NOWHERE)
        return await self._hasher.hash(password)

    async def account_of(self, name: str, password: str, source: Source) -> Account:
        """Return the enabled account whose *name*, a username or an email, and *password* these are.

        Raises WrongPassword, TooManyRequests, or Unavailable when too many wait for a hash.
        """
        name = name.strip()
        accounts = await self._candidates(name)
        if "@" in name:
            asked = _Asked(name, self._of_nobody(name), accounts, is_email=True)
        else:
            throttled = accounts[0].user.id if accounts else self._of_nobody(name)
            asked = _Asked(name, throttled, accounts[:1])
        return await self._one_of(asked, password, source)

    async def confirm(self, user_id: str, password: str, source: Source) -> Account:
        """Return the account of *user_id* if *password* is its own; raises as `account_of` does."""
        async with self._work.read() as db:
            account = await account_of_user(db, user_id)
        accounts = [account] if account else []
        return await self._one_of(_Asked(user_id, user_id, accounts), password, source)

    async def _one_of(self, asked: "_Asked", password: str, source: Source) -> Account:
        try:
            return await self._known_or_judged(asked, password, source)
        except TooManyRequests:
            self._throttled(source)
            raise

    async def _known_or_judged(self, asked: "_Asked", password: str, source: Source) -> Account:
        for account in asked.accounts:
            recent = self._recent.holds(account.hash, password, self._work.now())
            if recent and not self._is_over(account):
                await self._check_believed(asked, account, source.address or NOWHERE)
                return account
        return await self._together(asked, password, source)

    async def _check_believed(self, asked: "_Asked", account: Account, address: str) -> None:
        """Refuse *account* where another attempt would be one too many.

        It was believed a moment ago: scripts that send Basic with each request cost no hash.
        """
        await self._failures.check(asked.throttled, address)
        if asked.is_email:
            try:
                await self._failures.check(account.user.id, address)
            except TooManyRequests:
                raise WrongPassword from None  # as in `_matching`

    def _of_nobody(self, name: str) -> str:
        """Return what a name that is nobody's is throttled by, however it is spelt.

        It may be a password that was typed into the wrong field: only who has our keys, and not who
        has the database alone, can try guesses at it.
        """
        folded = fold_email(usernames.fold(name)).encode(errors="surrogatepass")
        key = self._keyring.secret_of("names that are nobody's").encode()
        return hmac.digest(key, folded, "sha256").hex()

    async def _candidates(self, name: str) -> list[Account]:
        if not name or len(name) > MAX_NAME or "\x00" in name:
            return []
        async with self._work.read() as db:
            return await accounts_by_name(db, name)

    async def _together(self, asked: "_Asked", password: str, source: Source) -> Account:
        """Judge once what several requests from one address ask at the same time, of the same rows.

        Who begins after a change has read other rows, and is not told what was judged before it.
        """
        address = source.address or NOWHERE
        said = self._recent.digest(f"{asked.throttled}\0{address}\0{asked.name}", password)
        question = (said, tuple(asked.accounts))
        task = self._under_way.get(question)
        if task is None:
            task = asyncio.create_task(self._judge(asked, password, source))
            self._under_way[question] = task
            task.add_done_callback(partial(self._done, question))
        # One of them that goes away must not take the answer from the others.
        return await asyncio.shield(task)

    def _done(self, question: "_Question", task: asyncio.Task[Account]) -> None:
        del self._under_way[question]
        if not task.cancelled():
            task.exception()  # known, even if nobody waits for the answer any more

    async def _judge(self, asked: "_Asked", password: str, source: Source) -> Account:
        address = source.address or NOWHERE
        known = asked.accounts[0].user.id if asked.accounts else None
        async with self._told(ANYBODY, None, source):
            self._checks.spend(address)
        async with self._told(asked.throttled, known, source):
            await self._failures.begin(asked.throttled, address)
        account = await self._matching(asked, password, address)
        if account is None:
            raise await self._refused(known, "wrong_password", source)
        if self._is_over(account):
            raise await self._refused(account.user.id, "account_over", source)
        for throttled in {asked.throttled, account.user.id}:
            await self._failures.succeeded(throttled, address)
        current = await self._with_today_s_cost(account, password, source)
        self._recent.remember(current, password, self._work.now())
        return account

    async def _matching(self, asked: "_Asked", password: str, address: str) -> Account | None:
        """Return the account whose password this is; nobody's takes as long as one that is there.

        Whose an email is, and whether it is anybody's, is not told (PWD-07), though anybody can make
        himself one of those who claim it, and see what that changes. So each has failures of its
        own: neither does a success of one forgive guesses at another, nor a failure keep him out;
        and who has used up those of an account is told that the password is wrong.
        """
        found, counted = None, [asked.throttled]
        judged: Sequence[Account | None] = asked.accounts or [None]
        try:
            for account in judged:
                admitted = True
                if asked.is_email:
                    place = account.user.id if account else f"{asked.throttled} account"
                    if admitted := await self._failures.admits(place, address):
                        counted.append(place)
                stored = account.hash if account and admitted else None
                if await self._hasher.verify(password, stored) and found is None:
                    found = account
        except Unavailable:  # too many wait for a hash: whoever is sent away has not failed
            for place in counted:
                await self._failures.not_judged(place, address)
            raise
        return found

    @asynccontextmanager
    async def _told(
        self, throttled: str, user_id: str | None, source: Source
    ) -> AsyncIterator[None]:
        """Let it be remembered that there were too many attempts: once in each window, not for each."""
        try:
            yield
        except TooManyRequests:
            with suppress(Unavailable):  # the refusal stands all the same
                if await self._failures.is_first_refusal(throttled, source.address or NOWHERE):
                    await self._refused(user_id, "throttled", source)
            raise

    async def _refused(self, user_id: str | None, reason: str, source: Source) -> WrongPassword:
        refused = LoginRefused(user_id=user_id, provider="password", reason=reason)
        await self._work.tell(source, refused)
        return WrongPassword()

    def _is_over(self, account: Account) -> bool:
        """Whether *account* is disabled, or its password had to be changed until now."""
        expired = account.expires_at is not None and account.expires_at <= self._work.now()
        return expired or not account.user.is_active

    async def _with_today_s_cost(self, account: Account, password: str, source: Source) -> str:
        """Return the hash of *account*, made anew where its cost or kind is not today's."""
        if not self._hasher.outdated(account.hash):
            return account.hash
        try:
            hashed = await self._hasher.hash(password)
        except Unavailable:  # too many wait: it is done at another login
            return account.hash

        async def replace(tx: Transaction) -> None:
            await passwords.replace_hash(tx.db, account.user.id, account.hash, hashed)

        await self._work.transact(source, replace)
        return hashed


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose password is to be judged.

    `throttled` is the account by which the caller is told of too many failures: that of a username,
    which is public, or for an email the email itself, whoever has it: then several accounts may be
    meant, and which they are is not told.
    """

    name: str
    throttled: str
    accounts: Sequence[Account]
    is_email: bool = False


class _Recent:
    """Passwords that were right a short while ago, of which nothing can be read.

    The key is this process's own, and the stored hash is part of what is remembered: a password
    that was changed since then is not found.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._until: OrderedDict[bytes, datetime] = OrderedDict()

    def digest(self, what: str, password: str) -> bytes:
        text = f"{len(what)}\0{what}\0{password}".encode(errors="surrogatepass")
        return hmac.digest(self._key, text, "sha256")

    def holds(self, hashed: str, password: str, now: datetime) -> bool:
        until = self._until.get(self.digest(hashed, password))
        return until is not None and now < until <= now + REMEMBERED

    def remember(self, hashed: str, password: str, now: datetime) -> None:
        digest = self.digest(hashed, password)
        self._until[digest] = now + REMEMBERED
        self._until.move_to_end(digest)
        if len(self._until) > MAX_REMEMBERED:
            self._until.popitem(last=False)


async def still_holds(tx: Transaction, account: Account) -> bool:
    """Whether nobody has changed the password of *account* since it was judged, nor will in *tx*."""
    if not await hold(tx.db, account.user.id):
        return False
    stored = await passwords.password_of(tx.db, account.user.id)
    return stored is not None and stored.changed_at == account.changed_at
