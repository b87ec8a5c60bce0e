"""A permission provider as they were written for dhq-auth 0.1.6."""


def get_permissions(service, userid):  # without annotations, as those modules are
    return {"service": service, "level": "editor", "asked-for": userid}
