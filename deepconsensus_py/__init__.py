"""Polish PacBio HiFi reads: correct each draft consensus from all passes of its molecule."""

from typing import TYPE_CHECKING, Any

from deepconsensus_py._version import __version__

if TYPE_CHECKING:
    from deepconsensus_py.polishing.engine import polish

__all__ = ["__version__", "polish"]


def __getattr__(name: str) -> Any:  # PEP 562: importing the package must not import torch
    if name == "polish":
        from deepconsensus_py.polishing.engine import polish  # noqa: PLC0415

        return polish
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
