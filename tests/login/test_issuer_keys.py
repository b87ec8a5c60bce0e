"""The keys of an issuer change: every login goes on, and the issuer is not asked for ever more."""

import asyncio

import pytest

from tests.fakes.faults import server_error
from tests.fakes.server import ABSENT
from tests.fakes.signing import Signature
from tests.fixtures.service import oidc
from tests.login.steps import sent_back

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.slow
async def test_the_keys_are_fetched_once_for_many_logins(service, issuer):
    urls = [await sent_back(service) for _ in range(5)]
    answers = await asyncio.gather(*(service.browser.go(url) for url in urls))
    assert {answer.status for answer in answers} == {302}
    assert issuer.asked["jwks"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(("keep_old", "logins"), [(True, 5), (False, 100)])
async def test_all_logins_after_a_change_of_keys_succeed_with_one_refetch(
    start, issuer, keep_old, logins
):
    service = await start(issuer, LOGIN_STARTS="200", **oidc(issuer))
    await service.log_in("acme")
    issuer.rotate_keys(keep_old=keep_old)
    urls = [await sent_back(service) for _ in range(logins)]
    answers = await asyncio.gather(*(service.browser.go(url) for url in urls))
    assert [answer.status for answer in answers] == [302] * logins
    assert issuer.asked["jwks"] == 2


@pytest.mark.slow
async def test_a_second_change_is_seen_after_the_cool_down(service, issuer, clock):
    await service.log_in("acme")
    issuer.rotate_keys()
    await service.log_in("acme")
    issuer.rotate_keys()
    assert (await service.callback("acme")).status == 502
    assert (await service.callback("acme")).status == 502
    assert issuer.asked["jwks"] == 2
    clock.advance(seconds=60)
    assert await service.log_in("acme")
    assert issuer.asked["jwks"] == 3


@pytest.mark.slow
async def test_tokens_of_unknown_keys_do_not_hammer_the_issuer(service, issuer, clock):
    await service.log_in("acme")
    issuer.lies.signature = Signature.UNKNOWN_KID
    for _ in range(5):
        assert (await service.callback("acme")).status == 502
    assert issuer.asked["jwks"] == 2
    issuer.lies.signature = Signature.HONEST
    assert await service.log_in("acme")
    assert issuer.asked["jwks"] == 2


@pytest.mark.slow
async def test_the_old_keys_work_while_their_endpoint_is_down(service, issuer, clock):
    await service.log_in("acme")
    issuer.faults["jwks"] = server_error
    issuer.lies.signature = Signature.UNKNOWN_KID
    assert (await service.callback("acme")).status == 502
    issuer.lies.signature = Signature.HONEST
    assert await service.log_in("acme")
    clock.advance(minutes=59)
    assert await service.log_in("acme")
    clock.advance(hours=3)
    issuer.lies.id_token = {"exp": int(clock.now.timestamp()) + 60}
    assert await service.log_in("acme")


@pytest.mark.slow
async def test_a_refetch_that_failed_is_made_up_for_after_the_cool_down(service, issuer, clock):
    await service.log_in("acme")
    issuer.rotate_keys()
    issuer.faults["jwks"] = server_error
    assert (await service.callback("acme")).status == 502
    issuer.faults.clear()
    assert (await service.callback("acme")).status == 502
    assert issuer.asked["jwks"] == 2
    clock.advance(seconds=60)
    assert await service.log_in("acme")


async def test_a_key_that_the_issuer_took_back_is_forgotten_in_an_hour(service, issuer, clock):
    await service.log_in("acme")
    stolen = issuer.keys[0]
    issuer.rotate_keys()
    clock.advance(hours=1)
    issuer.lies.id_token = {"exp": int(clock.now.timestamp()) + 60}
    assert await service.log_in("acme")
    published, issuer.keys = issuer.keys, [stolen]
    issuer.lies.jwks = {"keys": [key.as_dict(private=False) for key in published]}
    assert (await service.callback("acme")).status == 502
    issuer.keys = published


@pytest.mark.slow
@pytest.mark.parametrize("kid", [ABSENT, "1"], ids=["without kid", "always the same kid"])
async def test_keys_that_cannot_be_told_apart_by_kid_may_change_too(service, issuer, kid):
    def publish() -> None:
        public = issuer.keys[0].as_dict(private=False) | {"kid": kid}
        issuer.lies.jwks = {"keys": [{k: v for k, v in public.items() if v is not ABSENT}]}

    issuer.lies.signature = Signature.WITHOUT_KID
    publish()
    await service.log_in("acme")
    issuer.rotate_keys()
    publish()
    assert await service.log_in("acme")


@pytest.mark.slow
async def test_a_clock_that_was_set_back_keeps_no_keys_for_ever(service, issuer, clock):
    await service.log_in("acme")
    issuer.rotate_keys()
    await service.log_in("acme")
    clock.advance(days=-1)
    issuer.rotate_keys()
    issuer.lies.id_token = {"iat": int(clock.now.timestamp())}
    assert await service.log_in("acme")
