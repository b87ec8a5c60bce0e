"""Who has an account: users, and the identities by which they come in."""
