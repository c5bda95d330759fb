"""A movie: its molecules, and the files that describe them (subreads, drafts, truth)."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pysam

from deepconsensus_py._version import __version__
from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.files import atomic_path
from deepconsensus_py.pacbio.molecule import Pass, decode_bases
from deepconsensus_py.pacbio.names import MoleculeId, parse_ccs, read_group_id
from deepconsensus_py.pacbio.records import pass_record
from deepconsensus_py.pacbio.writers import open_records
from deepconsensus_py.simulate.molecules import SimulatedMolecule, simulate_molecule
from deepconsensus_py.simulate.profile import Instrument, Profile
from deepconsensus_py.simulate.sites import SHORTEST_PASS
from deepconsensus_py.simulate.templates import Contig, Fragment, draw_fragment, random_template

FIRST_HOLE = 4194369
LENGTH = (1000, 3000)  # bases
PASSES = (3, 12)
KINETICS = "Ipd:CodecV1=ip;PulseWidth:CodecV1=pw;"


@dataclass(frozen=True, slots=True)
class MovieSettings:
    """What to simulate.

    Attributes:
        molecules: number of molecules.
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
                    f"{name} {low} {high}: give two numbers, the first at least {least} and not above the second"
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
    templates: Sequence[Contig] | None = None,
) -> Iterator[SimulatedMolecule]:
    """Simulate molecules one by one, in memory.

    Args:
        profile: error rates, kinetics and signal.
        count: how many.
        rng: source of randomness; each molecule has its own generator.
        length: shortest and longest molecule, in bases.
        passes: fewest and most full passes.
        templates: sequences to take molecules from; random sequence if None.
    """
    for hole, own in enumerate(rng.spawn(count), FIRST_HOLE):
        bases = int(own.integers(length[0], length[1] + 1))
        if templates is None:
            truth = random_template(bases, profile.passes.homopolymer_share, own)
            fragment = Fragment(f"{profile.instrument.movie}/{hole}/truth", 0, False, truth)
        else:
            fragment = draw_fragment(templates, bases, own)
        molecule = simulate_molecule(
            fragment.bases,
            movie=profile.instrument.movie,
            hole=hole,
            full_passes=int(own.integers(passes[0], passes[1] + 1)),
            profile=profile,
            rng=own,
        )
        yield replace(molecule, fragment=fragment)


def simulate_movie(
    settings: MovieSettings, profile: Profile, templates: Sequence[Contig] | None = None
) -> Iterator[SimulatedMolecule]:
    """Simulate the molecules of a movie one by one.

    Args:
        settings: number, lengths, passes and seed.
        profile: error rates, kinetics and signal.
        templates: sequences to take molecules from; random sequence if None.
    """
    rng = np.random.default_rng(settings.seed)
    return simulate_zmws(
        profile, settings.molecules, rng, length=settings.length, passes=settings.passes, templates=templates
    )


def write_movie(molecules: Iterable[SimulatedMolecule], folder: Path, command_line: str, instrument: Instrument) -> int:
    """Write ``subreads.bam``, ``ccs.bam``, ``truth.fasta`` and ``truth.bed``.

    Args:
        molecules: of one movie.
        folder: created if missing.
        command_line: for the ``@PG`` lines.
        instrument: for the headers.

    Returns:
        Number of molecules written.

    Raises:
        OutputError: the folder or a file cannot be written.
    """
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created ({error.strerror}); use another folder") from error
    with (
        open_records(folder / "subreads.bam", _header(instrument, "SUBREAD", KINETICS, command_line)) as subreads,
        open_records(folder / "ccs.bam", _header(instrument, "CCS", "", command_line)) as drafts,
        atomic_path(folder / "truth.fasta") as truth_path,
        truth_path.open("w") as truths,
        atomic_path(folder / "truth.bed") as ranges_path,
        ranges_path.open("w") as ranges,
    ):
        for molecule in molecules:
            draft = molecule.zmw.draft
            for subread in molecule.zmw.passes:
                subreads.write(_subread_record(subread, subreads.header))
            drafts.write_read(draft.name, draft.bases, draft.qualities, draft.tags)
            truths.write(f">{parse_ccs(draft.name)}/truth\n{decode_bases(molecule.truth)}\n")
            ranges.write(_range_line(molecule))
            count += 1
    return count


def _range_line(molecule: SimulatedMolecule) -> str:
    """BED line of a truth: contig, begin, end, draft name, score and strand."""
    fragment = molecule.fragment
    assert fragment is not None
    end = fragment.begin + len(fragment.bases)
    strand = "-" if fragment.reverse else "+"
    return f"{fragment.contig}\t{fragment.begin}\t{end}\t{molecule.zmw.name}\t0\t{strand}\n"


def _header(instrument: Instrument, read_type: str, kinetics: str, command_line: str) -> pysam.AlignmentHeader:
    group = {
        "ID": read_group_id(MoleculeId(instrument.movie, 0), read_type),
        "PL": "PACBIO",
        "DS": f"READTYPE={read_type};{kinetics}{instrument.kits}",
        "PU": instrument.movie,
        "PM": instrument.platform,
    }
    program = {"ID": "deepconsensus-py", "PN": "deepconsensus-py", "VN": __version__, "CL": command_line}
    version = {"VN": "1.6", "SO": "unknown", "pb": "5.0.0"}
    return pysam.AlignmentHeader.from_dict({"HD": version, "RG": [group], "PG": [program]})


def _subread_record(subread: Pass, header: pysam.AlignmentHeader) -> pysam.AlignedSegment:
    """A record as written by an instrument: base qualities are all zero."""
    record = pass_record(subread, header)
    record.query_qualities = array("B", bytes(len(subread.bases)))
    return record
