"""Putting the application on the network.

- `serve`: from the environment to a running service; what `python server.py` and
  `dhq-auth serve` call.
- `run`: one process, until SIGTERM; `supervisor`: several of them.
- `server`, `protocol`: all connections, and one; `refusals`: what is answered in our own name.
"""

from dhq_auth.serving.serve import serve

__all__ = ["serve"]
