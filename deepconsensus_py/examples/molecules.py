"""Make training examples from reads and truth files: match molecules with their truth, and align them if needed."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from deepconsensus_py.align.cigar import paired_positions
from deepconsensus_py.align.passes import align_passes, aligned_to_draft
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.examples.example import Example
from deepconsensus_py.pacbio.inputs import Kind, Paths, kind_of
from deepconsensus_py.pacbio.molecule import Draft, Pass, Truth, Zmw
from deepconsensus_py.pacbio.pipes import require_rereadable
from deepconsensus_py.pacbio.truth import TRAIN, TrueSequence, TrueSequences, Truths
from deepconsensus_py.pacbio.zmws import Fault, read_zmws
from deepconsensus_py.workers.ordered import ordered_map

LEAST_COVERED = 0.9
"""Share of the draft that the truth must cover; labels elsewhere would be empty."""


@dataclass(frozen=True, slots=True)
class TruthFiles:
    """Files with the truth of molecules.

    Attributes:
        sequences: BAM of the true sequences aligned to the drafts, with its index; or FASTA of sequences named by
            molecule, which are aligned here.
        ranges: BED file of contig, begin, end and draft name; with a BAM only.
        splits: table of contig and chromosome, with a BAM only; None takes all molecules for training.
    """

    sequences: Path
    ranges: Path | None = None
    splits: Path | None = None


def read_examples(
    subreads: Sequence[Path],
    drafts: Paths,
    truth: TruthFiles,
    *,
    chunk: tuple[int, int] | None = None,
    limit: int | None = None,
    threads: int = 1,
) -> Iterator[Example | MoleculeError]:
    """Every draft as a training example, or the reason why not, in the order of the drafts file.

    Args:
        subreads: BAM files, raw or aligned to the drafts, or files of file names.
        drafts: CCS reads: BAM, FASTQ or FASTA, or files of file names.
        truth: of the molecules.
        chunk: (i, n) takes only the i-th of n parts of the drafts file.
        limit: take only so many molecules.
        threads: worker processes; 1 aligns in this process.

    Raises:
        InputError: a file cannot be used.
    """
    source = _open_truth(truth)
    molecules = read_zmws(subreads, drafts, chunk=chunk, limit=limit)
    return ordered_map(_example, _with_truth(molecules, source), threads, processes=True, lost=_lost)


_Found = Truth | TrueSequence | MoleculeError


def _open_truth(files: TruthFiles) -> Truths | TrueSequences:
    require_rereadable(files.sequences)
    if kind_of(files.sequences) is Kind.FASTA:
        if files.ranges or files.splits:
            raise InputError(
                f"{files.sequences}: is a FASTA file, to which neither --truth-bed nor --truth-split belongs; "
                "give the truth as a BAM file aligned to the drafts, or omit these options"
            )
        return TrueSequences(files.sequences)
    if files.ranges is None:
        raise InputError(
            f"{files.sequences}: a BED file with the positions of the true sequences is required (--truth-bed)"
        )
    return Truths(files.sequences, files.ranges, files.splits)


def _with_truth(
    molecules: Iterator[Zmw | Fault], source: Truths | TrueSequences
) -> Iterator[tuple[Zmw | Fault, _Found]]:
    with source if isinstance(source, Truths) else nullcontext():
        for molecule in molecules:
            yield molecule, _truth_of(molecule, source)


def _truth_of(molecule: Zmw | Fault, source: Truths | TrueSequences) -> _Found:
    try:
        return source.of(molecule.name)
    except MoleculeError as fault:
        return fault


def _example(found: tuple[Zmw | Fault, _Found]) -> Example | MoleculeError:
    """Align what is not aligned; a faulty molecule is skipped, without affecting others."""
    molecule, truth = found
    try:
        if isinstance(truth, MoleculeError):
            return truth
        if isinstance(molecule, Fault):
            return MoleculeError(molecule.reason, outcome=molecule.outcome)
        zmw = _aligned(molecule)
        return Example(zmw, truth if isinstance(truth, Truth) else align_truth(zmw.draft, truth))
    except MoleculeError as fault:
        return fault
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        return MoleculeError(f"{molecule.name}: {type(fault).__name__}: {fault}")


def _lost(found: tuple[Zmw | Fault, _Found], how: str) -> MoleculeError:
    return MoleculeError(f"{found[0].name}: {how}")


def _aligned(zmw: Zmw) -> Zmw:
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: the subreads file has no pass of it", outcome="no_subreads")
    aligned = aligned_to_draft(zmw)
    if not aligned.passes:
        raise MoleculeError(f"{zmw.name}: none of its {len(zmw.passes)} passes aligns", outcome="no_aligned_pass")
    return aligned


def align_truth(draft: Draft, sequence: TrueSequence) -> Truth:
    """Align a true sequence to its draft, in either orientation.

    Args:
        draft: the draft.
        sequence: the truth.

    Returns:
        the truth in the draft's direction; ``contig``, ``begin`` and ``end`` say what part of the sequence is aligned.

    Raises:
        MoleculeError: it aligns to less than 90 % of the draft.
    """
    # To a by-strand draft only passes of its strand align; its truth may have either orientation.
    nameless = replace(draft, name="")
    (aligned,) = align_passes(nameless, [Pass(sequence.name, sequence.bases, None, None, None)])
    if aligned is None or aligned.alignment is None:
        raise MoleculeError(f"{draft.name}: its true sequence does not align to it", outcome="no_label_alignment")
    in_truth, in_draft = paired_positions(aligned.alignment)
    covered = int(in_draft[-1]) + 1 - int(in_draft[0])
    if covered < LEAST_COVERED * len(draft.bases):
        raise MoleculeError(
            f"{draft.name}: its true sequence aligns to {covered} of its {len(draft.bases)} bases only; "
            "is it that of another molecule?",
            outcome="truth_misfit",
        )
    return Truth(
        name=draft.name,
        contig=sequence.name,
        begin=int(in_truth[0]),
        end=int(in_truth[-1]) + 1,
        split=TRAIN,
        bases=aligned.bases,
        alignment=aligned.alignment,
    )
