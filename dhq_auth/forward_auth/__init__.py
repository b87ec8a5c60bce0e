"""Applications behind a proxy that asks us: who is it (`/auth/verify`), and log in (`/.dhq-auth/`)."""
