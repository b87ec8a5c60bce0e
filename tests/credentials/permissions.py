"""A permission provider that allows everything."""


def get_permissions(service: str, userid: str) -> dict[str, bool]:
    return {"*": True}
