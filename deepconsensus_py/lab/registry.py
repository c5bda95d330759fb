"""The systems that there are, found as the modules of ``lab.systems``; none of them is listed anywhere."""

import pkgutil
from importlib import import_module

from deepconsensus_py.errors import InputError
from deepconsensus_py.lab import systems
from deepconsensus_py.lab.claim import Row


def rows() -> list[Row]:
    """All rows, by their numbers; imports all systems."""
    return sorted(map(_load, pkgutil.iter_modules(systems.__path__)), key=lambda row: row.number)


def row(name: str) -> Row:
    """A row by its id.

    Raises:
        InputError: there is none of that name.
    """
    found = {one.id: one for one in rows()}
    if name not in found:
        raise InputError(f"there is no claim {name!r}; there are {', '.join(sorted(found))}")
    return found[name]


def _load(system: pkgutil.ModuleInfo) -> Row:
    """The row of a system: ``ROW`` of its module, or of the module ``claim`` of its folder."""
    row: Row = import_module(f"{systems.__name__}.{system.name}{'.claim' * system.ispkg}").ROW
    return row
