"""Polished reads, their BAM tags, and how they are written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from deepconsensus_py._version import __version__
from deepconsensus_py.align.draft import UNPOLISHED
from deepconsensus_py.corrector import Features
from deepconsensus_py.files import require_apart
from deepconsensus_py.hifi.kinetics import KINETICS_TAGS, Kinetics, PassKinetics
from deepconsensus_py.hifi.tags import ALIGNMENT_TAGS, MODIFICATIONS, kept_tags
from deepconsensus_py.options import AUTO
from deepconsensus_py.pacbio.bam_tags import Tags, in_order
from deepconsensus_py.pacbio.headers import Program, polished_header, read_groups_header
from deepconsensus_py.pacbio.inputs import Paths, expand_paths
from deepconsensus_py.pacbio.molecule import Draft, decode_bases
from deepconsensus_py.pacbio.records import unaligned_record
from deepconsensus_py.pacbio.writers import fastq_record, is_fastq, open_reads
from deepconsensus_py.polishing.kinetics import LOOKED_AT, unpolished_kinetics
from deepconsensus_py.polishing.qualities import error_probability, read_accuracy
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.reports.zmw import ZmwFacts

TANDEM_REPEATS = "tandem_repeats"
"""Name of the count of ZMWs whose draft has a long tandem repeat (``ZmwFilter.min_tandem_repeat_length``)."""

BARCODES_DIFFER = "barcodes_differ"
"""Name of the count of ZMWs whose subreads have different barcodes, and whose read has none."""


def unpolished_tags(draft: Draft, kinetics: str = AUTO, *, carry_modifications: bool = True) -> Tags:
    """The tags of a draft that is written unpolished: all but those of an alignment, with ``rq`` -1 (not HiFi).

    Args:
        draft: the draft.
        kinetics: one of ``options.KINETICS``, which decides on kinetics.
        carry_modifications: whether base modifications are among them.
    """
    dropped = {"rq", *KINETICS_TAGS, *ALIGNMENT_TAGS, *(() if carry_modifications else MODIFICATIONS)}
    kept = (entry for entry in draft.tags if entry[0] not in dropped)
    return in_order((*kept, ("rq", UNPOLISHED, "f"), *unpolished_kinetics(draft, kinetics)))


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """An encoded ZMW, on its way to the model or into a shard.

    Attributes:
        draft: the draft, with the tags that the polished read keeps.
        features: the model's input, or None if the ZMW could not be encoded.
        outcome: the ZMW's outcome if ``features`` is None, e.g. ``"missing_kinetics"``; else empty.
        reason: why ``features`` is None; else empty.
        passes: number of aligned subreads.
        full_passes: how many of them are full passes.
        counts: what else the report counts of the ZMW, by the report's names.
        kinetics: of the passes, if the read gets kinetics from them; not stored in shards.
        facts: what its subreads say of the ZMW.
        stand_in: a pass in place of the read, where the ZMW has no features and it was asked for.
        hd_sites: positions at which the strands differ; None if nobody asked.
        last: whether no other read of the ZMW follows.
    """

    draft: Draft
    features: Features | None
    outcome: str = ""
    reason: str = ""
    passes: int = 0
    full_passes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    kinetics: PassKinetics | None = None
    facts: ZmwFacts = field(default_factory=ZmwFacts)
    stand_in: Draft | None = None
    hd_sites: int | None = None
    last: bool = True


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PolishedRead:
    """The result for one ZMW: a polished read, or the reason why there is none.

    Attributes:
        draft: the draft that was polished.
        outcome: ``Outcome.SUCCESS`` if the read passed all filters; every ZMW has exactly one outcome.
        reason: why the ZMW could not be processed; else empty.
        bases: ``uint8[n]`` base codes without gaps; empty if there is no polished read.
        qualities: ``uint8[n]`` Phred.
        draft_index: ``int32[n]`` position in the draft, -1 for an inserted base.
        passes: aligned subreads that the read was made from.
        windows: items that the model divided the ZMW into.
        corrected: items that the model was run on; the draft was kept in the others.
        kinetics: of its bases, or None if it gets none.
        base_tags: other BAM tags that describe single bases of the read.
        counts: what else the report counts of the ZMW, by the report's names.
        facts: what its subreads say of the ZMW.
        artifacts: bits 16, 32 and 64 of tag ``ff``, where the read was tested for them.
        stand_in: a pass in place of the read, where there is none and it was asked for.
        hd_sites: positions at which the strands differ; None if nobody asked.
        last: whether no other read of the ZMW follows.
    """

    draft: Draft
    outcome: Outcome
    reason: str = ""
    bases: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    qualities: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    draft_index: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    passes: int = 0
    windows: int = 0
    corrected: int = 0
    kinetics: Kinetics | None = None
    base_tags: Tags = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: ZmwFacts = field(default_factory=ZmwFacts)
    artifacts: int = 0
    stand_in: Draft | None = None
    hd_sites: int | None = None
    last: bool = True

    @property
    def name(self) -> str:
        """The draft's name, which is the polished read's too."""
        return self.draft.name

    @property
    def passed(self) -> bool:
        """Whether the read was polished and passed all filters."""
        return self.outcome is Outcome.SUCCESS

    @property
    def sequence(self) -> str:
        """The bases as letters."""
        return decode_bases(self.bases)

    @property
    def error_probabilities(self) -> NDArray[np.float64]:
        """``float64[n]``, the probability that each base is wrong, from its quality."""
        return error_probability(self.qualities)

    @property
    def rq(self) -> float:
        """Predicted accuracy of the read, the mean over its bases (tag ``rq``); 0 if it is empty."""
        return read_accuracy(self.qualities)

    @property
    def tags(self) -> Tags:
        """Its BAM tags: those that it keeps from its draft, ``rq`` and those of its bases, in the order of ``ccs``."""
        kinetics = self.kinetics.tags if self.kinetics else ()
        return in_order((*kept_tags(self.draft, len(self.bases)), ("rq", self.rq, "f"), *kinetics, *self.base_tags))

    def fastq(self) -> str:
        """The read as a FASTQ record of four lines.

        Raises:
            ValueError: there is no polished read.
        """
        self._require_bases()
        return fastq_record(self.name, self.bases, self.qualities)

    def to_pysam(self, header: pysam.AlignmentHeader | None = None) -> pysam.AlignedSegment:
        """The read as the unaligned BAM record that ``polish`` writes, with its tags.

        Args:
            header: of the file that it will be written to; None is an empty one.

        Raises:
            ValueError: there is no polished read.
        """
        self._require_bases()
        return unaligned_record(self.name, self.bases, self.qualities, self.tags, header or pysam.AlignmentHeader())

    def __repr__(self) -> str:
        called = f", {len(self.bases)} bp, rq {self.rq:.6f}" if len(self.bases) else ""
        return f"<PolishedRead {self.name}: {self.outcome}{called}>"

    def _require_bases(self) -> None:
        if not len(self.bases):
            raise ValueError(f"{self.name} has no polished read: {self.outcome}")


def write_reads(reads: Iterable[PolishedRead], path: str | Path, *, ccs: Paths | None = None) -> int:
    """Write the reads that passed, as the command ``polish`` does; the file gets its name when it is complete.

    Args:
        reads: as ``polish`` yields them; those that did not pass are skipped. Kinetics are written if one of the first
            100 has any.
        path: BAM, SAM or FASTQ (``.fastq``, ``.fq``, also ``.gz``), by its extension.
        ccs: the CCS files that the reads were made from; a BAM or SAM file inherits their header (read groups with
            samples, programs). Without them it has one read group per movie, and all reads are held in memory.

    Returns:
        Number of reads written.

    Raises:
        InputError: a CCS file cannot be read.
        OutputError: the extension is unknown, or the file cannot be written.
    """
    path, program = Path(path), Program(__version__, "")
    passed = (read for read in reads if read.passed)
    whole = ccs is None and not is_fastq(path)
    # The header comes first, and says whether the reads have kinetics.
    first = list(passed if whole else islice(passed, LOOKED_AT))
    kinetics = any(read.kinetics is not None and read.kinetics.arrays for read in first)
    if ccs is not None:
        require_apart([path], expand_paths(ccs))
        header = polished_header(ccs, program, kinetics=kinetics)
    else:
        groups = ((read.name, str(read.draft.tag("RG") or "")) for read in first if whole)
        header = read_groups_header(groups, program, kinetics=kinetics)
    written = 0
    with open_reads(path, header) as writer:
        for read in chain(first, passed):
            own = read if kinetics else replace(read, kinetics=None)
            writer.write_read(read.name, read.bases, read.qualities, own.tags)
            written += 1
    return written
