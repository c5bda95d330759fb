"""The rows that there are: every module of ``claims.rows``."""

import pkgutil
from importlib import import_module

from deepconsensus_py.claims import rows as package
from deepconsensus_py.claims.row import Row
from deepconsensus_py.errors import InputError


def ids() -> list[str]:
    """Names of all rows, by the alphabet; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def row(name: str) -> Row:
    """A row by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in ids():
        raise InputError(f"there is no claim {name!r}; there are {', '.join(ids())}")
    found: Row = import_module(f"{package.__name__}.{name}").ROW
    return found


def rows() -> list[Row]:
    """All rows, by their numbers."""
    return sorted(map(row, ids()), key=lambda one: one.number)
