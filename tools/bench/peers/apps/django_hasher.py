"""How the Django project hashes passwords."""

# mypy: ignore-errors
from django.contrib.auth.hashers import Argon2PasswordHasher


class Hasher(Argon2PasswordHasher):
    """Argon2id at the cost of dhq-auth."""

    time_cost, memory_cost, parallelism = 3, 65536, 1
