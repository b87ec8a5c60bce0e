"""What `/openapi.json` says of the routes of one's own account, by feature."""
