"""The audit log as a chain: what is sealed, and how far it fits."""
