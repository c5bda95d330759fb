"""Start of the worker processes' fork server, so that it imports its modules while the main process loads the model."""

from contextlib import suppress
from pathlib import Path

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.header import find_method
from deepconsensus_py.workers.pool import prepare


def prepare_workers(model: str | Path) -> None:
    """Import what a model's encoder needs, and load its compiled code, once for all workers.

    Args:
        model: as for ``models.registry.load_model``, which also reports an unknown one.
    """
    with suppress(ModelError):
        prepare(["deepconsensus_py.polishing.encode", *find_method(model)[0].preload])
