"""The routes by which policies are managed: by whom, the policies on `auth_policies` say."""

from aiohttp import web

from dhq_auth.administration.cursor import may_be_id
from dhq_auth.administration.fields import limit_of, reading_of
from dhq_auth.administration.guard import RULES, Guard, Permit, sent_with
from dhq_auth.administration.policies import openapi, store
from dhq_auth.administration.policies.cursor import cursor_of, key_of
from dhq_auth.administration.policies.fields import changes_of, chosen_by, draft_of_sent
from dhq_auth.administration.policies.record import record_of
from dhq_auth.credentials import Authenticated, Authenticator
from dhq_auth.errors import NotFound
from dhq_auth.policies.change import Changes, make
from dhq_auth.policies.draft import FIELDS, checked, draft_of, written
from dhq_auth.policies.store import Policy, policy_by_id
from dhq_auth.sdk.decision import Action
from dhq_auth.settings import Settings
from dhq_auth.web.client import source
from dhq_auth.web.params import params, query
from dhq_auth.web.routing import Route
from dhq_auth.work import Transaction, Work

NO_SUCH_POLICY = "There is no such policy."


class PolicyViews:
    """Policies, for whom the policies let."""

    def __init__(self, settings: Settings, work: Work, authenticator: Authenticator) -> None:
        self._settings = settings
        self._work = work
        self._guard = Guard(authenticator, RULES)

    def routes(self) -> list[Route]:
        """Return the routes of this feature."""
        every, one = "/auth/policies", "/auth/policies/{id}"
        return [
            Route(method="GET", path=every, handler=self.list_policies, operation=openapi.LIST),
            Route(method="POST", path=every, handler=self.add, operation=openapi.ADD),
            Route(method="GET", path=one, handler=self.show, operation=openapi.SHOW),
            Route(method="PUT", path=one, handler=self.change, operation=openapi.CHANGE),
            Route(method="DELETE", path=one, handler=self.delete, operation=openapi.DELETE),
        ]

    async def list_policies(self, request: web.Request) -> web.StreamResponse:
        """Give a page of policies, in the order of service, table and action."""
        sent = query(request)
        who = await self._guard.authenticate(request, sent)
        async with self._work.read() as db:
            permit = await self._guard.look(db, who, reading_of(sent))
            limit, chosen, cursor = limit_of(sent), chosen_by(sent), sent.text("cursor")
            after = key_of(cursor) if cursor is not None else None
            found = await store.policies_after(
                db, limit + 1, after, chosen=chosen, decision=permit.decision
            )
        page = found[:limit]
        more = cursor_of(page[-1].key) if len(found) > limit else None
        return web.json_response({"items": [record_of(policy) for policy in page], "next": more})

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Add a policy, which is in force with the answer."""
        sent = await params(request, self._settings.limits)
        who = await self._guard.authenticate(request, sent)

        async def add(tx: Transaction) -> Policy:
            permit = await self._guard.hold(tx, who, "create")
            draft = checked(draft_of_sent(sent_with(sent, permit, FIELDS)))
            # Before anything is told of what is there already.
            permit.check(written(draft, tx.now))
            [policy] = await make(tx, Changes([draft], [], []), by=who.user.id)
            return policy

        policy = await self._work.transact(source(request), add)
        return web.json_response(record_of(policy), status=201)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Give one policy."""
        who = await self._guard.authenticate(request, query(request))
        async with self._work.read() as db:
            permit = await self._guard.look(db, who, "read")
            policy = _reached(permit, await policy_by_id(db, _id_of(request)))
        return web.json_response(record_of(policy))

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Change a policy; what is not sent stays."""
        sent = await params(request, self._settings.limits)
        who = await self._guard.authenticate(request, sent)

        async def change(tx: Transaction) -> Policy:
            permit, policy = await self._meant(tx, request, who, "update")
            draft = checked(draft_of(policy, changes_of(sent)))
            permit.check(written(draft, tx.now, policy))
            if draft != draft_of(policy):
                [policy] = await make(tx, Changes([], [(policy, draft)], []), by=who.user.id)
            return policy

        return web.json_response(record_of(await self._work.transact(source(request), change)))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete a policy."""
        who = await self._guard.authenticate(request, await params(request, self._settings.limits))

        async def delete(tx: Transaction) -> None:
            _, policy = await self._meant(tx, request, who, "delete")
            await make(tx, Changes([], [], [policy]), by=who.user.id)

        await self._work.transact(source(request), delete)
        return web.json_response({})

    async def _meant(
        self, tx: Transaction, request: web.Request, who: Authenticated, action: Action
    ) -> tuple[Permit, Policy]:
        """Return what is let and the policy that the path names, both as they stay; or NotFound."""
        permit = await self._guard.hold(tx, who, action)
        policy = await policy_by_id(tx.db, _id_of(request), lock=True)
        return permit, _reached(permit, policy)


def _id_of(request: web.Request) -> str:
    """Return the id in the path; NotFound if it can be no policy's."""
    policy_id = request.match_info["id"]
    if not may_be_id(policy_id):
        raise NotFound(NO_SUCH_POLICY)
    return policy_id


def _reached(permit: Permit, policy: Policy | None) -> Policy:
    """Return *policy* if it is within reach; one that is not is as one that is not there."""
    if policy is None or not permit.reaches(policy):
        raise NotFound(NO_SUCH_POLICY)
    return policy
