"""Tokens that were revoked by themselves."""
