"""A head start for worker processes: what they are forked from gets ready while the main process reads its model."""

from contextlib import suppress
from pathlib import Path

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.header import RUN, find_model, read_header
from deepconsensus_py.options import PAIR_HMM, WITHOUT_WEIGHTS
from deepconsensus_py.workers.pool import prepare

_ENCODE, _COMPILED = "deepconsensus_py.polishing.encode", "deepconsensus_py.edits.compiled"


def prepare_workers(model: str | Path) -> None:
    """Have what the encoder of a model needs imported, and its compiled code loaded, once for all workers.

    Args:
        model: as ``models.registry.load_model`` takes it, which says so where there is none.
    """
    with suppress(ModelError):
        prepare([_ENCODE, _COMPILED] if _family(model) in {PAIR_HMM, RUN} else [_ENCODE])


def _family(model: str | Path) -> str:
    return str(model) if str(model) in WITHOUT_WEIGHTS else read_header(find_model(model))["family"]
