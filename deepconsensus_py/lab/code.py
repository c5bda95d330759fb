"""Which code made a result: a hash of a row's own code, and one of the core that it stands on."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "deepconsensus_py"
ROOT = Path(__file__).parents[1]
ROW, CORE = ("lab",), ("attention", "heads", "models")
HARNESS = {f"{PACKAGE}.lab.claim", f"{PACKAGE}.lab.costs"}
"""Imported by most rows, but no training depends on what keeps and counts."""

DIGITS = 8
"""Of a hash."""


@dataclass(frozen=True, slots=True)
class Code:
    """Hashes of the code that made a result.

    Attributes:
        row: of the row's module or folder and all of ``lab`` that it imports.
        core: of all that these import of the attention core, the heads and the networks. What lies behind
            ``lab.reads``, the rooms that simulate and polish reads, is in neither.
    """

    row: str
    core: str


def code_of(module: str) -> Code:
    """Hash the code of a row.

    Args:
        module: name of the row's module, ``deepconsensus_py.lab.systems.NAME``, or of its folder.
    """
    path = _path(module)
    seen = set(path.parent.glob("*.py")) if path.name == "__init__.py" else {path}
    waiting = list(seen)
    while waiting:
        found = {one for one in _imported(waiting.pop()) if one not in seen}
        seen |= found
        waiting += found
    return Code(*(_hash(one for one in seen if _room(one) in rooms) for rooms in (ROW, CORE)))


def _hash(paths: Iterator[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:DIGITS]


def _room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def _path(module: str) -> Path:
    folder = ROOT.joinpath(*module.split(".")[1:])
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def _imported(path: Path) -> Iterator[Path]:
    """The modules of these rooms that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported from a folder may be a module of it.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.startswith(f"{PACKAGE}.") and name not in HARNESS:
                found = _path(name)
                if found.exists() and _room(found) in ROW + CORE:
                    yield found
