"""Which molecules of example files are trained on."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from deepconsensus_py.errors import InputError
from deepconsensus_py.examples.example import Entry, Example
from deepconsensus_py.examples.file import ExampleFile
from deepconsensus_py.pacbio.names import parse_ccs
from deepconsensus_py.training.config import TrainConfig


def open_examples(paths: Sequence[str], config: TrainConfig) -> list[ExampleFile]:
    """Open example files; every molecule that the configuration names must be in one.

    Args:
        paths: of the files.
        config: names molecules.

    Raises:
        InputError: there is no file, one cannot be used, or a named molecule is in none.
    """
    files = [ExampleFile(Path(path)) for path in paths]
    if not files:
        raise InputError("data.examples names no file; write one with 'deepconsensus-py encode --truth'")
    require_present(config, {hole_of(entry.name) for file in files for entry in file.entries}, paths)
    return files


def require_present(config: TrainConfig, present: Collection[int | None], paths: Iterable[str]) -> None:
    """Refuse held-out or left-out molecules that are not there: a misspelt one would be trained on.

    Args:
        config: names molecules.
        present: ZMW numbers that there are.
        paths: of the files that they are in.

    Raises:
        InputError: naming the first.
    """
    for hole in (*config.held_out, *config.left_out):
        if hole not in present:
            raise InputError(f"molecule {hole} is to be held or left out, but is not in {', '.join(paths)}")


def trained_on(config: TrainConfig) -> Callable[[Entry], bool]:
    """Whether a molecule is neither held out nor left out."""
    others = {*config.held_out, *config.left_out}
    return lambda entry: hole_of(entry.name) not in others


def held_out(files: Sequence[ExampleFile], config: TrainConfig) -> list[Example]:
    """The held-out molecules."""
    chosen = set(config.held_out)
    return [file[i] for file in files for i, entry in enumerate(file.entries) if hole_of(entry.name) in chosen]


def hole_of(name: str) -> int | None:
    """The ZMW number in the name of a draft, or None where it has none."""
    molecule = parse_ccs(name)
    return None if molecule is None else molecule.hole
