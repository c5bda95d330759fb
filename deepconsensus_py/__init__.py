"""Polish PacBio HiFi reads: correct each draft consensus from all passes of its molecule.

    from deepconsensus_py import polish, read_zmws, write_reads

    reads = polish(read_zmws("subreads.bam", "ccs.bam"))
    write_reads(reads, "polished.bam", ccs="ccs.bam")

The names below are read from their modules when they are first used (PEP 562), so that importing the package loads
neither torch nor NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from deepconsensus_py._version import __version__

if TYPE_CHECKING:
    from deepconsensus_py.align.zmw_filter import ZmwFilter
    from deepconsensus_py.errors import DeepConsensusError, InputError, ModelError, OutputError
    from deepconsensus_py.models.registry import load_model
    from deepconsensus_py.pacbio.zmws import read_zmws
    from deepconsensus_py.polishing.engine import PolishSettings, polish
    from deepconsensus_py.polishing.filters import ReadFilter
    from deepconsensus_py.polishing.read import PolishedRead, write_reads
    from deepconsensus_py.reports.outcomes import Outcome

__all__ = [
    "DeepConsensusError",
    "InputError",
    "ModelError",
    "Outcome",
    "OutputError",
    "PolishSettings",
    "PolishedRead",
    "ReadFilter",
    "ZmwFilter",
    "__version__",
    "load_model",
    "polish",
    "read_zmws",
    "write_reads",
]

_MODULES = {
    "align.zmw_filter": ("ZmwFilter",),
    "errors": ("DeepConsensusError", "InputError", "ModelError", "OutputError"),
    "models.registry": ("load_model",),
    "pacbio.zmws": ("read_zmws",),
    "polishing.engine": ("PolishSettings", "polish"),
    "polishing.filters": ("ReadFilter",),
    "polishing.read": ("PolishedRead", "write_reads"),
    "reports.outcomes": ("Outcome",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            globals()[name] = value = getattr(import_module(f"{__name__}.{module}"), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
