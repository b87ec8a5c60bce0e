"""What a caller may do: by the rules in the token, else by asking, and never by guessing."""

import asyncio

import pytest

from dhq_auth.sdk import ANONYMOUS, Denied, Unavailable, Verifier
from dhq_auth.sdk.ask import MAX_ANSWERS
from tests.fakes import faults
from tests.fakes.server import Fault
from tests.sdk.auth_server import SERVICE, AuthServer

MINE = {"v": 1, "rules": {"notes": {"read": True, "read_mine": {"tree": ["=", "owner", "ada"]}}}}


async def test_the_signed_rules_decide_without_asking(auth: AuthServer, verifier: Verifier) -> None:
    caller = await verifier.verify_async(auth.token(filters=MINE))
    assert (await verifier.decide(caller, "notes", "read")).effect == "allow"
    mine = await verifier.decide(caller, "notes", "read", mine=True)
    assert mine == verifier.decide_sync(caller, "notes", "read_mine")
    assert mine.where == "owner = :p1"
    assert (await verifier.decide(caller, "notes", "delete", mine=True)).effect == "deny"
    assert (await verifier.decide(caller, "photos", "read")).effect == "deny"
    assert not auth.questions


@pytest.mark.parametrize(
    "filters",
    [
        *({}, {"v": 2, "rules": {"notes": True}}, {"v": 1}, {"v": 1, "rules": []}),
        *({"v": 1, "rules": {"notes": True}}, {"v": 1, "rules": {"notes": {"all": "yes"}}}),
        *({"v": 1, "rules": {"*": {"all": {"tree": tree}}}} for tree in (None, [], ["or"], "x")),
        {"v": 1, "rules": {"notes": {"all": {"where": "1 = 1"}}}},
    ],
    ids=str,
)
async def test_rules_that_are_not_understood_allow_nothing(
    auth: AuthServer, verifier: Verifier, filters: dict[str, object]
) -> None:
    caller = await verifier.verify_async(auth.token(filters=filters))
    decision = await verifier.decide(caller, "notes", "read")
    assert decision.effect == "deny"
    assert not decision.anonymous


async def test_without_rules_nothing_is_allowed(auth: AuthServer, verifier: Verifier) -> None:
    caller = await verifier.verify_async(auth.token(permissions={"notes": {"read": True}}))
    assert (await verifier.decide(caller, "notes", "read")).effect == "deny"


async def test_the_anonymous_caller_is_asked_about_without_a_credential(
    auth: AuthServer, verifier: Verifier
) -> None:
    verifier = Verifier(auth.origin, service=SERVICE, credential="6879-secret", now=auth.clock)
    decision = await verifier.decide(ANONYMOUS, "notes", "read", mine=True)
    assert decision.effect == "allow"
    assert auth.questions == [
        {"table": "notes", "action": "read", "service": SERVICE, "mine": True}
    ]
    assert auth.credentials == [None]


async def test_a_filter_of_the_server_is_as_good_as_a_signed_one(
    auth: AuthServer, verifier: Verifier
) -> None:
    auth.answer = {"decision": "filter", "tree": ["=", "public", True], "policy_id": "1"}
    decision = await verifier.decide(ANONYMOUS, "notes", "read")
    assert (decision.where, decision.params) == ("public = :p1", {"p1": True})


async def test_an_answer_holds_for_two_seconds(auth: AuthServer, verifier: Verifier) -> None:
    for _ in range(3):
        await verifier.decide(ANONYMOUS, "notes", "read")
    await verifier.decide(ANONYMOUS, "notes", "delete")
    assert auth.asked["evaluate"] == 2
    auth.answer = {"decision": "deny"}
    auth.clock.advance(seconds=2)
    denied = await verifier.decide(ANONYMOUS, "notes", "read")
    assert denied.effect == "deny"
    assert denied.anonymous  # so that it is answered with 401
    assert auth.asked["evaluate"] == 3


async def test_a_hundred_who_ask_the_same_are_answered_by_one_call(
    auth: AuthServer, verifier: Verifier
) -> None:
    decisions = await asyncio.gather(
        *(verifier.decide(ANONYMOUS, "notes", "read") for _ in range(100))
    )
    assert {decision.effect for decision in decisions} == {"allow"}
    assert auth.asked["evaluate"] == 1


@pytest.mark.parametrize(
    "fault",
    [
        *(faults.server_error, faults.garbage, faults.html, faults.empty, faults.deep),
        *(faults.long_number, faults.reset, faults.truncated),
        *(faults.json_answer(value) for value in (None, [], {}, "allow", {"decision": None})),
        *(faults.json_answer({"decision": value}) for value in (True, "ALLOW", ["allow"], "yes")),
        *(
            faults.json_answer({"decision": "filter", "tree": value})
            for value in (
                None,
                [],
                {},
                True,
                "1 = 1",
                ["=", "a; drop", 1],
                ["and"],
                ["=", "a", None],
            )
        ),
        *(
            faults.json_answer({"decision": "allow"}, status)
            for status in (201, 401, 403, 404, 429)
        ),
        faults.redirect("http://127.0.0.1:9/"),
    ],
    ids=lambda fault: getattr(fault, "__name__", ""),
)
async def test_what_is_no_answer_is_never_a_yes_and_is_not_kept(
    auth: AuthServer, verifier: Verifier, fault: Fault
) -> None:
    auth.faults["evaluate"] = fault
    with pytest.raises(Unavailable):
        await verifier.decide(ANONYMOUS, "notes", "read")
    auth.faults.clear()
    assert (await verifier.decide(ANONYMOUS, "notes", "read")).effect == "allow"


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7), ("9999", 60), ("soon", 5), ("-1", 5), ("1" * 5000, 5)]
)
async def test_when_to_ask_again_is_passed_on_within_bounds(
    auth: AuthServer, verifier: Verifier, told: str, seconds: int
) -> None:
    auth.faults["evaluate"] = faults.answer(429, Retry_After=told)
    with pytest.raises(Unavailable) as error:
        await verifier.decide(ANONYMOUS, "notes", "read")
    assert error.value.retry_after == seconds


async def test_code_without_a_loop_decides_the_same(auth: AuthServer, verifier: Verifier) -> None:
    auth.answer = {"decision": "filter", "tree": ["is null", "owner"], "policy_id": "7"}
    decided = await asyncio.to_thread(verifier.decide_sync, ANONYMOUS, "notes", "read")
    assert decided.where == "owner IS NULL"
    assert decided == await verifier.decide(ANONYMOUS, "notes", "read")
    auth.faults["evaluate"] = faults.reset
    with pytest.raises(Unavailable):
        await asyncio.to_thread(verifier.decide_sync, ANONYMOUS, "notes", "delete")


@pytest.mark.slow
async def test_more_questions_than_are_kept_are_asked_again(
    auth: AuthServer, verifier: Verifier
) -> None:
    for number in range(MAX_ANSWERS + 1):
        await verifier.decide(ANONYMOUS, f"table_{number}", "read")
    await verifier.decide(ANONYMOUS, f"table_{MAX_ANSWERS}", "read")
    assert auth.asked["evaluate"] == MAX_ANSWERS + 1
    await verifier.decide(ANONYMOUS, "table_0", "read")
    assert auth.asked["evaluate"] == MAX_ANSWERS + 2


ASK = {"v": 1, "ask": True}


async def test_for_a_user_whose_rules_are_too_large_the_service_asks_by_itself(
    auth: AuthServer,
) -> None:
    verifier = Verifier(auth.origin, service=SERVICE, credential="6879-secret", now=auth.clock)
    caller = await verifier.verify_async(auth.token(filters=ASK))
    assert (await verifier.decide(caller, "notes", "read")).effect == "allow"
    [question] = auth.questions
    assert question["user"] == "ada"
    assert auth.credentials == ["Bearer 6879-secret"]
    auth.answer = {"decision": "deny"}
    other = await verifier.verify_async(auth.token(filters=ASK, sub="grace", userid="grace"))
    assert (await verifier.decide(other, "notes", "read")).effect == "deny"
    assert (await verifier.decide(ANONYMOUS, "notes", "read")).effect == "deny"
    assert (await verifier.decide(caller, "notes", "read")).effect == "allow"


async def test_a_user_who_was_deleted_since_is_denied(auth: AuthServer) -> None:
    verifier = Verifier(auth.origin, service=SERVICE, credential="6879-secret", now=auth.clock)
    caller = await verifier.verify_async(auth.token(filters=ASK))
    auth.faults["evaluate"] = faults.json_answer({"code": "not_found"}, 404)
    decision = await verifier.decide(caller, "notes", "read")
    assert decision.effect == "deny"
    with pytest.raises(Denied) as error:
        decision.demand()
    assert error.value.status == 401


async def test_without_a_credential_nothing_is_guessed_about_a_user(
    auth: AuthServer, verifier: Verifier
) -> None:
    caller = await verifier.verify_async(auth.token(filters=ASK))
    with pytest.raises(Unavailable, match="credential"):
        await verifier.decide(caller, "notes", "read")
    assert not auth.questions
