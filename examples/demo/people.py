"""The people of the demo, and what the issuer tells of them."""

from collections.abc import Collection
from dataclasses import dataclass

# OpenID Connect Core 5.4: a scope asks for claims.
CLAIMS_OF_SCOPE = {
    "openid": ("sub",),
    "profile": ("name", "given_name", "family_name", "preferred_username", "picture"),
    "email": ("email", "email_verified"),
}


@dataclass(frozen=True)
class Person:
    """Somebody whom the visitor may choose to be."""

    sub: str
    given_name: str
    family_name: str
    known_for: str
    hue: int

    def claims(self, scopes: Collection[str], issuer: str) -> dict[str, object]:
        """Return the standard claims (OpenID Connect Core 5.1) that *scopes* ask for."""
        everything: dict[str, object] = {
            "sub": self.sub,
            "name": f"{self.given_name} {self.family_name}",
            "given_name": self.given_name,
            "family_name": self.family_name,
            "preferred_username": self.sub,
            "picture": f"{issuer}/portraits/{self.sub}.svg",
            "email": f"{self.sub}@example.com",
            "email_verified": True,
        }
        return {
            claim: everything[claim]
            for scope, claims in CLAIMS_OF_SCOPE.items()
            if scope in scopes
            for claim in claims
        }


ADA = Person("ada", "Ada", "Lovelace", "wrote the first program", 265)
ALAN = Person("alan", "Alan", "Turing", "asked whether machines can think", 165)
PEOPLE = {person.sub: person for person in (ADA, ALAN)}
