"""Every outgoing call: deadlines and bounds, what was fetched before, issuers and their keys."""

from dhq_auth.remote.cache import Cached
from dhq_auth.remote.calls import Answer, NoAnswer, Remote
from dhq_auth.remote.issuer import OpenIdIssuer
from dhq_auth.remote.signatures import signed_claims

__all__ = ["Answer", "Cached", "NoAnswer", "OpenIdIssuer", "Remote", "signed_claims"]
