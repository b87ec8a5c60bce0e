"""The routes of logins, wired."""

from collections.abc import Iterable

from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.credentials import Authenticator
from dhq_auth.login.attempt import Attempts
from dhq_auth.login.connectors import CONNECTORS, Connector
from dhq_auth.login.pages import LoginPages
from dhq_auth.login.password import PasswordViews
from dhq_auth.login.views import LoginViews
from dhq_auth.remote import Remote
from dhq_auth.settings import Settings
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.web.render import Pages
from dhq_auth.web.routing import Route
from dhq_auth.work import Work


def routes(
    *,
    settings: Settings,
    work: Work,
    signer: TokenSigner,
    authenticator: Authenticator,
    logins: PasswordLogins,
    remote: Remote,
    pages: Pages,
) -> Iterable[Route]:
    """Return the routes of logins: at providers, with a password, and their pages."""
    connectors: dict[str, Connector] = {
        each.name: CONNECTORS[each.protocol](each, remote, settings.limits, work.now)
        for each in settings.providers
    }
    attempts = Attempts(settings, work)
    login_pages = LoginPages(
        settings=settings, authenticator=authenticator, attempts=attempts, pages=pages
    )
    views = LoginViews(
        settings=settings,
        work=work,
        signer=signer,
        authenticator=authenticator,
        connectors=connectors,
        attempts=attempts,
    )
    passwords = PasswordViews(
        settings=settings,
        work=work,
        signer=signer,
        authenticator=authenticator,
        logins=logins,
        attempts=attempts,
        pages=login_pages,
    )
    return (*views.routes(), *login_pages.routes(), *passwords.routes())
