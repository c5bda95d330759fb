"""Molecules to a corrector's integers, in worker processes: draft where none is given, align, encode."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.models.interface import Corrector, Features
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import Fault
from deepconsensus_py.polishing.clock import StageClock
from deepconsensus_py.polishing.encoded import Encoded
from deepconsensus_py.polishing.outcomes import Outcome

QUEUED_PER_WORKER = 4
"""Molecules that are read ahead of each worker: enough to keep it busy, few enough to bound memory."""

Encoder = Callable[[Zmw], Features]


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A worker's answer: the molecule, and the seconds that its stages took."""

    molecule: Encoded
    seconds: dict[str, float]


def encode_zmws(
    zmws: Iterable[Zmw | Fault], corrector: Corrector, *, threads: int = 1, clock: StageClock | None = None
) -> Iterator[Encoded]:
    """Encode molecules in order, aligning their passes first where they are not aligned.

    Args:
        zmws: molecules.
        corrector: whose encoder is used.
        threads: worker processes; 1 encodes in this process.
        clock: counts the stages ``align`` and ``encode``.

    Yields:
        One for every molecule; a molecule that cannot be encoded carries its outcome and reason.
    """
    work = partial(_encode, encoder=corrector.encoder)
    for done in map(work, zmws) if threads == 1 else _in_workers(work, zmws, threads):
        if clock:
            clock.add(done.seconds)
        yield done.molecule


def _in_workers(work: Callable[[Zmw | Fault], _Done], zmws: Iterable[Zmw | Fault], workers: int) -> Iterator[_Done]:
    """Apply to all molecules in order, with a bounded number of them in flight."""
    # Not forked from this process: it holds the threads of a network.
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        pending: deque[Future[_Done]] = deque()
        try:
            for zmw in zmws:
                pending.append(pool.submit(work, zmw))
                if len(pending) > QUEUED_PER_WORKER * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _encode(zmw: Zmw | Fault, encoder: Encoder) -> _Done:
    """Align and encode one molecule; whatever is wrong with it becomes its outcome."""
    seconds = {"align": 0.0, "encode": 0.0}
    if isinstance(zmw, Fault):
        return _Done(Encoded(zmw.draft, None, zmw.outcome, zmw.reason), seconds)
    try:
        start = time.perf_counter()
        aligned = _aligned(zmw)
        seconds["align"] = time.perf_counter() - start
        features = encoder(aligned)
        seconds["encode"] = time.perf_counter() - start - seconds["align"]
    except MoleculeError as fault:
        return _Done(Encoded(zmw.draft, None, fault.outcome, str(fault), len(zmw.passes)), seconds)
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        reason = f"{zmw.name}: {type(fault).__name__}: {fault}"
        return _Done(Encoded(zmw.draft, None, Outcome.ERROR, reason, len(zmw.passes)), seconds)
    return _Done(Encoded(zmw.draft, features, passes=len(zmw.passes)), seconds)


def _aligned(zmw: Zmw) -> Zmw:
    if not zmw.passes:
        raise MoleculeError(f"{zmw.name}: the subreads file has no pass of it", outcome=Outcome.NO_SUBREADS)
    aligned = zmw if zmw.aligned else align_zmw(zmw)
    if not aligned.passes:
        raise MoleculeError(f"{zmw.name}: none of its {len(zmw.passes)} passes aligns", outcome=Outcome.NO_ALIGNED_PASS)
    return aligned
