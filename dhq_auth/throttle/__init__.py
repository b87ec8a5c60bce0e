"""Limits: on rates, in this process; on failed logins, shared by all."""
