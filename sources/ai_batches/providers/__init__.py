"""The registry: every provider that a module of this folder declares."""

from importlib import import_module
from pkgutil import iter_modules

from .declaration import Provider


def _declared() -> dict[str, Provider]:
    """Imports the modules beside this one, and takes the providers that they declare."""
    found: dict[str, Provider] = {}
    for module in sorted(each.name for each in iter_modules(__path__)):
        for value in vars(import_module(f"{__name__}.{module}")).values():
            if not isinstance(value, Provider):
                continue
            if found.setdefault(value.name, value) is not value:
                raise ValueError(f"{module}.py declares `{value.name}`, which exists already")
    return dict(sorted(found.items()))


PROVIDERS: dict[str, Provider] = _declared()
"""Providers by name, in alphabetical order."""

__all__ = ["PROVIDERS", "Provider"]
