"""API tokens: opaque, with a prefix and a checksum, so that made-up ones cost no query."""
