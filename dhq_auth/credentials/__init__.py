"""Who is asking: the credentials that a request may present, explicit ones before the cookie."""

from dhq_auth.credentials.authenticate import Authenticated, Authenticator

__all__ = ["Authenticated", "Authenticator"]
