"""Molecules to a corrector's integers, in worker processes: draft where none is given, align, encode."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.parallel import ordered_map
from deepconsensus_py.align.passes import align_zmw, require_raw
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.models.interface import Corrector, Features
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.names import MoleculeId, ccs_name
from deepconsensus_py.pacbio.zmws import Fault
from deepconsensus_py.polishing.clock import StageClock
from deepconsensus_py.polishing.encoded import Encoded
from deepconsensus_py.polishing.outcomes import Outcome
from deepconsensus_py.polishing.resources import peak_resident

Encoder = Callable[[Zmw], Features]


@dataclass(frozen=True, slots=True, eq=False)
class Undrafted:
    """A molecule that has no draft yet.

    Attributes:
        molecule: whose passes they are.
        passes: unaligned passes, or why they cannot be read.
    """

    molecule: MoleculeId
    passes: tuple[Pass, ...] | MoleculeError


Molecule = Zmw | Undrafted | Fault


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A worker's answer: the molecule, the seconds that its stages took, and the worker's peak resident bytes."""

    molecule: Encoded
    seconds: dict[str, float]
    process: int = field(default_factory=os.getpid)
    peak: int = field(default_factory=peak_resident)


def encode_zmws(
    molecules: Iterable[Molecule], corrector: Corrector, *, threads: int = 1, clock: StageClock | None = None
) -> Iterator[Encoded]:
    """Encode molecules in order; drafts are made where there are none, passes aligned where they are not.

    Args:
        molecules: as they are read.
        corrector: whose encoder is used.
        threads: worker processes; 1 encodes in this process.
        clock: counts the stages ``align`` and ``encode``, and the workers' memory.

    Yields:
        One for every molecule; a molecule that cannot be encoded carries its outcome and reason.
    """
    work = partial(_encode, encoder=corrector.encoder)
    for done in ordered_map(work, molecules, threads, processes=True, lost=_lost):
        if clock:
            clock.add(done.seconds)
            if done.process != os.getpid():
                clock.peaks[done.process] = done.peak
        yield done.molecule


def _encode(molecule: Molecule, encoder: Encoder) -> _Done:
    """Prepare and encode one molecule; whatever is wrong with it becomes its outcome."""
    start, draft = time.perf_counter(), _draft(molecule)
    seconds = {}
    try:
        zmw = _with_draft(molecule)
        draft = zmw.draft
        aligned = _aligned(zmw)
        seconds["align"] = time.perf_counter() - start
        features = encoder(aligned)
        seconds["encode"] = time.perf_counter() - start - seconds["align"]
    except MoleculeError as fault:
        return _Done(Encoded(draft, None, fault.outcome, str(fault)), seconds)
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        return _Done(Encoded(draft, None, Outcome.ERROR, f"{draft.name}: {type(fault).__name__}: {fault}"), seconds)
    return _Done(Encoded(draft, features, passes=len(aligned.passes)), seconds)


def _with_draft(molecule: Molecule) -> Zmw:
    if isinstance(molecule, Fault):
        raise MoleculeError(molecule.reason, outcome=molecule.outcome)
    if isinstance(molecule, Zmw):
        return molecule
    if isinstance(molecule.passes, MoleculeError):
        raise molecule.passes
    require_raw(str(molecule.molecule), molecule.passes)
    return draft_zmw(molecule.molecule, molecule.passes)


def _aligned(zmw: Zmw) -> Zmw:
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: the subreads file has no pass of it", outcome=Outcome.NO_SUBREADS)
    aligned = zmw if zmw.aligned else align_zmw(zmw)
    if not aligned.passes:
        raise MoleculeError(f"{zmw.name}: none of its {len(zmw.passes)} passes aligns", outcome=Outcome.NO_ALIGNED_PASS)
    return aligned


def _draft(molecule: Molecule) -> Draft:
    """The draft, or what stands in the report for one that could not be made."""
    if isinstance(molecule, Undrafted):
        return Draft(ccs_name(molecule.molecule), np.empty(0, np.uint8), None)
    return molecule.draft


def _lost(molecule: Molecule, how: str) -> _Done:
    """A molecule whose worker process died."""
    draft = _draft(molecule)
    return _Done(Encoded(draft, None, Outcome.ERROR, f"{draft.name}: {how}"), {})
