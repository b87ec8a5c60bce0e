"""An extension that fails."""


def on_user_login(user_info: dict[str, object]) -> None:
    raise RuntimeError("as always")
