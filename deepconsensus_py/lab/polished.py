"""Simulated molecules polished by the bundled model, and what an assembly would have of their reads."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from deepconsensus_py.evaluate.comparison import empirical_quality
from deepconsensus_py.evaluate.read_errors import ReadErrors, find_errors, phred, probability
from deepconsensus_py.evaluate.reads import Read
from deepconsensus_py.pacbio.molecule import decode_bases
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.simulate.molecules import SimulatedMolecule

K = 21
"""Bases of a k-mer: few occur twice by chance in a molecule of 10 kb."""


@dataclass(frozen=True, slots=True)
class Kmers:
    """K-mers of reads beside those of their truth.

    Attributes:
        true: k-mers of the truth.
        found: those of them that the read has.
        false: k-mers that the read has and the truth has not.
        repeated: how many more times reads have k-mers that the truth has, too.
    """

    true: int
    found: int
    false: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Polished:
    """One molecule's draft and polished read, judged by the truth."""

    draft: ReadErrors
    read: ReadErrors
    draft_kmers: Kmers
    read_kmers: Kmers


def polished(molecules: Iterable[SimulatedMolecule], model: str) -> list[Polished]:
    """Polish molecules and compare drafts and reads with what was simulated; reads of any quality count.

    Args:
        molecules: with passes not yet aligned.
        model: name or file of a corrector.
    """
    given = list(molecules)
    settings = PolishSettings(filter=ReadFilter(min_quality=0, min_length=0))
    found = []
    for molecule, read in zip(given, polish((m.zmw for m in given), model=model, settings=settings), strict=True):
        truth, draft = decode_bases(molecule.truth), molecule.zmw.draft
        kept = draft.qualities if read.bases is None else read.qualities
        bases = draft.bases if read.bases is None else read.bases
        assert kept is not None
        assert draft.qualities is not None
        reads = [
            Read(draft.name, decode_bases(draft.bases), draft.qualities.astype(float)),
            Read(draft.name, decode_bases(bases), kept.astype(float)),
        ]
        errors = [find_errors(one, truth) for one in reads]
        kmers = [count_kmers(one.bases, truth) for one in reads]
        found.append(Polished(errors[0], errors[1], kmers[0], kmers[1]))
    return found


def count_kmers(read: str, truth: str) -> Kmers:
    """Compare the k-mers of a read with those of the truth."""
    ours, true = (Counter(bases[i : i + K] for i in range(len(bases) - K + 1)) for bases in (read, truth))
    shared = ours.keys() & true.keys()
    return Kmers(
        true=len(true),
        found=len(shared),
        false=len(ours) - len(shared),
        repeated=sum(max(0, ours[kmer] - true[kmer]) for kmer in shared),
    )


def bases_of_quality(reads: Iterable[ReadErrors], least: float, *, predicted: bool) -> int:
    """Yield: bases of reads of at least this quality, as their errors say, or as their base qualities predict."""
    total = 0
    for read in reads:
        quality = empirical_quality(read.total, read.truth_bases)
        if predicted:
            assert read.booked is not None
            quality = phred(float(probability(read.booked.qualities).mean()))
        total += read.length if quality >= least else 0
    return total
