"""Every bound and deadline, with its default; beyond a bound the answer is 4xx or 503."""

from dataclasses import dataclass
from datetime import timedelta

from dhq_auth.settings.environment import variable
from dhq_auth.settings.parse import duration, integer, seconds, size


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much, how many, how long."""

    # What callers send.
    header_timeout: float = variable(
        "HEADER_TIMEOUT", "10", seconds(0.1, 300), "seconds for a request's headers to arrive"
    )
    body_timeout: float = variable(
        "BODY_TIMEOUT", "10", seconds(0.1, 300), "seconds for a request's body to arrive"
    )
    keepalive_timeout: float = variable(
        "KEEPALIVE_TIMEOUT", "75", seconds(1, 3600), "seconds that an idle connection is kept"
    )
    max_connections: int = variable(
        "MAX_CONNECTIONS", "1000", integer(10, 100_000), "open connections per process"
    )
    max_url: int = variable("MAX_URL", "8k", size(1024, 65536), "bytes of a request's first line")
    max_header: int = variable("MAX_HEADER", "8k", size(1024, 65536), "bytes of one header field")
    max_body: int = variable("MAX_BODY", "64k", size(1024, 10 * 1024**2), "bytes of a body")
    max_json_depth: int = variable("MAX_JSON_DEPTH", "16", integer(2, 100), "nesting of JSON")
    max_token: int = variable(
        "MAX_TOKEN", "8k", size(1024, 65536), "bytes of a token, of those we get and those we make"
    )
    shutdown_timeout: float = variable(
        "SHUTDOWN_TIMEOUT", "30", seconds(0, 300), "seconds to finish accepted requests at the end"
    )
    # The database.
    database_pool: int = variable(
        "DATABASE_POOL", "5", integer(1, 100), "connections per process (SQLite: for reading)"
    )
    database_timeout: float = variable(
        "DATABASE_TIMEOUT", "5", seconds(0.1, 60), "seconds for a connection, lock or statement"
    )
    # Whom we ask.
    remote_connect_timeout: float = variable(
        "REMOTE_CONNECT_TIMEOUT", "3", seconds(0.1, 60), "seconds to connect to a login provider"
    )
    remote_read_timeout: float = variable(
        "REMOTE_READ_TIMEOUT", "5", seconds(0.1, 60), "seconds between bytes of its answer"
    )
    remote_timeout: float = variable(
        "REMOTE_TIMEOUT", "10", seconds(0.1, 120), "seconds for one whole call"
    )
    remote_login_timeout: float = variable(
        "REMOTE_LOGIN_TIMEOUT", "15", seconds(0.1, 120), "seconds for all the calls of one login"
    )
    remote_max_body: int = variable(
        "REMOTE_MAX_BODY", "1m", size(1024, 16 * 1024**2), "bytes of its answer"
    )
    remote_calls: int = variable(
        "REMOTE_CALLS", "20", integer(1, 1000), "calls in flight per login provider"
    )
    discovery_lifetime: timedelta = variable(
        "DISCOVERY_LIFETIME", "1h", duration(1, 7 * 86400), "age at which metadata is asked again"
    )
    jwks_cooldown: timedelta = variable(
        "JWKS_COOLDOWN", "60s", duration(1, 86400), "least time between two fetches of keys"
    )
    permission_timeout: float = variable(
        "PERMISSION_TIMEOUT", "5", seconds(0.1, 60), "seconds for a permission provider"
    )
    extension_timeout: float = variable(
        "EXTENSION_TIMEOUT", "5", seconds(0.1, 60), "seconds for one hook of an extension"
    )
    plugin_calls: int = variable(
        "PLUGIN_CALLS",
        "32",
        integer(1, 1000),
        "calls in flight per plugin, each in a thread if plain",
    )
    delivery_timeout: float = variable(
        "DELIVERY_TIMEOUT",
        "30",
        seconds(0.1, 300),
        "seconds for one try of an extension to deliver an event",
    )
    delivery_calls: int = variable(
        "DELIVERY_CALLS", "10", integer(1, 1000), "such tries in flight, per extension and process"
    )
    # What waits.
    clock_leeway: timedelta = variable(
        "CLOCK_LEEWAY", "30s", duration(0, 60), "how far clocks may be apart"
    )
    login_attempt_lifetime: timedelta = variable(
        "LOGIN_ATTEMPT_LIFETIME", "10m", duration(10, 600), "time from login start to callback"
    )
    login_attempts_pending: int = variable(
        "LOGIN_ATTEMPTS_PENDING", "100000", integer(10, 10_000_000), "logins under way at most"
    )
    login_starts: int = variable(
        "LOGIN_STARTS", "60", integer(1, 100_000), "logins begun per minute, address and process"
    )
    login_code_lifetime: timedelta = variable(
        "LOGIN_CODE_LIFETIME", "60s", duration(1, 60), "life of a one-time login code"
    )
    # Who guesses passwords.
    login_attempts: int = variable(
        "LOGIN_ATTEMPTS",
        "5",
        integer(1, 1000),
        "failed logins in LOGIN_WINDOW, for each account and address, before 429",
    )
    login_window: timedelta = variable(
        "LOGIN_WINDOW", "15m", duration(60, 86400), "time after the first of them until they lapse"
    )
    login_slowdown: float = variable(
        "LOGIN_SLOWDOWN",
        "2",
        seconds(0, 30),
        "seconds that each login waits at an account that failed 100 times in a row",
    )
    # At a quarter of a second each, 32 take 8 seconds on two cores: who comes later would be answered
    # after the patience of most clients, and is told to come back.
    password_hashes_queued: int = variable(
        "PASSWORD_HASHES_QUEUED",
        "32",
        integer(0, 10_000),
        "passwords that wait to be hashed, in each process, before 503; one less than there are "
        "cores are hashed at a time, in 64 MiB each",
    )
    password_checks: int = variable(
        "PASSWORD_CHECKS",
        "60",
        integer(1, 100_000),
        "passwords checked per minute, address and process",
    )
    # What users make.
    max_sessions: int = variable(
        "MAX_SESSIONS",
        "1000",
        integer(1, 1_000_000),
        "sessions of one user; with one more the one that began first ends",
    )
    max_api_tokens: int = variable(
        "MAX_API_TOKENS", "1000", integer(1, 1_000_000), "API tokens of one user that count"
    )
    token_reports: int = variable(
        "TOKEN_REPORTS",
        "60",
        integer(1, 100_000),
        "tokens reported as leaked per minute, address and process",
    )
    # Who asks without being anybody.
    policy_questions: int = variable(
        "POLICY_QUESTIONS",
        "600",
        integer(1, 1_000_000),
        "questions about policies without a credential, per minute, address and process",
    )
    revocation_followers: int = variable(
        "REVOCATION_FOLLOWERS",
        "500",
        integer(1, 100_000),
        "services that wait for the next revocation, per process; each has a connection",
    )
