"""Measuring the service beside a bare aiohttp server, in one run."""
