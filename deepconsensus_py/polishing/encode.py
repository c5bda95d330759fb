"""ZMWs to a method's features, in worker processes: build drafts if there are none, align, encode."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from deepconsensus_py.align.draft import draft_zmw, unpolished_draft
from deepconsensus_py.align.pass_tags import has_several_barcodes, with_pass_tags
from deepconsensus_py.align.passes import aligned_to_draft, require_raw, without_unknown_bases
from deepconsensus_py.align.tandem_repeats import has_tandem_repeat
from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.corrector import Features, Method
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.options import OFF
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, count_full
from deepconsensus_py.pacbio.names import ccs_name
from deepconsensus_py.pacbio.zmws import Fault, Molecule, Undrafted
from deepconsensus_py.polishing.kinetics import kinetics_of_passes, require_kinetics
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.read import BARCODES_DIFFER, TANDEM_REPEATS, Encoded
from deepconsensus_py.polishing.strands import HETERODUPLEXES, StrandOptions, have_full_passes, strands_of
from deepconsensus_py.polishing.summary import facts
from deepconsensus_py.reports.outcomes import Outcome
from deepconsensus_py.workers.ordered import ordered_map
from deepconsensus_py.workers.resources import peak_resident

_Encoder = Callable[[Zmw], Features]

StandIn = Callable[[Molecule], Draft | None]
"""Makes a read of a ZMW that cannot be polished, from one of its passes; runs in worker processes too."""


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A worker's result for a ZMW: its reads, the seconds of its stages, the worker's peak bytes and CPU seconds."""

    reads: tuple[Encoded, ...]
    seconds: dict[str, float]
    process: int = field(default_factory=os.getpid)
    peak: int = field(default_factory=peak_resident)
    cpu: float = field(default_factory=time.process_time)


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    """What is done with each ZMW; see ``encode_zmws``."""

    encoder: _Encoder
    zmw_filter: ZmwFilter
    kinetics: str
    strands: StrandOptions
    stand_in: StandIn | None


def encode_zmws(
    molecules: Iterable[Molecule],
    method: Method,
    *,
    threads: int = 1,
    clock: StageClock | None = None,
    kinetics: str = OFF,
    zmw_filter: ZmwFilter | None = None,
    strands: StrandOptions | None = None,
    stand_in: StandIn | None = None,
) -> Iterator[Encoded]:
    """Encode ZMWs in order; missing drafts are built, and unaligned passes are aligned.

    Args:
        molecules: as ``read_zmws`` yields them.
        method: encodes them.
        threads: worker processes; 1 encodes in this process.
        clock: times the stages ``align`` and ``encode``, and records the workers' memory.
        kinetics: which reads get kinetics, one of ``options.KINETICS``.
        zmw_filter: which ZMWs are encoded, and with which of their passes; None has the defaults of ``ccs``. ZMWs whose
            draft is not a consensus (``rq`` below 0) are never encoded.
        strands: which ZMWs become a read for each strand; None has one read for each ZMW.
        stand_in: makes what is written for a ZMW that cannot be encoded; None writes nothing.

    Yields:
        One for every ZMW, or one for each of its strands, that of ``fwd`` first. One that cannot be encoded has its
        outcome and reason.
    """
    chosen, divided = zmw_filter or ZmwFilter(), strands or StrandOptions()
    work = _Work(method.encode, chosen, kinetics, divided, stand_in)
    refused, lost = partial(_refused, zmw_filter=chosen, stand_in=stand_in), partial(_lost, stand_in=stand_in)
    do = partial(_encode_zmw, work=work)
    for done in ordered_map(do, molecules, threads, processes=True, lost=lost, early=refused):
        if clock:
            clock.add(done.seconds)
            if done.process != os.getpid():
                clock.peaks[done.process] = done.peak
                clock.cpu[done.process] = done.cpu
        yield from done.reads


def _encode_zmw(molecule: Molecule, work: _Work) -> _Done:
    """Encode the read of a ZMW, or those of its strands; an error becomes its outcome."""
    seconds = dict.fromkeys(("align", "encode"), 0.0)
    if work.strands.by_strand:
        return _Done(_encode_strands(molecule, work, seconds), seconds)
    whole = _encode(molecule, work, seconds)
    if whole.outcome != Outcome.HETERODUPLEX:
        return _Done((whole,), seconds)
    divided = _encode_strands(molecule, work, seconds, least=work.zmw_filter.min_passes)
    if not divided:
        return _Done((whole,), seconds)
    # The ZMW counts once.
    counts = ({**divided[0].counts, **whole.counts}, *(one.counts for one in divided[1:]))
    found = (replace(one, hd_sites=whole.hd_sites, counts=own) for one, own in zip(divided, counts, strict=True))
    return _Done(tuple(found), seconds)


def _encode_strands(molecule: Molecule, work: _Work, seconds: dict[str, float], least: int = 0) -> tuple[Encoded, ...]:
    """Encode the reads of both strands of a ZMW, or of none if one of them has too few full passes."""
    start = time.perf_counter()
    try:
        accepted = _accepted(molecule, work.zmw_filter)
        strands = strands_of(replace(accepted, passes=_passes(molecule)))
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        return (_faulty(molecule, _draft(molecule), fault, work.stand_in),)
    finally:
        seconds["align"] += time.perf_counter() - start
    if not have_full_passes(strands, least):
        return ()
    reads = tuple(_encode(one, work, seconds) for one in strands)
    return tuple(replace(one, last=number == len(reads)) for number, one in enumerate(reads, 1))


def _encode(molecule: Molecule, work: _Work, seconds: dict[str, float]) -> Encoded:
    """Prepare and encode one read; an error becomes its outcome."""
    start, zmw_filter = time.perf_counter(), work.zmw_filter
    draft, sites, counts = _unread_draft(molecule), None, dict[str, int]()
    try:
        draft = _draft(molecule)
        zmw = _with_draft(_accepted(molecule, zmw_filter))
        draft = zmw.draft
        zmw_filter.require_length(draft)
        require_kinetics(zmw, work.kinetics)
        aligned = aligned_to_draft(zmw)
        zmw_filter.require_aligned(zmw.name, aligned.passes, len(zmw.passes))
        draft = with_pass_tags(aligned)
        sites = work.strands.sites(aligned)
        counts |= {HETERODUPLEXES: 1} if sites else {}
        work.strands.require_same_strands(draft.name, sites)
        seconds["align"] += time.perf_counter() - start
        start = time.perf_counter()
        features = work.encoder(without_unknown_bases(aligned))
        durations = kinetics_of_passes(aligned, work.kinetics)
        seconds["encode"] += time.perf_counter() - start
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        return replace(_faulty(molecule, draft, fault, work.stand_in), hd_sites=sites, counts=counts)
    counts |= {BARCODES_DIFFER: 1} if has_several_barcodes(aligned.passes) else {}
    full = count_full(aligned.passes)
    if has_tandem_repeat(draft.bases, zmw_filter.min_tandem_repeat_length):
        counts[TANDEM_REPEATS] = 1
    return Encoded(
        draft, features, "", "", len(aligned.passes), full, counts, durations, facts=facts(molecule), hd_sites=sites
    )


def _faulty(molecule: Molecule, draft: Draft, fault: Exception, stand_in: StandIn | None) -> Encoded:
    """The result for a ZMW with an error."""
    if isinstance(fault, MoleculeError):
        return _failed(molecule, draft, fault.outcome, str(fault), stand_in)
    return _failed(molecule, draft, Outcome.ERROR, f"{draft.name}: {type(fault).__name__}: {fault}", stand_in)


def _failed(molecule: Molecule, draft: Draft, outcome: str, reason: str, stand_in: StandIn | None) -> Encoded:
    own = stand_in(molecule) if stand_in else None
    return Encoded(draft, None, outcome, reason, facts=facts(molecule), stand_in=own)


def _refused(molecule: Molecule, zmw_filter: ZmwFilter, stand_in: StandIn | None) -> _Done | None:
    """The result for a ZMW that needs no worker, because it fails a test before it is aligned; else None.

    Half of a cell's ZMWs have too few passes: sending them to a worker takes longer than reading them.
    """
    try:
        return _refusal(molecule, zmw_filter, stand_in)
    except Exception:  # noqa: BLE001 - the worker finds it again, and reports it
        return None


def _refusal(molecule: Molecule, zmw_filter: ZmwFilter, stand_in: StandIn | None) -> _Done | None:
    try:
        _accepted(molecule, zmw_filter)
    except MoleculeError as fault:
        return _Done((_failed(molecule, _draft(molecule), fault.outcome, str(fault), stand_in),), {})
    return None


def _accepted(molecule: Molecule, zmw_filter: ZmwFilter) -> Zmw | Undrafted:
    """A ZMW that passes all tests before the alignment, with the passes that are used."""
    if isinstance(molecule, Fault):
        raise MoleculeError(molecule.reason, outcome=molecule.outcome)
    if isinstance(molecule.passes, MoleculeError):
        raise molecule.passes
    if isinstance(molecule, Zmw):
        zmw_filter.require_consensus(molecule.draft)
    else:
        require_raw(str(molecule.molecule), molecule.passes)
    return replace(molecule, passes=zmw_filter.used_passes(molecule.name, molecule.passes))


def _passes(molecule: Molecule) -> tuple[Pass, ...]:
    """All passes of a ZMW that was accepted."""
    assert not isinstance(molecule, Fault)
    assert not isinstance(molecule.passes, MoleculeError)
    return molecule.passes


def _with_draft(molecule: Zmw | Undrafted) -> Zmw:
    if isinstance(molecule, Zmw):
        return molecule
    assert not isinstance(molecule.passes, MoleculeError)
    return draft_zmw(molecule.molecule, molecule.passes)


def _draft(molecule: Molecule) -> Draft:
    """The draft, or a stand-in for one that could not be built."""
    if not isinstance(molecule, Undrafted):
        return molecule.draft
    if isinstance(molecule.passes, MoleculeError) or not molecule.passes:
        return _unread_draft(molecule)
    return unpolished_draft(molecule.molecule, molecule.passes)


def _unread_draft(molecule: Molecule) -> Draft:
    """A draft without bases, to report a ZMW by its name."""
    name = ccs_name(molecule.molecule) if isinstance(molecule, Undrafted) else molecule.draft.name
    return Draft(name, np.empty(0, np.uint8), None)


def _lost(molecule: Molecule, how: str, stand_in: StandIn | None) -> _Done:
    """The outcome of a ZMW whose worker process died."""
    draft = _draft(molecule)
    return _Done((_failed(molecule, draft, Outcome.ERROR, f"{draft.name}: {how}", stand_in),), {})
