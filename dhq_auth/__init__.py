"""dhq-auth: a small, fast, self-hosted identity service."""
