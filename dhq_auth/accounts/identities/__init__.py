"""The ways by which users come in that are somebody else's to judge: (issuer, subject)."""
