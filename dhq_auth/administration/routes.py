"""The routes of the administration, wired."""

from collections.abc import Iterable

from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.administration.me import OwnUserViews
from dhq_auth.administration.policies.evaluate import EvaluateViews
from dhq_auth.administration.policies.routes import PolicyViews
from dhq_auth.administration.setup import SetupViews
from dhq_auth.administration.status import StatusViews
from dhq_auth.administration.users import UserViews
from dhq_auth.credentials import Authenticator
from dhq_auth.settings import Settings
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.web.render import Pages
from dhq_auth.web.routing import Route
from dhq_auth.work import Work


def routes(
    *,
    settings: Settings,
    work: Work,
    keyring: Keyring,
    authenticator: Authenticator,
    logins: PasswordLogins,
    pages: Pages,
) -> Iterable[Route]:
    """Return the routes of users, of policies, of the setup and of the status."""
    setup = SetupViews(settings=settings, work=work, keyring=keyring, logins=logins, pages=pages)
    return (
        *OwnUserViews(settings, work, authenticator).routes(),
        *UserViews(settings, work, authenticator, logins).routes(),
        *PolicyViews(settings, work, authenticator).routes(),
        *EvaluateViews(settings, work, authenticator).routes(),
        *setup.routes(),
        *StatusViews(work, authenticator).routes(),
    )
