"""Which credentials are accepted: CREDENTIALS, or its shorthand AUTH_TYPE."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dhq_auth.settings import parse
from dhq_auth.settings.environment import Environment, variable

BUILT_IN: Final = ("token", "jwt", "basic", "session")
"""The kinds of our own, in the order in which they are tried unless CREDENTIALS says otherwise."""
AUTH_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "basic_auth": ("basic",),
    "session_auth": ("session",),
    "session_exp_auth": ("session",),
    "session_db_auth": ("session",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialVariables:
    """Who may prove how who he is."""

    kinds: tuple[str, ...] | None = variable(
        "CREDENTIALS",
        ";".join(BUILT_IN),
        parse.list_of(parse.text),
        "which credentials are accepted, in the order in which they are tried: `token` (API "
        "tokens), `jwt`, `basic`, `session`, and kinds of extensions, by entry-point name or "
        "module",
    )
    auth_type: str | None = variable(
        "AUTH_TYPE",
        None,
        parse.one_of(*AUTH_TYPES),
        "shorthand for CREDENTIALS: `basic_auth` is `basic`; `session_auth` is `session`, never "
        "expiring; `session_exp_auth` and `session_db_auth` are `session` with SESSION_DURATION, "
        "without end where that is unset",
    )


@dataclass(frozen=True, slots=True)
class Accepted:
    """The kinds that are accepted, each once; whether AUTH_TYPE lets sessions last for ever."""

    kinds: tuple[str, ...]
    endless_sessions: bool = False


def read_credentials(env: Environment, *, duration_is_set: bool) -> Accepted:
    """Read which kinds of credentials are accepted."""
    read = CredentialVariables(**env.values(CredentialVariables))
    if read.auth_type is None:
        return Accepted(tuple(dict.fromkeys(read.kinds or ())))
    if env.is_set("CREDENTIALS"):
        env.fault("AUTH_TYPE", "is set beside CREDENTIALS; give one of them")
    endless = read.auth_type == "session_auth" or not duration_is_set
    return Accepted(AUTH_TYPES[read.auth_type], endless)
