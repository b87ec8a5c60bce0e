"""The one place where the parts meet: settings in, an aiohttp application out."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from dhq_auth import migrations
from dhq_auth.access.password_login import PasswordLogins
from dhq_auth.administration import routes as administration
from dhq_auth.administration import setup_code
from dhq_auth.audit.sealing import PURPOSE, keep_sealed
from dhq_auth.clock import Clock, utcnow
from dhq_auth.credentials.chain import authenticator
from dhq_auth.db import Database
from dhq_auth.events import Event
from dhq_auth.forward_auth import routes as forward_auth
from dhq_auth.forward_auth.original import STATIC as STATIC_ELSEWHERE
from dhq_auth.housekeeping import keep_house
from dhq_auth.login import routes as login
from dhq_auth.metrics import Metrics
from dhq_auth.monitoring import meters
from dhq_auth.monitoring.logins import Logins
from dhq_auth.monitoring.metrics import MetricsViews
from dhq_auth.monitoring.views import MonitoringViews
from dhq_auth.outbox.dispatcher import Dispatcher
from dhq_auth.outbox.numbers import Numbers
from dhq_auth.outbox.owed import Owed
from dhq_auth.passwords.hashing import Argon2Cost, PasswordHasher
from dhq_auth.permissions.revocations import RevocationViews
from dhq_auth.permissions.views import PermissionViews
from dhq_auth.plugins import CredentialKinds, Extensions, PermissionProviders
from dhq_auth.remote import Remote
from dhq_auth.revocations.feed import Feed
from dhq_auth.revocations.memory import Memory
from dhq_auth.self_service import routes as self_service
from dhq_auth.settings import Settings
from dhq_auth.starting import Background, started
from dhq_auth.throttle.failures import LoginFailures
from dhq_auth.throttle.rates import RateLimit
from dhq_auth.tokens.keeper import KeyKeeper
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.load import given_keys
from dhq_auth.tokens.signing import TokenSigner
from dhq_auth.web import openapi
from dhq_auth.web.answer import answer_middleware
from dhq_auth.web.life import LIFE, Life
from dhq_auth.web.observe import Requests
from dhq_auth.web.render import STATIC, Pages
from dhq_auth.web.routing import Route, add_routes
from dhq_auth.work import Work

DEFAULT_COST: Final = Argon2Cost()
TOO_MANY_CHECKS: Final = "Too many passwords were checked from here; wait a little."


def create_app(
    settings: Settings, *, now: Clock = utcnow, password_cost: Argon2Cost = DEFAULT_COST
) -> web.Application:
    """Return the service as an application that opens its database when it starts.

    *password_cost* is what a password hash costs.

    A database that is away is waited for, while the application listens. Raises StartRefused: here
    for a plugin that cannot be used, and when the application starts for a database that is not for
    us, or keys that cannot be opened.
    """
    limits = settings.limits
    metrics = Metrics()
    remote = Remote(limits, meters.calls(metrics, settings))
    extensions = Extensions(
        settings.extensions,
        timeout=limits.extension_timeout,
        calls=limits.plugin_calls,
        delivery_timeout=limits.delivery_timeout,
        delivery_calls=limits.delivery_calls,
    )
    providers = PermissionProviders(
        settings.services,
        timeout=limits.permission_timeout,
        calls=limits.plugin_calls,
        max_size=limits.max_token,
        observe=meters.lookups(metrics, settings),
    )
    credential_kinds = CredentialKinds(
        settings.credentials, timeout=limits.extension_timeout, calls=limits.plugin_calls
    )
    database = Database(
        settings.database_url.value, pool=limits.database_pool, timeout=limits.database_timeout
    )
    watched = Logins(metrics, (provider.name for provider in settings.providers))

    memory = Memory()

    async def announce(events: Sequence[Event]) -> None:
        memory.hear(events)
        watched.tell(events)
        await extensions.announce(events)

    work = Work(database, now, announce, keep=Owed(extensions.carriers).keep)
    keyring = Keyring(given_keys(settings), now=now)
    keeper = KeyKeeper(work, settings, keyring, changed=memory.forget_everything)
    signer = TokenSigner(
        keyring,
        issuer=settings.issuer,
        now=now,
        leeway=limits.clock_leeway,
        max_length=limits.max_token,
        look=keeper.look,
    )
    hasher = PasswordHasher(password_cost, queue=limits.password_hashes_queued)
    failures = LoginFailures(settings, work)
    logins = PasswordLogins(
        work,
        hasher,
        failures,
        RateLimit(limits.password_checks, now, refusal=TOO_MANY_CHECKS, name="password_checks"),
        keyring,
        throttled=watched.throttled,
    )
    asked = authenticator(
        settings,
        work,
        signer=signer,
        logins=logins,
        remote=remote,
        of_extensions=credential_kinds,
        memory=memory,
    )
    life = Life()
    feed = Feed(work, followers=limits.revocation_followers, memory=memory)
    dispatcher = Dispatcher(
        work,
        extensions.carriers,
        timeout=limits.delivery_timeout,
        calls=limits.delivery_calls,
        numbers=Numbers(metrics, extensions.carriers),
    )
    background: list[Background] = [
        lambda: keep_house(work, settings),
        dispatcher.run,
        lambda: meters.watch_loop(metrics, lag),
        keeper.keep,
        feed.watch,
        lambda: keep_sealed(database, lambda: keyring.secret_of(PURPOSE), settings, now),
    ]
    if settings.providers or settings.trusted_issuers:
        background.append(remote.load)
    lag = meters.loop_lag(metrics)
    meters.watch_parts(
        metrics, hasher=hasher, database=database, keyring=keyring, extensions=extensions, now=now
    )
    pages = Pages(issuer=settings.issuer)
    routes = [
        *login.routes(
            settings=settings,
            work=work,
            signer=signer,
            authenticator=asked,
            logins=logins,
            remote=remote,
            pages=pages,
        ),
        *PermissionViews(
            settings, work, signer=signer, authenticator=asked, providers=providers, memory=memory
        ).routes(),
        *RevocationViews(signer, feed).routes(),
        *self_service.routes(
            settings=settings,
            work=work,
            signer=signer,
            authenticator=asked,
            logins=logins,
            pages=pages,
        ),
        *forward_auth.routes(settings=settings, work=work, authenticator=asked, pages=pages),
        *administration.routes(
            settings=settings,
            work=work,
            keyring=keyring,
            authenticator=asked,
            logins=logins,
            pages=pages,
        ),
        *MonitoringViews(work, keyring).routes(),
        *MetricsViews(metrics, settings).routes(),
    ]

    async def prepare() -> None:
        await migrations.upgrade(database)
        await keeper.load()
        await setup_code.publish(work, settings, keyring)

    async def run(_app: web.Application) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(remote.close)
            stack.callback(signer.close)
            stack.callback(hasher.close)
            stack.push_async_callback(failures.close)
            stack.push_async_callback(database.close)
            stack.push_async_callback(providers.close)
            stack.push_async_callback(credential_kinds.close)
            stack.push_async_callback(extensions.close)
            await stack.enter_async_context(started(life, database, prepare, background))
            yield

    observe = Requests(metrics).middleware()
    return _application(settings, pages, routes, life, run, observe=observe)


def _application(
    settings: Settings,
    pages: Pages,
    routes: list[Route],
    life: Life,
    run: object,
    *,
    observe: Middleware,
) -> web.Application:
    app = web.Application(
        client_max_size=settings.limits.max_body,
        middlewares=[observe, answer_middleware(settings, pages, life)],
    )
    add_routes(app, routes)
    app[openapi.DOCUMENT] = openapi.Document(
        routes, external_address=settings.issuer, session_cookie=settings.session_cookie
    )
    app.router.add_static("/static", STATIC)
    app[LIFE] = life
    app.router.add_static(STATIC_ELSEWHERE, STATIC)
    app.on_shutdown.append(_stopping)
    app.cleanup_ctx.append(run)  # type: ignore[arg-type]
    return app


async def _stopping(app: web.Application) -> None:
    app[LIFE].stopping.set()
