"""An extension whose deliveries arrive, each at once."""

from dhq_auth import Delivery


async def deliver(delivery: Delivery) -> None:
    """Take it."""
