"""Reading the options of a plugin as settings are read: every fault at once, secrets from files."""

from collections.abc import Mapping
from typing import TypeVar

from dhq_auth.settings.environment import Environment, variables_of

Options = TypeVar("Options")


def read_options(cls: type[Options], options: Mapping[str, str]) -> Options:
    """Return *options* as the dataclass *cls*, each of whose fields is declared by `variable`.

    An option is a variable without the prefix of the plugin. Raises ValueError with every fault,
    an unknown option among them; never with the value of a secret.
    """
    env = Environment({name.upper(): value for name, value in options.items()})
    values = env.values(cls)
    known = [each.name for each in variables_of(cls).values()]
    env.refuse_unknown("", known)
    if env.faults:
        raise ValueError("; ".join(env.faults))
    return cls(**values)
