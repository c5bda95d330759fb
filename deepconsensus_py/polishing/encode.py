"""ZMWs to a method's features, in worker processes: build the draft if there is none, align, encode."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from deepconsensus_py.align.draft import draft_zmw, unpolished_draft
from deepconsensus_py.align.pass_tags import has_several_barcodes, with_pass_tags
from deepconsensus_py.align.passes import aligned_to_draft, require_raw, without_unknown_bases
from deepconsensus_py.corrector import Features, Method
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.options import OFF
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, count_full
from deepconsensus_py.pacbio.names import ccs_name
from deepconsensus_py.pacbio.zmws import Fault, Molecule, Undrafted
from deepconsensus_py.polishing.kinetics import kinetics_of_passes, require_kinetics
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.read import BARCODES_DIFFER, Encoded
from deepconsensus_py.polishing.summary import facts
from deepconsensus_py.reports.outcomes import MIN_FULL_PASSES, Outcome
from deepconsensus_py.workers.ordered import ordered_map
from deepconsensus_py.workers.resources import peak_resident

_Encoder = Callable[[Zmw], Features]


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A worker's result: the ZMW, the seconds of its stages, the worker's peak resident bytes, and its CPU seconds."""

    molecule: Encoded
    seconds: dict[str, float]
    process: int = field(default_factory=os.getpid)
    peak: int = field(default_factory=peak_resident)
    cpu: float = field(default_factory=time.process_time)


def encode_zmws(
    molecules: Iterable[Molecule],
    method: Method,
    *,
    threads: int = 1,
    clock: StageClock | None = None,
    min_passes: int = MIN_FULL_PASSES,
    kinetics: str = OFF,
) -> Iterator[Encoded]:
    """Encode ZMWs in order; missing drafts are built, and unaligned passes are aligned.

    Args:
        molecules: as ``read_zmws`` yields them.
        method: encodes them.
        threads: worker processes; 1 encodes in this process.
        clock: times the stages ``align`` and ``encode``, and records the workers' memory.
        min_passes: minimum number of full passes. ZMWs with fewer are ``too_few_passes``, and so are those whose draft
            is not a consensus (``rq`` below 0), whatever their passes.
        kinetics: which reads get kinetics, one of ``options.KINETICS``.

    Yields:
        One for every ZMW; one that cannot be encoded has its outcome and reason.
    """
    encode = partial(_encode, encoder=method.encode, min_passes=min_passes, kinetics=kinetics)
    work = partial(_with_facts, encode=encode)
    for done in ordered_map(work, molecules, threads, processes=True, lost=_lost):
        if clock:
            clock.add(done.seconds)
            if done.process != os.getpid():
                clock.peaks[done.process] = done.peak
                clock.cpu[done.process] = done.cpu
        yield done.molecule


def _with_facts(molecule: Molecule, encode: Callable[[Molecule], _Done]) -> _Done:
    """The result for a ZMW, with what its subreads say of it."""
    done = encode(molecule)
    return replace(done, molecule=replace(done.molecule, facts=facts(molecule)))


def _encode(molecule: Molecule, encoder: _Encoder, min_passes: int, kinetics: str) -> _Done:
    """Prepare and encode one ZMW; an error becomes its outcome."""
    start, seconds = time.perf_counter(), dict[str, float]()
    draft = _unread_draft(molecule)
    try:
        draft = _draft(molecule)
        zmw = _with_draft(molecule, min_passes)
        draft = zmw.draft
        aligned = _aligned(zmw, min_passes, kinetics)
        draft = with_pass_tags(aligned)
        seconds["align"] = time.perf_counter() - start
        features = encoder(without_unknown_bases(aligned))
        durations = kinetics_of_passes(aligned, kinetics)
        seconds["encode"] = time.perf_counter() - start - seconds["align"]
    except MoleculeError as fault:
        return _Done(Encoded(draft, None, fault.outcome, str(fault)), seconds)
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        return _Done(Encoded(draft, None, Outcome.ERROR, f"{draft.name}: {type(fault).__name__}: {fault}"), seconds)
    counts = {BARCODES_DIFFER: 1} if has_several_barcodes(aligned.passes) else {}
    full = count_full(aligned.passes)
    return _Done(Encoded(draft, features, "", "", len(aligned.passes), full, counts, durations), seconds)


def _with_draft(molecule: Molecule, min_passes: int) -> Zmw:
    if isinstance(molecule, Fault):
        raise MoleculeError(molecule.reason, outcome=molecule.outcome)
    if isinstance(molecule, Zmw):
        _require_consensus(molecule.draft, min_passes)
        return molecule
    if isinstance(molecule.passes, MoleculeError):
        raise molecule.passes
    require_raw(str(molecule.molecule), molecule.passes)
    _require_full_passes(ccs_name(molecule.molecule), molecule.passes, min_passes)
    return draft_zmw(molecule.molecule, molecule.passes)


def _aligned(zmw: Zmw, min_passes: int, kinetics: str) -> Zmw:
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: no subreads found", outcome=Outcome.NO_SUBREADS)
    _require_full_passes(zmw.name, zmw.passes, min_passes)
    require_kinetics(zmw, kinetics)
    aligned = aligned_to_draft(zmw)
    if not aligned.passes:
        raise MoleculeError(
            f"{zmw.name}: none of its {len(zmw.passes)} subreads aligns to the draft", outcome=Outcome.NO_ALIGNED_PASS
        )
    _require_full_passes(zmw.name, aligned.passes, min_passes, " that align")
    return aligned


def _require_consensus(draft: Draft, min_passes: int) -> None:
    """Refuse what ``ccs --all`` writes for ZMWs with few passes: a subread or unpolished draft, not a consensus."""
    accuracy, passes = draft.tag("rq"), draft.tag("np")
    if isinstance(accuracy, float) and accuracy < 0:
        raise _too_few(f"{draft.name}: the CCS read is not a consensus (tag rq is {accuracy:g})")
    if isinstance(passes, int) and passes < min_passes:
        raise _too_few(f"{draft.name}: the CCS read has {passes} full passes (tag np), at least {min_passes} needed")


def _require_full_passes(name: str, passes: Sequence[Pass], least: int, which: str = "") -> None:
    full = count_full(passes)
    if full < least:
        raise _too_few(f"{name}: {full} of {len(passes)} subreads are full passes{which}, at least {least} needed")


def _too_few(reason: str) -> MoleculeError:
    return MoleculeError(reason, outcome=Outcome.TOO_FEW_PASSES)


def _draft(molecule: Molecule) -> Draft:
    """The draft, or a stand-in for one that could not be built."""
    if not isinstance(molecule, Undrafted):
        return molecule.draft
    if isinstance(molecule.passes, MoleculeError):
        return _unread_draft(molecule)
    return unpolished_draft(molecule.molecule, molecule.passes)


def _unread_draft(molecule: Molecule) -> Draft:
    """A draft without bases, to report a ZMW by its name."""
    name = ccs_name(molecule.molecule) if isinstance(molecule, Undrafted) else molecule.draft.name
    return Draft(name, np.empty(0, np.uint8), None)


def _lost(molecule: Molecule, how: str) -> _Done:
    """The outcome of a ZMW whose worker process died."""
    draft = _draft(molecule)
    return _Done(Encoded(draft, None, Outcome.ERROR, f"{draft.name}: {how}"), {})
