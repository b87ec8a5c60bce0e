"""What plugin authors import."""

import subprocess
import sys

import pytest

import dhq_auth
from dhq_auth import errors, events, hookspecs
from dhq_auth.events import Event


def test_importing_it_loads_neither_http_nor_sql():
    program = (
        "import sys, dhq_auth\n"
        "before = set(sys.modules)\n"
        "for name in dhq_auth.__all__: getattr(dhq_auth, name)\n"
        "print(sorted({'aiohttp', 'sqlalchemy', 'joserfc', 'cryptography'} & set(sys.modules)))\n"
        "print('pluggy' in before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)  # noqa: PLW1510, S603 - its output is looked at
    assert (done.stdout, done.stderr) == ("[]\nFalse\n", "")


def test_every_name_is_the_thing_itself():
    for name in dhq_auth.__all__:
        homes = [home for home in (hookspecs, events, errors) if hasattr(home, name)]
        assert getattr(dhq_auth, name) is getattr(homes[0], name)
    assert set(dhq_auth.__all__) <= set(dir(dhq_auth))


def test_every_event_is_there():
    def below(cls: type[Event]) -> set[str]:
        return {cls.__name__}.union(*map(below, cls.__subclasses__()))

    assert below(Event) <= set(dhq_auth.__all__)


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'dhq_auth' has no attribute 'Secret'"):
        dhq_auth.Secret  # noqa: B018


def test_no_two_kinds_of_event_have_one_name():
    kinds = [getattr(thing, "kind", None) for thing in map(dhq_auth.__getattr__, dhq_auth.__all__)]
    found = [kind for kind in kinds if isinstance(kind, str)]
    assert len(found) == len(set(found)) >= 7
