"""The kinds of login providers that we can ask, by protocol."""

from dhq_auth.login.connectors.github import GitHubConnector
from dhq_auth.login.connectors.oidc import OidcConnector
from dhq_auth.login.connectors.protocol import Connector, Identity, LoginRequest

CONNECTORS: dict[str, type[OidcConnector | GitHubConnector]] = {
    "oidc": OidcConnector,
    "github": GitHubConnector,
}

__all__ = ["CONNECTORS", "Connector", "Identity", "LoginRequest"]
