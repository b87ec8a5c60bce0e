"""Who is asking, as far as a service knows it: from the token that was presented, or nobody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a service; `user_id` is None for the anonymous one.

    `permissions` holds what is allowed without a condition, `filters` the rules that the policies
    provider has signed (None where another provider answered). Both come from the token: what has
    changed since `issued_at` is not in them.
    """

    user_id: str | None = None
    permissions: Mapping[str, Any] = field(default_factory=dict, hash=False)
    filters: Mapping[str, Any] | None = field(default=None, hash=False)
    issued_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def is_authenticated(self) -> bool:
        """Whether it is known who is asking."""
        return self.user_id is not None


ANONYMOUS: Final = Caller()
"""Whoever presents no token at all."""
