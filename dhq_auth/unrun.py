"""Packages of others that are put in place without being run, for the sake of some of their modules.

What a package's `__init__` brings along costs time at every start and memory ever after, also where
a module of it is all that is needed. Whoever asks the package itself for something later, such as a
plugin, makes it run then, and gets all of it.
"""

import sys
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from threading import RLock
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
    package, loader = module_from_spec(spec), spec.loader
    turns, runs = RLock(), False

    def run_and_get(wanted: str) -> Any:
        """Stand in for what is missing (PEP 562) until the package has run."""
        nonlocal runs
        if wanted == "__version__":
            return version(name)
        if wanted.startswith("__") or find_spec(f"{name}.{wanted}"):
            raise AttributeError(wanted)  # the import system asks, and finds submodules by itself
        with turns:  # another thread waits until the package has run; the package itself does not
            if not runs:
                runs = True
                loader.exec_module(package)
                if package.__getattr__ is run_and_get:
                    del package.__getattr__
            elif wanted not in vars(package):
                raise AttributeError(wanted)
        return getattr(package, wanted)

    def call(function: str, *args: Any, **options: Any) -> Any:
        return run_and_get(function)(*args, **options)

    for function in functions:
        setattr(package, function, partial(call, function))
    package.__getattr__ = run_and_get  # type: ignore[method-assign]
    sys.modules[name] = package
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(import_module(parent), child, package)
