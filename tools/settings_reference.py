"""Print docs/settings.md from the variables that the code declares.

python tools/settings_reference.py > docs/settings.md
"""

import sys
from collections.abc import Iterator
from typing import Any

from dhq_auth.settings import Limits, Settings, Upkeep
from dhq_auth.settings.credentials import CredentialVariables
from dhq_auth.settings.environment import Variable, variables_of
from dhq_auth.settings.issuers import IssuerNames, IssuerVariables
from dhq_auth.settings.plugins import PluginVariables
from dhq_auth.settings.providers import (
    GitHubVariables,
    GoogleVariables,
    OidcNames,
    OidcVariables,
)

INTRODUCTION = """\
# Settings

The service is set up by environment variables alone. This page is printed from the code by
`tools/settings_reference.py`.

- A variable that is blank counts as unset. `;` separates the entries of a list.
- **A secret may come from a file**: instead of `GOOGLE_SECRET` set `GOOGLE_SECRET_FILE` to a path,
  as container platforms mount their secrets. Both at once are refused.
- A switch is `on` or `off`. A duration is a number of seconds, or `30s`, `15m`, `12h`, `14d`. A size
  is a number of bytes, or `64k`, `1m`.
- **The start is refused when a value is bad**, with a line for each fault: the variable, what was
  read (never a secret), and what would be right. `dhq-auth config check` tells without a start.
- Names that look misspelt, and options of providers and plugins that are not listed, are warned of.
"""

# A heading stands before the variable that begins its section; the others follow as declared.
HEADINGS = {
    "EXTERNAL_ADDRESS": "## Where it is",
    "DATABASE_URL": "## Database and keys",
    "ALLOWED_REDIRECTS": "## Where a login may lead",
    "USERNAME_FROM_PROVIDER": "## Accounts, sessions and tokens",
    "TRUSTED_PROXIES": "## Proxies and logs",
    "GOOGLE_KEY": "## Login with Google",
    "GITHUB_KEY": "## Login with GitHub",
    "OIDC_PROVIDERS": "## Login with any OpenID Connect issuer",
    "TRUSTED_ISSUERS": "## JWTs of other systems",
    "CREDENTIALS": "## Which credentials are accepted",
    "ALLOWED_SERVICES": "## Plugins",
    "KEY_LIFETIME": "## What turns over and what is kept",
    "HEADER_TIMEOUT": "## Limits: what callers send",
    "DATABASE_POOL": "## Limits: the database",
    "REMOTE_CONNECT_TIMEOUT": "## Limits: whom the service asks",
    "CLOCK_LEEWAY": "## Limits: what waits",
    "LOGIN_ATTEMPTS": "## Limits: who guesses passwords",
}
TABLE = "| variable | default | `…_FILE` | meaning |\n|---|---|---|---|"
PREFIXES = {OidcVariables: "OIDC_<NAME>_", IssuerVariables: "ISSUER_<NAME>_"}
PLUGIN_OPTIONS = """\
| `PROVIDER_<ALIAS>_…` | | | options of one permission provider; it documents its own |
| `EXTENSION_<NAME>_…` | | | options of one extension; it documents its own |

What is neither letter nor digit in an alias or a name is `_` in the names of its options: those of
`acme.webhook` begin with `EXTENSION_ACME_WEBHOOK_`. Where two names fit, the longer one has it.
"""


def reference() -> str:
    """Return the text of docs/settings.md."""
    return "\n".join([INTRODUCTION.rstrip(), *_lines()])


def _lines() -> Iterator[str]:
    parts = (Settings, GoogleVariables, GitHubVariables, OidcNames, OidcVariables)
    more = (IssuerNames, IssuerVariables, CredentialVariables, PluginVariables, Upkeep, Limits)
    for part in (*parts, *more):
        prefix = PREFIXES.get(part, "")
        for variable in variables_of(part).values():
            name = f"{prefix}{variable.name}"
            if name in HEADINGS:
                yield f"\n{HEADINGS[name]}\n\n{TABLE}"
            yield _row(name, variable)
        if part is PluginVariables:
            yield PLUGIN_OPTIONS.rstrip()
    yield ""


def _row(name: str, variable: Variable[Any]) -> str:
    default = f"`{variable.default}`" if variable.default else ""
    file = "yes" if variable.secret else ""
    meaning = variable.meaning.replace("|", r"\|")
    return f"| `{name}` | {default} | {file} | {meaning} |"


if __name__ == "__main__":
    sys.stdout.write(reference())
