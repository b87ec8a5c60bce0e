"""The routes of one's own account, wired."""

from collections.abc import Iterable

from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.credentials import Authenticator
from dhq_auth.self_service.delete_page import DeletePage
from dhq_auth.self_service.developer_token import DeveloperTokenViews
from dhq_auth.self_service.logout import LogoutViews
from dhq_auth.self_service.name_and_password import Asking
from dhq_auth.self_service.names import NamesForm
from dhq_auth.self_service.password import PasswordViews
from dhq_auth.self_service.profile import ProfilePage
from dhq_auth.self_service.session_pages import SessionPages
from dhq_auth.self_service.sessions import SessionViews
from dhq_auth.self_service.token_info import TokenInfoViews
from dhq_auth.self_service.token_pages import TokenPages
from dhq_auth.self_service.tokens import TokenViews
from dhq_auth.self_service.username import UsernameViews
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
    pages: Pages,
) -> Iterable[Route]:
    """Return the routes of one's own account."""
    profile = ProfilePage(settings, work, authenticator, pages)
    developer = DeveloperTokenViews(settings, work, authenticator)
    asking = Asking(settings, authenticator, logins)
    tokens = TokenViews(settings, work, authenticator, asking)
    token_pages = TokenPages(
        settings=settings,
        work=work,
        authenticator=authenticator,
        tokens=tokens,
        developer=developer,
        pages=pages,
    )
    password = PasswordViews(
        settings=settings,
        work=work,
        authenticator=authenticator,
        signer=signer,
        logins=logins,
        profile=profile,
    )
    return (
        *profile.routes(),
        *UsernameViews(settings, work, authenticator, profile).routes(),
        *NamesForm(settings, work, authenticator, profile).routes(),
        *password.routes(),
        *LogoutViews(settings, work, authenticator, pages).routes(),
        *SessionViews(settings, work, authenticator).routes(),
        *SessionPages(settings, work, authenticator, pages).routes(),
        *tokens.routes(),
        *developer.routes(),
        *token_pages.routes(),
        *TokenInfoViews(settings, work, authenticator, signer).routes(),
        *DeletePage(settings, work, authenticator, pages).routes(),
    )
