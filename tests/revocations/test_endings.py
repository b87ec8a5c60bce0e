"""Whatever ends a login, a token or a user ends the service tokens that were made with it, too."""

import jwt as pyjwt
import pytest

from dhq_auth.revocations.store import MOST_OF_A_USER
from tests.fixtures.service import FrozenClock
from tests.login.test_code_mode import VERIFIER, code_for, redeem
from tests.revocations.following import entries, is_refused
from tests.revocations.stage import (
    FOR_GOOD,
    OF_DEVELOPER_TOKENS,
    OF_LOGINS,
    OF_PASSWORDS,
    OF_TOKENS,
    Stage,
    all_sessions,
    all_tokens,
    by_bearer,
    by_cookie,
    by_password,
    done,
    everywhere,
    logout_everywhere,
    password_change,
)
from tests.self_service.people import BETTER, GOOD, ask, logged_in

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.slow
async def test_a_login_that_ends_takes_its_service_tokens_along(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    bystander = await by_bearer(stage.service, stage.admin.token)
    for end in (*OF_LOGINS, *OF_PASSWORDS, *FOR_GOOD):
        who = await stage.somebody()
        tokens = [await by_bearer(stage.service, who.token), await by_cookie(who)]
        with subtests.test(way=end.__name__):
            assert not any([await is_refused(stage.service, token) for token in tokens])
            await end(stage, who)
            assert all([await is_refused(stage.service, token) for token in tokens])
    assert not await is_refused(stage.service, bystander)


@pytest.mark.slow
async def test_an_api_token_that_ends_takes_its_service_tokens_along(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    for end in (*OF_TOKENS, *OF_DEVELOPER_TOKENS):
        who = await stage.somebody()
        kept, of_login = await who.make_token(), await by_bearer(stage.service, who.token)
        made = await who.make_token()
        if end in OF_DEVELOPER_TOKENS and end not in OF_TOKENS:
            made = await done(who.call("POST", "/auth/developer-token"), 201)
        token = await by_bearer(stage.service, made["token"])
        beside = await by_bearer(stage.service, kept["token"])
        with subtests.test(way=end.__name__):
            assert not await is_refused(stage.service, token)
            await end(stage, who, made)
            assert await is_refused(stage.service, token)
            all_end = end in (all_tokens, everywhere)
            assert await is_refused(stage.service, beside) is all_end
            assert await is_refused(stage.service, of_login) is (end is everywhere)


@pytest.mark.slow
async def test_a_password_that_is_changed_takes_along_what_it_opened(
    stage: Stage, subtests: pytest.Subtests
) -> None:
    for end in (*OF_PASSWORDS, *FOR_GOOD):
        who = await stage.somebody()
        token = await by_password(who)
        with subtests.test(way=end.__name__):
            assert not await is_refused(stage.service, token)
            await end(stage, who)
            assert await is_refused(stage.service, token)


@pytest.mark.slow
async def test_who_logs_in_again_at_once_is_believed_at_once(
    stage: Stage, clock: FrozenClock, subtests: pytest.Subtests
) -> None:
    for end in (logout_everywhere, all_sessions, password_change):
        who = await stage.somebody()
        clock.advance(microseconds=1)
        await end(stage, who)
        password = BETTER if end is password_change else GOOD
        again = await logged_in(stage.service, who.name, password)
        with subtests.test(way=end.__name__):
            for token in (await by_bearer(stage.service, again.token), await by_cookie(again)):
                assert not await is_refused(stage.service, token)
            assert not await is_refused(stage.service, await by_password(again, password))


@pytest.mark.slow
async def test_everything_older_ends_with_everything_whatever_it_was_made_with(
    stage: Stage, clock: FrozenClock
) -> None:
    who = await stage.somebody()
    token = await by_password(who)  # which is not ended, so nothing newer of it is
    # Before half of its life is over the same one would be handed out.
    clock.advance(seconds=stage.service.settings.service_token_lifetime.total_seconds() / 2)
    newer = await by_password(who)
    await logout_everywhere(stage, who)
    assert await is_refused(stage.service, token)
    assert not await is_refused(stage.service, newer)


@pytest.mark.slow
async def test_a_code_that_is_replayed_ends_the_service_tokens_of_its_login(stage: Stage) -> None:
    code = await code_for(stage.service)
    login = (await (await redeem(stage.service, code)).json())["token"]
    token = await by_bearer(stage.service, login)
    assert (await redeem(stage.service, code, VERIFIER)).status == 400
    assert await is_refused(stage.service, token)


@pytest.mark.slow
@SQLITE
async def test_a_service_token_names_what_it_was_made_with_and_its_answer_does_not(
    stage: Stage,
) -> None:
    who = stage.admin
    made = await who.make_token()
    info = await done(who.call("GET", "/auth/token-info"))
    sids = []
    for presented in (who.token, made["token"]):
        told = await done(
            ask(stage.service, "GET", "/auth/authorize?service=notes", bearer=presented)
        )
        sids.append(pyjwt.decode(told["token"], options={"verify_signature": False})["sid"])
        assert "sid" not in told
    assert sids == [info["session_id"], made["token_id"]]
    by_name = [await by_password(who, stage.password) for _ in range(2)]
    of_password = {
        pyjwt.decode(token, options={"verify_signature": False})["sid"] for token in by_name
    }
    assert len(of_password) == 1
    assert not of_password & {*sids}


async def test_a_service_token_that_leaked_is_refused_and_no_other(stage: Stage) -> None:
    leaked = await by_bearer(stage.service, stage.admin.token)
    other = await by_bearer(stage.service, (await stage.admin.make_token())["token"])
    for _ in range(2):  # again is no news
        sent = {"token": leaked}
        await done(ask(stage.service, "POST", "/auth/token-leaked", json=sent))
    assert await is_refused(stage.service, leaked)
    assert not await is_refused(stage.service, other)
    assert sum("jti" in entry for entry in await entries(stage.service)) == 1


@SQLITE
async def test_what_ends_by_itself_is_told_to_nobody(stage: Stage, clock: FrozenClock) -> None:
    who = await stage.somebody()
    made = await who.make_token(expires_in=60)
    before = await entries(stage.service)
    clock.advance(days=60)
    assert await stage.pruned() > 2
    assert (await ask(stage.service, "GET", "/auth/check", bearer=made["token"]))[0] == 200
    assert await entries(stage.service) == before == []


@pytest.mark.slow
@SQLITE
async def test_of_more_than_can_be_named_the_user_is(stage: Stage, clock: FrozenClock) -> None:
    who = await stage.somebody()
    await stage.give_tokens(who, MOST_OF_A_USER)
    made = await who.make_token()
    token, bystander = [
        await by_bearer(stage.service, each) for each in (made["token"], stage.admin.token)
    ]
    await done(who.call("DELETE", "/auth/tokens"))
    assert len(await entries(stage.service)) == 1
    assert await is_refused(stage.service, token)
    assert not await is_refused(stage.service, bystander)
    clock.advance(seconds=61)
    assert not await is_refused(stage.service, await by_bearer(stage.service, who.token))
