"""Passwords: what one may be, how it is hashed, where the hash lies."""
