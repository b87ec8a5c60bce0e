"""One line for each answer: what was asked, without its query or a token, and what became of it."""

import logging
import re
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from dhq_auth.web.client import TRACE_ID

ACCESS: Final = logging.getLogger("dhq_auth.access")
LONGEST_PATH: Final = 512
# An API token or a JWT where an id belongs, which would count for whoever reads the log.
_TOKEN: Final = re.compile(r"6879-\w+|ey[\w-]*\.[\w-]*\.[\w-]*")
_LINE: Final = "%(method)s %(path)s %(status)d, %(bytes)d bytes in %(ms)s ms"


class AccessLog(AbstractAccessLogger):
    """Logs method, path, status, bytes, milliseconds, request and trace id; nothing else of a request."""

    @property
    def enabled(self) -> bool:
        """Whether anybody reads it."""
        return self.logger.isEnabledFor(logging.INFO)

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Log that *response* was given to *request* after *time* seconds."""
        # Not the target as it came: that has the query, and may have a user and a password.
        path = _TOKEN.sub("…", request.rel_url.raw_path)
        if len(path) > LONGEST_PATH:
            path = f"{path[:LONGEST_PATH]}…"
        said = {
            "method": request.method,
            "path": path,
            "status": response.status,
            "bytes": response.body_length,
            "ms": round(time * 1000, 1),
        }
        ids = {
            "request_id": response.headers.get("X-Request-Id"),
            "trace_id": request.get(TRACE_ID),
        }
        extra = said | {name: value for name, value in ids.items() if value}
        self.logger.info(_LINE, said, extra=extra)
