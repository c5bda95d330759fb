"""Run rows one by one, keep what is done, and write the page of all there is."""

import pkgutil
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.lab import page, systems
from deepconsensus_py.lab.claim import Row
from deepconsensus_py.lab.results import Result, kept, read_result, show, write_result, write_text

Tell = Callable[[str], None]
"""Where a line about the progress goes."""


def claims() -> list[Row]:
    """All rows, by their numbers; imports all systems."""
    return sorted(map(_load, pkgutil.iter_modules(systems.__path__)), key=lambda row: row.number)


def claim(name: str) -> Row:
    """A row by its id.

    Raises:
        InputError: there is none of that name.
    """
    found = {one.id: one for one in claims()}
    if name not in found:
        raise InputError(f"there is no claim {name!r}; there are {', '.join(sorted(found))}")
    return found[name]


def _load(system: pkgutil.ModuleInfo) -> Row:
    """The row of a system: ``ROW`` of its module, or of the module ``claim`` of its folder."""
    row: Row = import_module(f"{systems.__name__}.{system.name}{'.claim' * system.ispkg}").ROW
    return row


def run_claims(folder: Path, only: Sequence[str], tell: Tell, *, fast: bool) -> bool:
    """Run rows that have no result in the folder yet, and write plots and the page ``folder.md``.

    A row that raises is reported, and the others go on.

    Args:
        folder: made where it is not there.
        only: names of rows; all where empty.
        tell: hears what is run and found.
        fast: see ``Size``.

    Returns:
        Whether all of them ran and, in a fast run, whose figures are exact, all figures were reached.

    Raises:
        InputError: there is no row of a name, or a file in the folder is no result.
        OutputError: the folder cannot be made.
    """
    chosen = [claim(name) for name in only] or claims()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made a folder ({error.strerror}); give another name") from error
    good = True
    for row in chosen:
        result = _run(folder, row, tell, fast=fast)
        good &= result is not None and not (fast and result.missed)
    collect(folder)
    return good


def collect(folder: Path) -> None:
    """Write the plots and the page of all results in a folder."""
    rows = list(_there(folder))
    for row, result in rows:
        if result.shown.curves:
            page.plot(folder / f"{row.id}.svg", row, result)
    write_text(folder.with_name(folder.name + ".md"), page.page(rows, plots=folder.name))


def _there(folder: Path) -> Iterator[tuple[Row, Result]]:
    for row in claims():
        if (path := folder / f"{row.id}.json").exists():
            yield row, read_result(path)


def _run(folder: Path, row: Row, tell: Tell, *, fast: bool) -> Result | None:
    path = folder / f"{row.id}.json"
    if (earlier := kept(path, row, fast=fast)) is not None:
        tell(f"{row.id}: kept (delete {path} to run it again)")
        return earlier
    tell(f"{row.id}: {row.claim}")
    try:
        result = show(row, fast=fast)
    except Exception:  # noqa: BLE001
        # One row's fault must not cost the others' hours; which it was is seen at once and at the end.
        tell(f"{row.id}: failed\n{traceback.format_exc()}")
        return None
    write_result(path, result)
    for figure in result.shown.figures:
        word = {None: "", True: "pass", False: "MISS"}[figure.holds]
        beside = "" if figure.baseline is None else f" (baseline {page.number(figure.baseline)})"
        tell(f"  {word:4} {figure.name}: {page.number(figure.ours)}{beside} {figure.target}")
    tell(f"{row.id}: {page.verdict(result)}, {result.seconds:.0f} s")
    return result
