"""Permission providers that ship with the service."""
