"""How each vendor shows its batches, after its page and recorded replies."""

from importlib import import_module
from pkgutil import iter_modules

from .vendor import DemoVendor, ResultRoute, json_response


def _declared() -> dict[str, DemoVendor]:
    """Imports the modules beside this one, and takes the vendors that they declare."""
    modules = [import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__)]
    values = [value for module in modules for value in vars(module).values()]
    vendors = {value.name: value for value in values if isinstance(value, DemoVendor)}
    return dict(sorted(vendors.items()))


VENDORS: dict[str, DemoVendor] = _declared()
"""The vendors that the demo server speaks as, by provider name, in alphabetical order."""

__all__ = ["VENDORS", "DemoVendor", "ResultRoute", "json_response"]
