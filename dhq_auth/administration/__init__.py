"""Who administers: the first administrator, users, one's own account as data, counts."""
