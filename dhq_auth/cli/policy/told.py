"""An explanation of a decision, as lines for people."""

from collections.abc import Iterator
from typing import Any, Final

from dhq_auth.logs import escaped
from dhq_auth.policies.explain import Cause, Explanation, Found, fault_of
from dhq_auth.policies.pointer import pointed

_WORDS: Final = {
    Found.DECIDES: "decides",
    Found.PASSED_OVER: "passed over",
    Found.NONE: "no policy",
}
_PLACES: Final = ("service", "table", "action")


def told(explanation: Explanation) -> Iterator[str]:
    """Give the lines that say how a decision came about; each is escaped."""
    question = explanation.question
    yield f"{explanation.decision.effect}: {explanation.decision.reason}"
    yield escaped(f"looked for {question.action} on {question.table} in {question.service}:")
    widths = [
        max(len(name), *(len(look.key[at]) for look in explanation.looked_at))
        for at, name in enumerate(_PLACES)
    ]
    yield "  " + _columns(_PLACES, widths)
    for look in explanation.looked_at:
        said = look.policy.expression or "everybody" if look.policy else ""
        faulty = " (faulty)" if fault_of(look.policy) else ""
        line = f"  {_columns(look.key, widths)}  {_WORDS[look.found]:<11}{faulty}  {said}"
        yield escaped(line.rstrip())
    for name in explanation.attributes:
        value = sql_literal(getattr(explanation.caller, name))
        yield escaped(f"auth_user.{name} is {value}")
    yield from _helped(explanation)


def sql_literal(value: Any) -> str:
    """Return *value* as people read it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case str():
            return "'{}'".format(value.replace("'", "''"))
        case _:
            return str(value)


def _columns(texts: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True))


def _helped(explanation: Explanation) -> Iterator[str]:
    """Say what would have allowed it."""
    question, policy = explanation.question, explanation.verdict.policy
    if explanation.cause is not Cause.HOLDS:
        yield explanation.hint
    if explanation.fault and policy:
        yield escaped(f"policy {policy.id}: {explanation.fault}")
        yield from pointed(policy.expression, explanation.fault.position)
    if explanation.cause is Cause.NO_POLICY:
        service = f" --service {question.service}" if question.service != "all" else ""
        yield escaped(
            f"→ dhq-auth policy add {question.table} {question.action} EXPRESSION DESCRIPTION"
            f"{service}"
        )
    if explanation.condition:
        yield escaped(f"→ allowed where {explanation.condition}")
    elif explanation.cause is Cause.CALLER:
        yield "→ no caller is allowed this: change the policy"
