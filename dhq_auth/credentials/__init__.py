"""Who is asking: the credentials that a request may present, explicit ones before the cookie."""

from dhq_auth.credentials.authenticate import Authenticator
from dhq_auth.credentials.kind import Authenticated, Kind

__all__ = ["Authenticated", "Authenticator", "Kind"]
