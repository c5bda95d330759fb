"""A movie: the molecules of one run, and the three files that describe them (subreads, drafts, truth)."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.pacbio.headers import read_group_id
from deepconsensus_py.pacbio.molecule import Pass, decode_bases
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs
from deepconsensus_py.pacbio.outputs import atomic_path
from deepconsensus_py.pacbio.records import pass_record
from deepconsensus_py.pacbio.writers import open_records
from deepconsensus_py.simulate.molecules import SHORTEST_PASS, SimulatedMolecule, simulate_molecule
from deepconsensus_py.simulate.profile import Profile, load_profile
from deepconsensus_py.simulate.templates import draw_fragment, random_template

MOVIE = "m54000_240101_000000"
FIRST_HOLE = 4194369
LENGTH = (1000, 3000)  # bases
PASSES = (3, 12)
KITS = "BINDINGKIT=101-500-400;SEQUENCINGKIT=101-427-800;BASECALLERVERSION=5.0.0;FRAMERATEHZ=100.000000"
KINETICS = "Ipd:CodecV1=ip;PulseWidth:CodecV1=pw;"


@dataclass(frozen=True, slots=True)
class MovieSettings:
    """What to simulate.

    Attributes:
        molecules: how many.
        length: shortest and longest molecule, in bases.
        passes: fewest and most full passes.
        seed: the same seed gives the same molecules, whatever their number.
    """

    molecules: int = 10
    length: tuple[int, int] = LENGTH
    passes: tuple[int, int] = PASSES
    seed: int = 1

    def __post_init__(self) -> None:
        for name, (low, high), least in (("length", self.length, SHORTEST_PASS), ("passes", self.passes, 1)):
            if not least <= low <= high:
                raise InputError(
                    f"{name} {low} {high}: give two numbers, the first at least {least}, not above the second"
                )
        if self.molecules < 1:
            raise InputError(f"molecules {self.molecules}: give a number of at least 1")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: give a number that is not negative")


def simulate_zmws(
    profile: Profile,
    count: int,
    rng: np.random.Generator,
    *,
    length: tuple[int, int] = LENGTH,
    passes: tuple[int, int] = PASSES,
    sequences: list[NDArray[np.uint8]] | None = None,
) -> Iterator[SimulatedMolecule]:
    """Simulate molecules one by one, in memory.

    Args:
        profile: error rates, kinetics and signal.
        count: how many.
        rng: source of randomness; each molecule gets a generator of its own from it.
        length: shortest and longest molecule, in bases.
        passes: fewest and most full passes.
        sequences: base codes to take molecules from; random sequence if None.
    """
    for number, own in enumerate(rng.spawn(count)):
        yield _simulate(number, length, passes, sequences, profile, own)


def simulate_movie(
    settings: MovieSettings, sequences: list[NDArray[np.uint8]] | None = None
) -> Iterator[SimulatedMolecule]:
    """Simulate the molecules of a movie one by one.

    Args:
        settings: how many, how long, how many passes, which seed.
        sequences: base codes to take molecules from; random sequence if None.
    """
    for number in range(settings.molecules):
        rng = np.random.default_rng([settings.seed, number])
        yield _simulate(number, settings.length, settings.passes, sequences, load_profile(), rng)


def _simulate(
    number: int,
    length: tuple[int, int],
    passes: tuple[int, int],
    sequences: list[NDArray[np.uint8]] | None,
    profile: Profile,
    rng: np.random.Generator,
) -> SimulatedMolecule:
    bases = int(rng.integers(length[0], length[1] + 1))
    if sequences is None:
        truth = random_template(bases, profile.passes.run_length_share, rng)
    else:
        truth = draw_fragment(sequences, bases, rng)
    full_passes = int(rng.integers(passes[0], passes[1] + 1))
    return simulate_molecule(
        truth, movie=MOVIE, hole=FIRST_HOLE + number, full_passes=full_passes, profile=profile, rng=rng
    )


def write_movie(molecules: Iterable[SimulatedMolecule], folder: Path, command_line: str, movie: str = MOVIE) -> int:
    """Write ``subreads.bam``, ``ccs.bam`` and ``truth.fasta``.

    Args:
        molecules: of that movie.
        folder: is made if absent.
        command_line: for the ``@PG`` lines.
        movie: movie name.

    Returns:
        How many molecules were written.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({error.strerror}); give another") from error
    with (
        open_records(folder / "subreads.bam", _header(movie, "SUBREAD", KINETICS, command_line)) as subreads,
        open_records(folder / "ccs.bam", _header(movie, "CCS", "", command_line)) as drafts,
        atomic_path(folder / "truth.fasta") as truth_path,
        truth_path.open("w") as truths,
    ):
        for molecule in molecules:
            draft = molecule.zmw.draft
            for subread in molecule.zmw.passes:
                subreads.write(_subread_record(subread, subreads.header))
            drafts.write_read(draft.name, draft.bases, draft.qualities, draft.tags)
            truths.write(f">{parse_ccs(draft.name)}/truth\n{decode_bases(molecule.truth)}\n")
            count += 1
    return count


def _header(movie: str, read_type: str, kinetics: str, command_line: str) -> pysam.AlignmentHeader:
    group = {
        "ID": read_group_id(MoleculeId(movie, 0), read_type),
        "PL": "PACBIO",
        "DS": f"READTYPE={read_type};{kinetics}{KITS}",
        "PU": movie,
        "PM": "SEQUEL",
    }
    program = {"ID": "deepconsensus-py", "PN": "deepconsensus-py", "VN": __version__, "CL": command_line}
    version = {"VN": "1.6", "SO": "unknown", "pb": "5.0.0"}
    return pysam.AlignmentHeader.from_dict({"HD": version, "RG": [group], "PG": [program]})


def _subread_record(subread: Pass, header: pysam.AlignmentHeader) -> pysam.AlignedSegment:
    """The record as an instrument writes it: base qualities are there and zero."""
    record = pass_record(subread, header)
    record.query_qualities = array("B", bytes(len(subread.bases)))
    return record
