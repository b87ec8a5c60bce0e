"""Packages of others that are put in place without being run, for the sake of some of their modules.

What a package's `__init__` brings along costs time at every start and memory ever after, also where
a module of it is all that is needed. Whoever asks the package itself for something later, such as a
plugin, makes it run then, and gets all of it.
"""

import sys
from functools import partial
from importlib import import_module
from importlib.abc import Loader
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any


def put_in_place(name: str, *functions: str) -> None:
    """Let modules of the package *name* be imported without it; what is loaded stays as it is.

    Its *functions* may be imported from it, too: whoever calls one makes the package run.
    """
    if name in sys.modules:
        return
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name=name)
    package = module_from_spec(spec)
    late = _Late(package, spec.loader)
    for function in functions:
        setattr(package, function, partial(late.call, function))
    package.__getattr__ = late  # type: ignore[method-assign]
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(import_module(parent), child, package)


class _Late:
    """Stands in for what a *package* lacks (PEP 562) until it has run."""

    def __init__(self, package: ModuleType, loader: Loader) -> None:
        self._package = package
        self._loader = loader
        self._turns = RLock()
        self._runs = False

    def __call__(self, wanted: str) -> Any:
        """Return what is *wanted*; the package runs for it."""
        name = self._package.__name__
        if wanted == "__version__":
            return version(name)
        if wanted.startswith("__") or find_spec(f"{name}.{wanted}"):
            raise AttributeError(wanted)  # the import system asks, and finds submodules by itself
        with self._turns:  # another thread waits until it has run; the package itself does not
            if not self._runs:
                self._run()
            elif wanted not in vars(self._package):
                raise AttributeError(wanted)
        return getattr(self._package, wanted)

    def call(self, function: str, *args: Any, **options: Any) -> Any:
        """Call *function* of the package."""
        return self(function)(*args, **options)

    def _run(self) -> None:
        self._runs = True
        self._loader.exec_module(self._package)
        if self._package.__getattr__ is self:
            del self._package.__getattr__
