"""Compiled functions (numba), cached on disk until any module with compiled functions changes.

numba's cache is valid as long as the file of a function is unchanged. A kernel also contains the code of the compiled
functions it calls and the constants it reads, and these may come from other modules: after an edit or an upgrade of the
package, stale machine code would run and give wrong reads without an error. So the contents of all modules of the rooms
with kernels are part of what a cache entry is valid for.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from numba import njit

ROOMS = ("align", "edits", "hifi", "models", "pacbio", "pileup")
"""Rooms with kernels, and those whose constants kernels read."""

_KERNELS: list[Any] = []
"""The compiled functions of all modules that are imported."""

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Inline = Literal["always", "never"]


@overload
def kernel(function: _Function) -> _Function: ...
@overload
def kernel(*, inline: _Inline) -> Callable[[_Function], _Function]: ...
def kernel(function: _Function | None = None, *, inline: _Inline = "never") -> Any:
    """Compile a function at its first call; it releases the interpreter's lock.

    Args:
        function: the function.
        inline: ``"always"`` for what is called in inner loops.
    """
    if function is None:
        return partial(kernel, inline=inline)
    compiled: Any = njit(cache=True, nogil=True, inline=inline)(function)
    stamp = _source_stamp(Path(__file__).parent)
    # Private to numba; without it the function is compiled in each process, which is slow but right.
    try:
        index = compiled._cache._cache_file
        index._source_stamp = (index._source_stamp, stamp)
    except AttributeError:
        return njit(nogil=True, inline=inline)(function)
    _KERNELS.append(compiled)
    return compiled


def cached_functions() -> tuple[int, Path]:
    """How many compiled functions the cache has for this version and processor, and its folder.

    Imports all modules with kernels; compiles nothing.
    """
    package = Path(__file__).parent
    for room in ROOMS:
        for path in (package / room).glob("*.py"):
            if "@kernel" in path.read_text():
                import_module(f"{__package__}.{room}.{path.stem}")
    folders = {kernel._cache.cache_path for kernel in _KERNELS}
    return sum(map(_is_cached, _KERNELS)), Path(os.path.commonpath(folders)) if folders else package


def nothing_cached(module: str | None = None) -> bool:
    """Whether the cache has no code of the functions that are imported: a first run, which compiles.

    Args:
        module: only those of this one, by its full name.
    """
    kernels = [kernel for kernel in _KERNELS if module in {None, kernel.__module__}]
    return bool(kernels) and not any(map(_is_cached, kernels))


def _is_cached(kernel: Any) -> bool:
    # Private to numba; a run must not fail for what is only reported.
    try:
        processor = kernel.targetctx.codegen().magic_tuple()
        return any(processor in key for key in kernel._cache._cache_file._load_index())
    except AttributeError:
        return False


@cache
def _source_stamp(package: Path) -> str:
    """SHA-256 of the modules of ``ROOMS``."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((package / room).glob("*.py")):
            digest.update(f"{room}/{path.name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
