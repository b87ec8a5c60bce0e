"""The client that is registered with a fake, and how it must authenticate itself."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote_plus

AuthMethod = Literal["client_secret_basic", "client_secret_post", "none"]

CALLBACK = "http://localhost:8000/auth/oauth_callback"


@dataclass
class Client:
    """One registered client; its secret means something else when it is not form-encoded."""

    id: str = "dhq-auth"
    secret: str = "s3cret/with:odd+characters%20&=which-must-be-encoded"
    redirect_uris: set[str] = field(default_factory=lambda: {CALLBACK})
    auth_method: AuthMethod = "client_secret_basic"

    def authenticates(self, header: str | None, form: Mapping[str, str]) -> bool:
        """Tell whether a request proves this client, by the registered method and no other.

        *header* is its Authorization (RFC 6749 2.3).
        """
        presented = (form.get("client_id"), form.get("client_secret"))
        match self.auth_method:
            case "client_secret_basic":
                bodies = {(None, None), (self.id, None)}
                return basic_credentials(header) == (self.id, self.secret) and presented in bodies
            case "client_secret_post":
                return header is None and presented == (self.id, self.secret)
            case "none":
                return header is None and presented == (self.id, None)


def basic_credentials(header: str | None) -> tuple[str, str] | None:
    """Return the id and secret of an Authorization header, form-decoded (RFC 6749 2.3.1)."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote_plus(name), unquote_plus(secret)) if colon else None
