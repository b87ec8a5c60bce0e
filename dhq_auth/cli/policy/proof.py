"""`dhq-auth policy test`: cases of who may do what, asked and compared."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from dhq_auth.cli.named_user import user_named
from dhq_auth.cli.opened import opened
from dhq_auth.cli.outcome import REFUSED, Refused
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.policy.file import drafts, read
from dhq_auth.cli.policy.told import told
from dhq_auth.cli.table import console
from dhq_auth.clock import utcnow
from dhq_auth.logs import escaped
from dhq_auth.policies.caller import AuthUser, auth_user
from dhq_auth.policies.cases import Case, Result, cases_in, coverage, run
from dhq_auth.policies.draft import FIELDS, Draft
from dhq_auth.policies.store import Policy, all_policies
from dhq_auth.settings import Settings, from_environ

Covered = list[tuple[Policy, int]]


def prove(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(metavar="FILE", help="Cases in TOML or JSON; - is stdin."),
    ],
    *,
    policies: Annotated[
        typer.FileBinaryRead | None,
        typer.Option(metavar="FILE", help="Test these policies, without the database."),
    ] = None,
    require_coverage: Annotated[
        bool, typer.Option("--require-coverage", help="End with 1 if no case reaches a policy.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run cases: who asks for what, and what the answer should be. Exit code 1 if one differs.

    Without --policies they are put to the policies of the database, which stay as they are.
    """
    cases = read(file, cases_in)
    if policies is None:
        there, users = asyncio.run(_of_database(from_environ(), cases))
    else:
        there, users = _of_file(drafts(policies)), {}
        if unknown := _named(cases):
            first = next(case for case in cases if case.user == unknown[0])
            raise Refused(f"{first}: user: {unknown[0]!r} is not in [users]")
    by_key = {policy.key: policy for policy in there}
    results = [run(case, by_key, users) for case in cases]
    covered = coverage(results, there)
    if as_json:
        print_json(_document(results, covered))
    else:
        _print(results, covered)
    failed = any(result.differences for result in results)
    if failed or (require_coverage and not all(count for _, count in covered)):
        raise typer.Exit(REFUSED)


def _named(cases: list[Case]) -> list[str]:
    """Return the names of users that the file does not explain."""
    return list(dict.fromkeys(case.user for case in cases if isinstance(case.user, str)))


def _of_file(wanted: list[Draft]) -> list[Policy]:
    now = utcnow()
    return [
        Policy(
            id=f"policy {number}",
            created_at=now,
            updated_at=now,
            **{name: getattr(draft, name) for name in FIELDS},
        )
        for number, draft in enumerate(wanted, 1)
    ]


async def _of_database(
    settings: Settings, cases: list[Case]
) -> tuple[list[Policy], Mapping[str, AuthUser]]:
    async with opened(settings) as database, database.read() as db:
        users = {name: auth_user(await user_named(db, name)) for name in _named(cases)}
        return await all_policies(db), users


def _document(results: list[Result], covered: Covered) -> dict[str, Any]:
    return {
        "ok": not any(result.differences for result in results),
        "cases": [
            {
                "case": result.case.number,
                "name": result.case.name,
                "passed": not result.differences,
                "answer": result.answer,
                "differences": list(result.differences),
                "explanation": result.explanation.to_json(whole=True),
            }
            for result in results
        ],
        "coverage": [
            {
                "policy_id": policy.id,
                "service": policy.service,
                "table_name": policy.table_name,
                "action": policy.action,
                "cases": count,
            }
            for policy, count in covered
        ],
    }


def _print(results: list[Result], covered: Covered) -> None:
    out = console()
    failed = [result for result in results if result.differences]
    for result in failed:
        out.print(Text(escaped(f"{result.case} failed"), "bold red"), soft_wrap=True)
        for line in (*result.differences, *told(result.explanation)):
            out.print(Text(f"  {escaped(line)}"), soft_wrap=True)
    unreached = [policy for policy, count in covered if not count]
    for policy in unreached:
        what = f"no case reaches {' '.join(policy.key)}: {policy.expression or 'everybody'}"
        out.print(Text(escaped(what), "yellow"), soft_wrap=True)
    out.print(
        f"{len(results)} cases, {len(failed)} failed; "
        f"{len(covered) - len(unreached)} of {len(covered)} policies reached"
    )
