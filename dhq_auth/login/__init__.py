"""Logging in elsewhere: we are the relying party of Google, GitHub and any OpenID issuer."""
