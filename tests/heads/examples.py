"""A tiny example of every head, found by the names of their files; the sharing tests run over all of them."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.head import Head


@dataclass(frozen=True)
class Example:
    """A head, how it is built on a trunk of a configuration, and a batch for it.

    Attributes:
        name: the head's.
        trunk: a tiny configuration that it works with.
        build: the head on a new trunk of the configuration.
        batch: a tiny batch, from a seed.
        presets: names of the attention presets that it works with.
    """

    name: str
    trunk: TrunkConfig
    build: Callable[[TrunkConfig], Head]
    batch: Callable[[int], dict[str, Tensor]]
    presets: tuple[str, ...]


def examples() -> list[Example]:
    """All of them, from the files ``example_<name>.py`` beside this one."""
    found = []
    for path in sorted(Path(__file__).parent.glob("example_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found.append(module.EXAMPLE)
    return found
