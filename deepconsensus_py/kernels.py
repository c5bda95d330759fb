"""Compiled functions (numba), cached on disk until any module with compiled functions changes.

numba's cache is valid as long as the file of a function is unchanged. A kernel also contains the code of the compiled
functions it calls and the constants it reads, and these may come from other modules: after an edit or an upgrade of the
package, stale machine code would run and give wrong reads without an error. So the contents of all modules of the rooms
with kernels are part of what a cache entry is valid for.
"""

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from numba import njit

ROOMS = ("align", "edits", "hifi", "models", "pacbio", "pileup")
"""Rooms with kernels, and those whose constants kernels read."""

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
    return compiled


@cache
def _source_stamp(package: Path) -> str:
    """SHA-256 of the modules of ``ROOMS``."""
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((package / room).glob("*.py")):
            digest.update(f"{room}/{path.name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
