"""A head start for worker processes: what they are forked from gets ready while the main process reads its model."""

from contextlib import suppress
from pathlib import Path

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.header import find_method
from deepconsensus_py.workers.pool import prepare


def prepare_workers(model: str | Path) -> None:
    """Have what the encoder of a model needs imported, and its compiled code loaded, once for all workers.

    Args:
        model: as ``models.registry.load_model`` takes it, which says so where there is none.
    """
    with suppress(ModelError):
        prepare(["deepconsensus_py.polishing.encode", *find_method(model)[0].preload])
