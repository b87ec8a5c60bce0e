"""A permission provider as published ones are written: a plain function in a plain module."""


def get_permissions(service: str, userid: str) -> dict[str, object]:
    """Return that everybody may read, and write what is theirs."""
    return {"read": True, "write": [userid], "service": service}
