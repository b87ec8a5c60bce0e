"""Ways to end what somebody came in with, each tried with somebody new."""

from collections.abc import Awaitable
from typing import Any

from aiohttp import encode_basic_auth

from dhq_auth.api_tokens import store as api_tokens
from dhq_auth.db import Database
from dhq_auth.work import Work
from tests.cli.conftest import Cli
from tests.fixtures.service import Service
from tests.self_service.people import BETTER, GOOD, Person, ask, registered
from tests.storage.pruning import prune_all


class Stage:
    """Where everything that ends something is tried, each time with somebody new."""

    def __init__(self, service: Service, cli: Cli, admin: Person, password: str) -> None:
        self.service = service
        self.cli = cli
        self.admin = admin
        self.password = password
        self._people = 0

    async def somebody(self) -> Person:
        self._people += 1
        return await registered(self.service, f"person{self._people}")

    async def pruned(self) -> int:
        """Forget what is over; return how much that was."""
        database = Database(self.service.settings.database_url.value, pool=1, timeout=20)
        try:
            return await prune_all(Work(database, self.service.clock, announce))
        finally:
            await database.close()

    async def give_tokens(self, who: Person, count: int) -> None:
        """Make *count* API tokens of *who*, whose values nobody has."""
        database = Database(self.service.settings.database_url.value, pool=1, timeout=20)
        async with database.write() as db:
            for _ in range(count):
                now = self.service.clock.now
                await api_tokens.add(db, user_id=who.id, title="one of many", now=now)
        await database.close()

    async def run(self, *command: str, stdin: str | None = None) -> None:
        ended = await self.cli.aside(*command, stdin=stdin)
        assert ended.code == 0, ended.err


async def announce(_events: object) -> None:
    """Tell nobody."""


async def service_token(service: Service, **request: Any) -> str:
    answer = await service.program.get("/auth/authorize", params={"service": "notes"}, **request)
    assert answer.status == 200, await answer.text()
    token: str = (await answer.json())["token"]
    return token


def by_bearer(service: Service, token: str) -> Awaitable[str]:
    return service_token(service, headers={"Authorization": f"Bearer {token}"})


def by_password(who: Person, password: str = GOOD) -> Awaitable[str]:
    presented = {"Authorization": encode_basic_auth(who.name, password)}
    return service_token(who.service, headers=presented)


async def by_cookie(who: Person) -> str:
    status, told = await who.in_browser("GET", "/auth/authorize", params={"service": "notes"})
    assert status == 200, told
    return str(told["token"])


async def done(answer: Awaitable[tuple[int, Any]], status: int = 200) -> Any:
    """Return what is answered, with *status*."""
    found, said = await answer
    assert found == status, said
    return said


def own_session(who: Person) -> Awaitable[Any]:
    async def find() -> str:
        items = (await done(who.call("GET", "/auth/sessions")))["items"]
        return str(next(each["id"] for each in items if each["current"]))

    return find()


# What is done to somebody who is logged in, of whom a service token is out.


async def logout(_: Stage, who: Person) -> None:
    await done(who.call("POST", "/auth/logout"))


async def logout_in_the_browser(_: Stage, who: Person) -> None:
    await done(who.in_browser("POST", "/auth/logout"))


async def logout_everywhere(_: Stage, who: Person) -> None:
    await done((await who.again()).call("POST", "/auth/logout", json={"all": True}))


async def that_session(_: Stage, who: Person) -> None:
    elsewhere, session = await who.again(), await own_session(who)
    await done(elsewhere.call("DELETE", f"/auth/sessions/{session}"))


async def all_sessions(_: Stage, who: Person) -> None:
    await done((await who.again()).call("DELETE", "/auth/sessions"))


async def session_on_the_page(stage: Stage, who: Person) -> None:
    sent, own = {"all": "true"}, {"Origin": stage.service.url}
    answer = await who.browser.post("/profile/sessions/end", data=sent, headers=own)
    assert answer.status == 303


async def leaked_login_token(_: Stage, who: Person) -> None:
    await done(ask(who.service, "POST", "/auth/token-leaked", json={"token": who.token}))


async def password_change(_: Stage, who: Person) -> None:
    sent = {"current_password": GOOD, "new_password": BETTER}
    await done(who.call("POST", "/auth/users/me/password", json=sent))


async def own_deletion(_: Stage, who: Person) -> None:
    await done(who.call("DELETE", "/auth/users/me"))


async def disabling(stage: Stage, who: Person) -> None:
    path = f"/auth/users/{who.id}"
    await done(stage.admin.call("PUT", path, json={"is_active": False}))


async def deletion(stage: Stage, who: Person) -> None:
    await done(stage.admin.call("DELETE", f"/auth/users/{who.id}"))


async def operator_session(stage: Stage, who: Person) -> None:
    await stage.run("session", "revoke", who.name, await own_session(who))


async def operator_sessions(stage: Stage, who: Person) -> None:
    await stage.run("session", "revoke", who.name, "--all")


async def operator_password(stage: Stage, who: Person) -> None:
    await stage.run("user", "set-password", who.name, "--password-stdin", stdin=BETTER)


async def operator_disabling(stage: Stage, who: Person) -> None:
    await stage.run("user", "disable", who.name)


async def operator_deletion(stage: Stage, who: Person) -> None:
    await stage.run("user", "delete", who.name)


FOR_GOOD = (own_deletion, disabling, deletion, operator_disabling, operator_deletion)
OF_PASSWORDS = (password_change, operator_password)
OF_LOGINS = (
    *(logout, logout_in_the_browser, logout_everywhere, that_session, all_sessions),
    *(session_on_the_page, leaked_login_token, operator_session, operator_sessions),
)


async def token_by_id(_: Stage, who: Person, made: dict[str, Any]) -> None:
    await done(who.call("DELETE", f"/auth/tokens/{made['token_id']}"))


async def token_by_value(_: Stage, who: Person, made: dict[str, Any]) -> None:
    await done(who.call("POST", "/auth/tokens/revoke", json={"token": made["token"]}))


async def all_tokens(_: Stage, who: Person, _made: dict[str, Any]) -> None:
    await done(who.call("DELETE", "/auth/tokens"))


async def leaked_token(_: Stage, who: Person, made: dict[str, Any]) -> None:
    await done(ask(who.service, "POST", "/auth/token-leaked", json={"token": made["token"]}))


async def operator_token(stage: Stage, who: Person, made: dict[str, Any]) -> None:
    await stage.run("token", "revoke", who.name, made["token_id"])


async def everywhere(_: Stage, who: Person, _made: dict[str, Any]) -> None:
    await done(who.call("POST", "/auth/logout", json={"all": True}))


async def replaced_developer_token(_: Stage, who: Person, _made: dict[str, Any]) -> None:
    await done(who.call("POST", "/auth/developer-token"), 201)


async def ended_developer_token(_: Stage, who: Person, _made: dict[str, Any]) -> None:
    await done(who.call("DELETE", "/auth/developer-token"))


OF_TOKENS = (token_by_id, token_by_value, all_tokens, leaked_token, operator_token, everywhere)
OF_DEVELOPER_TOKENS = (replaced_developer_token, ended_developer_token, leaked_token, everywhere)
