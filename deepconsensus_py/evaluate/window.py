"""One window of a molecule explained: pileup, calls, candidate edits, and the passes that calls depend on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.cigar import ON_DRAFT
from deepconsensus_py.align.passes import aligned_to_draft
from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.methods import DEFAULT, PAIR_HMM, VOTE, WITHOUT_WEIGHTS
from deepconsensus_py.models.column_explanation import ColumnCase, column_cases
from deepconsensus_py.models.column_network import ColumnNetwork
from deepconsensus_py.models.edit_explanation import HomopolymerCase, candidate_cases, undecided_cases
from deepconsensus_py.models.edit_network import EditScorer
from deepconsensus_py.models.weights import read_model
from deepconsensus_py.pacbio.inputs import Paths
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import find_zmw
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.pileup import Pileup, build_pileup
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.read import PolishedRead

WIDTH = 100
"""Draft bases of a window."""


@dataclass(frozen=True, slots=True, eq=False)
class WindowView:
    """A window and its explanation.

    Attributes:
        zmw: the molecule, aligned.
        number: of the window, from 0.
        start: draft position of its first base.
        stop: one past that of its last base.
        pileup: of the whole molecule, all of its passes.
        spans: ``int64[passes, 2]`` draft positions where each pass starts and stops.
        model: name of the model explained.
        reads: polished reads by model; that of ``model`` first.
        candidate_cases: homopolymers of the draft with candidate edits.
        undecided: homopolymers left to an edit network, with the passes that its calls depend on; None for other
            models.
        columns_called: columns that a column network changes or calls unsure, likewise; None for other models.
    """

    zmw: Zmw
    number: int
    start: int
    stop: int
    pileup: Pileup
    spans: NDArray[np.int64]
    model: str
    reads: dict[str, PolishedRead]
    candidate_cases: tuple[HomopolymerCase, ...]
    undecided: tuple[HomopolymerCase, ...] | None
    columns_called: tuple[ColumnCase, ...] | None

    @property
    def columns(self) -> slice:
        """Columns of the pileup: its draft bases with the insertions in front of each."""
        at = self.pileup.draft_columns
        return slice(int(at[self.start - 1]) + 1 if self.start else 0, int(at[self.stop - 1]) + 1)


def explain_window(zmw: Zmw, window: int, *, model: str = DEFAULT) -> WindowView:
    """Explain a window of 100 draft bases.

    Args:
        zmw: the molecule; passes need not be aligned.
        window: from 0.
        model: the model to explain, by name or file (``models.registry.load_model``). Models without weights are shown
            for comparison.

    Raises:
        InputError: the draft has no such window.
        ModelError: the model is unknown or unreadable.
        MoleculeError: the molecule cannot be corrected.
    """
    length = len(zmw.draft.bases)
    if not 0 <= window * WIDTH < length:
        last = (length - 1) // WIDTH
        raise InputError(f"{zmw.name}: has {length} bases, windows 0 to {last} of {WIDTH}; there is no window {window}")
    start, stop = window * WIDTH, min((window + 1) * WIDTH, length)
    loaded = None if model in WITHOUT_WEIGHTS else read_model(model)
    network = None if loaded is None else loaded.network
    aligned = _aligned(zmw)
    name = Path(model).stem
    correctors = {name: model} | {other: other for other in (PAIR_HMM, VOTE) if other != name}
    return WindowView(
        zmw=aligned,
        number=window,
        start=start,
        stop=stop,
        pileup=build_pileup(aligned, FeatureSpec(max_passes=len(aligned.passes), required=())),
        spans=_spans(aligned),
        model=name,
        reads={called: _read(aligned, corrector) for called, corrector in correctors.items()},
        candidate_cases=candidate_cases(aligned, start, stop),
        undecided=undecided_cases(aligned, network, start, stop) if isinstance(network, EditScorer) else None,
        columns_called=column_cases(aligned, network, FeatureSpec.from_dict(loaded.spec), start, stop)
        if loaded is not None and isinstance(network, ColumnNetwork)
        else None,
    )


def explain_reads(
    subreads: Sequence[Path], drafts: Paths, zmw: str, window: int, *, model: str = DEFAULT
) -> WindowView:
    """Explain a window of a molecule in files; arguments as those of ``find_zmw`` and ``explain_window``."""
    return explain_window(find_zmw(subreads, drafts, zmw), window, model=model)


def _aligned(zmw: Zmw) -> Zmw:
    aligned = aligned_to_draft(zmw)
    if not aligned.passes:
        raise MoleculeError(
            f"{zmw.name}: none of its {len(zmw.passes)} passes aligns; give the subreads it was made from"
        )
    return aligned


def _read(zmw: Zmw, model: str) -> PolishedRead:
    (read,) = polish([zmw], model=model, settings=PolishSettings(filter=ReadFilter(min_quality=0)))
    if read.reason:
        raise MoleculeError(read.reason, outcome=str(read.outcome))
    return read


def _spans(zmw: Zmw) -> NDArray[np.int64]:
    alignments = [p.alignment for p in zmw.passes if p.alignment is not None]
    return np.array([[a.start, a.start + int(a.lengths @ ON_DRAFT[a.operations])] for a in alignments], np.int64)
