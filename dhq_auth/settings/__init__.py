"""What the operator decides, by environment variables alone."""

from dhq_auth.settings.environment import SettingsError
from dhq_auth.settings.issuers import TrustedIssuer
from dhq_auth.settings.limits import Limits
from dhq_auth.settings.parse import Secret
from dhq_auth.settings.plugins import Extension, Service
from dhq_auth.settings.providers import ProviderSettings
from dhq_auth.settings.settings import Settings, from_environ
from dhq_auth.settings.upkeep import Upkeep

__all__ = [
    "Extension",
    "Limits",
    "ProviderSettings",
    "Secret",
    "Service",
    "Settings",
    "SettingsError",
    "TrustedIssuer",
    "Upkeep",
    "from_environ",
]
