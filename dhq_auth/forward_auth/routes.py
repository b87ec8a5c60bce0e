"""The routes of applications behind proxies, wired."""

from collections.abc import Iterable

from dhq_auth.credentials import Authenticator
from dhq_auth.credentials.session import Sessions
from dhq_auth.forward_auth import openapi
from dhq_auth.forward_auth.handoff import HandOff
from dhq_auth.forward_auth.original import VERIFY
from dhq_auth.forward_auth.sign_out import SIGN_OUT, SignOut
from dhq_auth.forward_auth.verify import START, VerifyView
from dhq_auth.forward_auth.visitors import CALLBACK, Visitors
from dhq_auth.settings import Settings
from dhq_auth.web.render import Pages
from dhq_auth.web.routing import Route
from dhq_auth.work import Work


def routes(
    *, settings: Settings, work: Work, authenticator: Authenticator, pages: Pages
) -> Iterable[Route]:
    """Return the routes for proxies, and those that they hand over to us.

    None of them is for the pages of others: whatever a proxy asks, a preflight included, is
    answered by the credential.
    """
    visitors = Visitors(settings, authenticator, Sessions(settings, work))
    verify = VerifyView(settings, visitors).verify
    hand_off = HandOff(settings, work, visitors)
    sign_out = SignOut(settings, work, visitors, pages)
    return (
        Route(method="GET", path=VERIFY, handler=verify, kind="page", operation=openapi.VERIFY),
        Route(method="*", path=VERIFY, handler=verify, kind="page"),
        Route(method="*", path=f"{VERIFY}/{{tail:.*}}", handler=verify, kind="page"),
        Route(method="GET", path=START, handler=hand_off.start, kind="redirect"),
        Route(method="GET", path=CALLBACK, handler=hand_off.callback, kind="redirect"),
        Route(method="GET", path=SIGN_OUT, handler=sign_out.page, kind="page"),
        Route(method="POST", path=SIGN_OUT, handler=sign_out.sign_out, kind="page"),
    )
