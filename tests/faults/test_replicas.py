"""Replicas behind a load balancer: one after the other dies and comes back, and nobody notices."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.fakes.nginx import Nginx
from tests.faults.stage import Stage
from tests.fixtures.process import free_port

REPLICAS = 3
BALANCER = """
upstream replicas {{
    {servers}
}}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://replicas;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_connect_timeout 1s;
        proxy_next_upstream error timeout http_503;
        proxy_read_timeout 30s;
    }}
}}
"""


async def test_replicas_that_are_killed_in_turn_log_nobody_out(
    stage: Callable[..., Stage], postgres_url: str, tmp_path: Path, *, thorough: bool
) -> None:
    port = free_port()
    address = f"http://localhost:{port}"
    on = stage(
        REPLICAS,
        DATABASE_URL=postgres_url,
        EXTERNAL_ADDRESS=address,
        TRUSTED_PROXIES="127.0.0.1",
    )
    await on.start()
    servers = "\n    ".join(
        f"server 127.0.0.1:{replica.port} max_fails=1 fail_timeout=1s;" for replica in on.replicas
    )
    async with Nginx(tmp_path / "nginx", BALANCER.format(servers=servers, port=port)):
        await on.populate(["ada", "bob", "cleo"], lambda: address)
        async with on.traffic():
            for turn in range(4 if thorough else 1):
                for replica in on.replicas:
                    await asyncio.sleep(0.3)
                    await (replica.kill() if turn % 2 == 0 else replica.stop())
                    await asyncio.sleep(0.3)
                    await replica.start()
        await on.judge()
