"""`dhq-auth doctor`: everything that can be found out without a login, with what to do."""

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import Annotated, Final

import typer
from rich.text import Text

from dhq_auth.cli.doctor.address import check_address
from dhq_auth.cli.doctor.database import check_database
from dhq_auth.cli.doctor.finding import Check, Finding, Findings, Level, fault
from dhq_auth.cli.doctor.issuers import check_issuer
from dhq_auth.cli.doctor.keys import check_keys
from dhq_auth.cli.doctor.limits import check_limits
from dhq_auth.cli.doctor.plugins import check_plugins
from dhq_auth.cli.doctor.policies import check_policies
from dhq_auth.cli.doctor.providers import check_provider, check_without_providers
from dhq_auth.cli.doctor.redirects import check_redirects
from dhq_auth.cli.doctor.settings import check_settings
from dhq_auth.cli.outcome import REFUSED, UNUSABLE
from dhq_auth.cli.output import Json, print_json
from dhq_auth.cli.table import console
from dhq_auth.errors import StartRefused
from dhq_auth.logs import escaped
from dhq_auth.settings import Settings, SettingsError, from_environ

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("settings", check_settings),
    ("DATABASE_URL", check_database),
    ("RATE_LIMIT_STORAGE", check_limits),
    ("keys", check_keys),
    ("EXTERNAL_ADDRESS", check_address),
    ("ALLOWED_REDIRECTS", check_redirects),
    ("plugins", check_plugins),
    ("policies", check_policies),
)
"""What is looked at, beside each login provider and each trusted issuer."""

_COLOURS: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.FAULT: "bold red"}

app = typer.Typer(add_completion=False)


@app.command()
def doctor(
    *,
    timeout: Annotated[float, typer.Option(min=1, max=600, help="Seconds for all of it.")] = 30.0,
    as_json: Json = False,
) -> None:
    """Look at settings, database, storage of limits, keys, addresses, plugins, policies, login providers and trusted issuers.

    Nothing is changed; providers are asked as a login would ask them, with a code that none of them
    gave. Exit code 0 if nothing is at fault, 1 if something is, 2 if the settings are. A warning is
    no fault.
    """
    try:
        settings = from_environ()
    except SettingsError as error:
        found, code = _unusable(error), UNUSABLE
    else:
        with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is not the result
            found = asyncio.run(examine(settings, timeout))
        code = REFUSED if any(each.level is Level.FAULT for each in found) else 0
    if as_json:
        print_json({"ok": code == 0, "findings": [asdict(each) for each in found]})
    else:
        _print(found)
    raise typer.Exit(code)


async def examine(settings: Settings, timeout: float) -> list[Finding]:  # noqa: ASYNC109 - one for all
    """Return what all checks find, made side by side and ended after *timeout* seconds."""
    checks = [*CHECKS, *_of_others(settings)]
    found = await asyncio.gather(
        *(_findings(subject, check(settings), timeout) for subject, check in checks)
    )
    return [finding for findings in found for finding in findings]


def _of_others(settings: Settings) -> Iterator[tuple[str, Check]]:
    if not settings.providers:
        yield "login", check_without_providers
    for provider in settings.providers:
        yield f"provider {provider.name}", partial(check_provider, provider)
    for issuer in settings.trusted_issuers:
        yield f"trusted issuer {issuer.name}", partial(check_issuer, issuer)


async def _findings(subject: str, check: Findings, seconds: float) -> list[Finding]:
    """Return what *check* finds in time."""
    found = []
    try:
        async with asyncio.timeout(seconds), aclosing(check) as findings:
            async for finding in findings:
                found.append(finding)  # noqa: PERF401 - what was found in time stays
    except TimeoutError:
        what = f"this could not be looked at in {seconds:g} s"
        found.append(fault(subject, what, "see what hangs, or take more time: --timeout"))
    except StartRefused as error:
        found.append(Finding(subject, Level.FAULT, str(error)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks go on
        what = f"this could not be looked at: {type(error).__name__}: {error}"
        found.append(Finding(subject, Level.FAULT, what))
    return found


def _unusable(error: SettingsError) -> list[Finding]:
    faults = [Finding("settings", Level.FAULT, line) for line in error.faults]
    return [*faults, *(Finding("settings", Level.WARNING, line) for line in error.warnings)]


def _print(found: list[Finding]) -> None:
    out = console()
    subject = ""
    for finding in found:
        if finding.subject != subject:
            subject = finding.subject
            out.print(Text(subject, "bold"))
        line = Text.assemble(
            "  ", (f"{finding.level:<8}", _COLOURS[finding.level]), escaped(finding.text)
        )
        out.print(line, soft_wrap=True)
        if finding.todo:
            out.print(Text(f"          → {escaped(finding.todo)}"), soft_wrap=True)
    counts = Counter(finding.level for finding in found)
    out.print(f"\n{counts[Level.FAULT]} faults, {counts[Level.WARNING]} warnings")
