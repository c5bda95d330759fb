"""Find the claims of all systems, run them one by one, keep their results, and write the page."""

import pkgutil
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.lab import page, systems
from deepconsensus_py.lab.claim import Claim
from deepconsensus_py.lab.results import Result, code_of_claim, kept, read_result, show, write_result, write_text

Log = Callable[[str], None]
"""Takes a line about the progress."""


def claims() -> list[Claim]:
    """The claims of all systems, by number. Imports all of ``lab.systems``."""
    return sorted((claim for _, claim in _by_module()), key=lambda claim: claim.number)


def find_claim(name: str) -> Claim:
    """A claim by its id, or by the name of its system's module.

    Raises:
        InputError: there is none of that name.
    """
    for module, claim in _by_module():
        if name in {module, claim.id}:
            return claim
    raise InputError(f"there is no claim {name!r}; there are {', '.join(sorted(claim.id for claim in claims()))}")


def _by_module() -> Iterator[tuple[str, Claim]]:
    """Each system's name and claim: ``CLAIM`` of its module, or of the module ``claim`` in its folder."""
    for system in pkgutil.iter_modules(systems.__path__):
        yield system.name, import_module(f"{systems.__name__}.{system.name}{'.claim' * system.ispkg}").CLAIM


def run_claims(folder: Path, only: Sequence[str], log: Log, *, fast: bool) -> bool:
    """Run the claims that have no result in a folder yet, and write the plots and the page ``folder.md``.

    A claim whose run raises is reported, and the others still run.

    Args:
        folder: created if it does not exist.
        only: names of claims; all if empty.
        log: takes a line for each claim that runs and for each figure.
        fast: see ``Size``.

    Returns:
        Whether all of them ran, and all exact checks pass.

    Raises:
        InputError: there is no claim of a name, or a file in the folder is not a result.
        OutputError: the folder cannot be created.
    """
    chosen = [find_claim(name) for name in only] or claims()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot create the folder ({error.strerror})") from error
    good = True
    for claim in chosen:
        result = _run(folder, claim, log, fast=fast)
        good &= result is not None and not result.missed_exact
    collect(folder)
    return good


def collect(folder: Path) -> None:
    """Write the plots and the page of all results in a folder.

    Raises:
        InputError: there are none, or a file in the folder is not a result.
    """
    results = list(entries(folder))
    if not results:
        raise InputError(f"{folder}: no results of the claims command")
    for claim, result in results:
        if result.shown.curves:
            page.plot(folder / f"{claim.id}.svg", claim, result)
    write_text(folder.with_name(folder.name + ".md"), page.page(results, plots=folder.name, code_of=code_of_claim))


def standing(folder: Path, claim: Claim) -> str:
    """What a folder has of a claim: nothing, or a result of this code, of earlier code, or of an earlier core."""
    path = folder / f"{claim.id}.json"
    if not path.exists():
        return "not run"
    code, now = read_result(path).code, code_of_claim(claim)
    if code is None or code.row != now.row:
        return "earlier code"
    return "earlier core" if code.core != now.core else "current"


def entries(folder: Path) -> Iterator[tuple[Claim, Result]]:
    """The claims that a folder has results of, by number, with these."""
    for claim in claims():
        if (path := folder / f"{claim.id}.json").exists():
            yield claim, read_result(path)


def _run(folder: Path, claim: Claim, log: Log, *, fast: bool) -> Result | None:
    path = folder / f"{claim.id}.json"
    if (earlier := kept(path, claim, fast=fast)) is not None:
        log(f"{claim.id}: already done (delete {path} to run it again)")
        return earlier
    log(f"{claim.id}: {claim.text}")
    try:
        result = show(claim, fast=fast)
    except Exception:  # noqa: BLE001
        # The fault of one claim must not cost the hours of the others; it is seen at once and at the end.
        log(f"{claim.id}: failed\n{traceback.format_exc()}")
        return None
    write_result(path, result)
    for figure in result.shown.figures:
        beside = "" if figure.baseline is None else f" (baseline {page.number(figure.baseline)})"
        ends = "" if figure.interval is None else " [" + ", ".join(map(page.number, figure.interval)) + "]"
        log(f"  {figure.verdict:6} {figure.name}: {page.number(figure.ours)}{ends}{beside} {figure.target}")
    log(f"{claim.id}: {page.outcome(result)}, {result.seconds:.0f} s")
    return result
