"""The form on the profile with which a user says what to be called."""

from typing import Final

from aiohttp import web

from dhq_auth.access.accounts import NAMES, change_user, check_name
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import InvalidRequest
from dhq_auth.self_service.profile import ProfilePage
from dhq_auth.self_service.signed_in import signed_in
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import params
from dhq_auth.web.render import redirect
from dhq_auth.web.routing import Route
from dhq_auth.work import Work

SHOWN_AGAIN: Final = 320
"""Characters of what was typed that the form shows again."""


class NamesForm:
    """First name, last name, and the name that others see."""

    def __init__(
        self, settings: Settings, work: Work, authenticator: Authenticator, profile: ProfilePage
    ) -> None:
        self._settings = settings
        self._work = work
        self._authenticator = authenticator
        self._profile = profile

    def routes(self) -> list[Route]:
        """Return the route of this form; programs have `PUT /auth/users/me`."""
        change = signed_in(self._authenticator, self._settings.issuer, self.change)
        return [Route(method="POST", path="/profile/names", handler=change, kind="page")]

    async def change(self, request: web.Request, who: Authenticated) -> web.StreamResponse:
        """Change the names that are sent, a blank one to none; what is refused is shown again."""
        sent = await params(request, self._settings.limits)
        try:
            changes = {name: check_name(sent.text(name)) for name in NAMES if name in sent}
        except InvalidRequest as error:
            typed = {
                name: value[:SHOWN_AGAIN]
                for name in NAMES
                if isinstance(value := sent.get(name), str)
            }
            return await self._profile.again(request, who, "names", error, typed)
        user_id = who.user.id
        await self._work.transact(
            source(request), lambda tx: change_user(tx, user_id, changes, by=user_id)
        )
        return redirect(f"{self._settings.issuer}/profile", status=303)
