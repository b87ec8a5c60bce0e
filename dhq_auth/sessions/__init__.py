"""Browser sessions: what a login begins and a logout ends."""
