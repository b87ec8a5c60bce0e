"""What the parts of the service have to tell, as metrics: they themselves know of none."""

import asyncio
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Final, Protocol

from dhq_auth.clock import Clock
from dhq_auth.db import Database
from dhq_auth.metrics import Histogram, Metrics
from dhq_auth.metrics.process import watch_process
from dhq_auth.metrics.timed import OUTCOMES, Observe
from dhq_auth.passwords.hashing import PasswordHasher
from dhq_auth.plugins import Extensions
from dhq_auth.settings import Settings
from dhq_auth.tokens.keyring import Keyring
from dhq_auth.tokens.store import KeyPurpose

TICK: Final = 1.0
"""Seconds between two looks at the event loop."""
LAGS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


def calls(metrics: Metrics, settings: Settings) -> Observe:
    """Declare outgoing calls; return who is to be told of each."""
    names = {each.name for each in settings.providers}
    names |= {each.name for each in settings.trusted_issuers}
    return metrics.histogram(
        "outgoing_call_duration_seconds",
        "Seconds that a login provider or trusted issuer took to answer.",
        provider=names,
        outcome=OUTCOMES,
    ).observe


def lookups(metrics: Metrics, settings: Settings) -> Observe:
    """Declare permission lookups; return who is to be told of each."""
    return metrics.histogram(
        "permission_lookup_duration_seconds",
        "Seconds that a permission provider took to answer.",
        service={service.alias for service in settings.services},
        outcome=OUTCOMES,
    ).observe


def watch_parts(
    metrics: Metrics,
    *,
    hasher: PasswordHasher,
    database: Database,
    keyring: Keyring,
    extensions: Extensions,
    now: Clock,
) -> None:
    """Declare what these parts have to tell, and what the process does."""
    _watch_hashing(metrics, hasher)
    _watch_database(metrics, database)
    _watch_keys(metrics, keyring, now)
    _watch_extensions(metrics, extensions)
    watch_process(metrics)
    _tell_version(metrics)


def _tell_version(metrics: Metrics) -> None:
    about = metrics.gauge("build_info", "Always 1.", across="max", version=None)

    @cache
    def read() -> None:
        about.set(1, version("dhq-auth"))

    metrics.watch(read)


def loop_lag(metrics: Metrics) -> Histogram:
    """Declare how late the event loop comes."""
    return metrics.histogram(
        "event_loop_lag_seconds", "Seconds by which the event loop comes too late.", buckets=LAGS
    )


async def watch_loop(metrics: Metrics, lag: Histogram) -> None:
    """Once a second, see how late the event loop comes; tell other workers what we know."""
    clock = asyncio.get_running_loop().time
    try:
        while True:
            due = clock() + TICK
            await asyncio.sleep(TICK)
            lag.observe(max(0.0, clock() - due))
            if metrics.is_shared:
                metrics.read()
    finally:
        if metrics.is_shared:
            metrics.read()


def _watch_hashing(metrics: Metrics, hasher: PasswordHasher) -> None:
    running = metrics.gauge("password_hashes_running", "Passwords that are being hashed.")
    waiting = metrics.gauge("password_hashes_waiting", "Passwords that wait to be hashed.")
    room = metrics.gauge("password_hashes_queue_size", "How many may wait before 503.")
    done = metrics.counter("password_hashes_total", "Passwords that were hashed.")
    refused = metrics.counter("password_hashes_refused_total", "Passwords for which no room was.")

    def read() -> None:
        running.set(hasher.running)
        waiting.set(hasher.waiting)
        room.set(hasher.queue)
        done.follow(hasher.done)
        refused.follow(hasher.refused)

    metrics.watch(read)


def _watch_database(metrics: Metrics, database: Database) -> None:
    names = tuple(database.pools)
    in_use = metrics.gauge("database_connections_in_use", "Connections in use.", pool=names)
    size = metrics.gauge("database_connections_max", "Connections that may be in use.", pool=names)
    waits = metrics.counter(
        "database_pool_waits_total", "How often one had to wait for a connection.", pool=names
    )
    faults = metrics.counter(
        "database_faults_total", "How often the database did not answer as it should."
    )
    contention = metrics.counter(
        "database_contention_total", "How often a transaction was in the way of another."
    )

    def read() -> None:
        for name, pool in database.pools.items():
            in_use.set(pool.checkedout(), name)
            size.set(pool.size(), name)
            waits.follow(pool.waits, name)
        faults.follow(database.faults)
        contention.follow(database.contentions)

    metrics.watch(read)


def _watch_keys(metrics: Metrics, keyring: Keyring, now: Clock) -> None:
    purposes = [purpose.value for purpose in KeyPurpose]
    age = metrics.gauge(
        "signing_key_age_seconds",
        "For how long the key has signed that does.",
        across="max",
        purpose=purposes,
    )

    def read() -> None:
        for purpose in KeyPurpose:
            since = keyring.signing_since(purpose)
            # Those of PRIVATE_KEY have no age that we know.
            seconds = 0.0 if since is None else (now() - since).total_seconds()
            age.set(max(0.0, seconds), purpose.value)

    metrics.watch(read)


class _Failing(Protocol):
    def failures(self) -> Iterable[tuple[str, str, int]]: ...


def _watch_extensions(metrics: Metrics, extensions: _Failing) -> None:
    failed = metrics.counter(
        "extension_failures_total", "Hooks that failed.", extension=None, hook=None
    )

    def read() -> None:
        for extension, hook, number in extensions.failures():
            failed.follow(number, extension, hook)

    metrics.watch(read)
