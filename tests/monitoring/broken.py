"""A permission provider that fails."""


def get_permissions(service: str, userid: str) -> dict[str, bool]:
    raise RuntimeError("as always")
