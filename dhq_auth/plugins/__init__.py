"""Plugins: found, checked and configured at the start, called with a deadline ever after.

An operator names them; what is asked for in a request is only ever a key of a dict. A plugin that
raises, hangs, exits or answers nonsense costs its own calls, and nothing else.
"""

from dhq_auth.plugins.credentials import CredentialKinds
from dhq_auth.plugins.errors import PluginError
from dhq_auth.plugins.extensions import Extensions
from dhq_auth.plugins.permissions import PermissionProviders

__all__ = ["CredentialKinds", "Extensions", "PermissionProviders", "PluginError"]
