"""All that is over is forgotten, as the service does it once a minute."""

from dhq_auth.housekeeping import prune, rules
from dhq_auth.settings import from_environ
from dhq_auth.work import Work


async def prune_all(work: Work) -> int:
    """Prune every table; return how many rows went."""
    return sum([await prune(work, forget) for forget in rules(from_environ({})).values()])
