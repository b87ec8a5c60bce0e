"""dhq-auth itself: how it is started, filled, and what it is to show."""
