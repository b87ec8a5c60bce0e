"""What holds a secret does not show it, in whatever log or traceback it ends up."""

import pytest

from dhq_auth.clock import utcnow
from dhq_auth.login.connectors import LoginRequest
from dhq_auth.sessions.store import NewSession
from dhq_auth.settings.parse import Secret
from dhq_auth.tokens.store import KeyPurpose, StoredKey

SECRET = "not-to-be-seen"


@pytest.mark.parametrize(
    "holder",
    [
        LoginRequest("https://auth.example.com/auth/oauth_callback", SECRET, SECRET),
        NewSession("0" * 32, SECRET),
        StoredKey("kid", KeyPurpose.LOGIN, 1, SECRET, utcnow()),
        Secret(SECRET),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_a_secret_is_not_shown_by_what_holds_it(holder: object) -> None:
    assert SECRET not in f"{holder!r} {holder}"
