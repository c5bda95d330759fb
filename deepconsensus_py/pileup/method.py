"""The column method: windows of the pileup, and the triage that skips windows where the passes support the draft."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.disagreement import Disagreement, find_disagreement, with_disagreement
from deepconsensus_py.corrector import Arrays, Calls, Features, kept_qualities
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.options import INSERTION_TRIM, OF_COLUMNS, OF_NETWORKS, TRIAGE
from deepconsensus_py.pacbio.molecule import GAP, Zmw
from deepconsensus_py.pileup.features import PASS_FEATURES, FeatureSpec
from deepconsensus_py.pileup.pileup import build_pileup
from deepconsensus_py.pileup.windows import cut_windows, mean_draft_qualities, window_bounds

CLASSES = 5  # gap, A, T, C, G


@dataclass(frozen=True, slots=True)
class Triage:
    """A calibrated threshold and its measured cost; stored in the model file.

    Attributes:
        threshold: windows with less evidence against the draft keep it.
        windows: of the molecules it was calibrated on.
        run: those of them that went through the network.
        errors: in the reads with triage.
        errors_of_all: in the reads when every window goes through the network.
    """

    threshold: float
    windows: int
    run: int
    errors: int
    errors_of_all: int

    def __str__(self) -> str:
        return (
            f"threshold {self.threshold:g}: {self.run} of {self.windows} windows run, {self.errors} errors left, "
            f"{self.errors_of_all} when all are"
        )


def evidence_against_draft(windows: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Evidence against the draft in each window: from the passes and from its own base qualities.

    Args:
        windows: ``bases`` ``uint8[n, passes, width]``, all gaps in the rows of absent passes, ``draft`` ``uint8[n,
            width]`` and ``draft_quality`` ``int8[n, width]`` (Phred, -1 in gaps; 0 if there are none).

    Returns:
        ``float64[n]``, the largest share of a window's passes that agree in any column on a class other than the
        draft's, plus the error probability of the draft's worst base.
    """
    bases, draft = windows["bases"], windows["draft"]
    # Rows of absent passes are all gaps, and must not count as votes for a gap.
    passes = bases.any(axis=2).sum(axis=1)
    votes = np.empty((CLASSES, *draft.shape), np.intp)
    for base in range(1, CLASSES):
        votes[base] = np.count_nonzero(bases == base, axis=1)
    votes[GAP] = passes[:, None] - votes[1:].sum(axis=0)
    np.put_along_axis(votes, draft[None].astype(np.intp), 0, axis=0)
    against = votes.max(axis=(0, 2), initial=0) / np.maximum(passes, 1)
    worst = np.where(draft == GAP, np.inf, windows["draft_quality"]).min(axis=1, initial=np.inf)
    evidence: NDArray[np.float64] = against + 10 ** (-worst / 10)
    return evidence


INPUTS = (*PASS_FEATURES, "draft", "draft_quality", "snr")
"""Arrays of every window that a column model may read, as ``pileup.windows.Windows`` has them."""


def encode_columns(zmw: Zmw, spec: FeatureSpec) -> Features:
    """Cut a molecule into windows of integers.

    Args:
        zmw: molecule with aligned passes.
        spec: the encoding.

    Returns:
        Features whose items are the windows that fit the model. Their layout has the ``draft`` ``uint8[n]`` and its
        ``draft_quality`` ``uint8[n]`` (never absent); ``draft_start``, ``draft_stop`` ``int32[w]`` and ``overflow``
        ``bool[w]`` of all windows; of the items, ``draft_index`` ``int32[items, width]`` (-1 in gaps) and
        ``mean_quality`` ``float64[items]`` (Phred; 0 where the draft has no qualities). Disagreement of the passes with
        the draft: ``align.disagreement.Disagreement.layout``.

    Raises:
        MoleculeError: the molecule lacks what the model needs, or an alignment does not fit.
    """
    pileup = build_pileup(zmw, spec)
    bounds = window_bounds(pileup, spec)
    windows = cut_windows(pileup, bounds, spec)
    layout: Arrays = {
        **find_disagreement(zmw.draft.bases, zmw.passes).layout(),
        "draft": zmw.draft.bases,
        "draft_quality": kept_qualities(zmw.draft),
        "draft_start": bounds.draft_start.astype(np.int32),
        "draft_stop": bounds.draft_stop.astype(np.int32),
        "overflow": bounds.overflow,
        "draft_index": windows.draft_index,
        "mean_quality": mean_draft_qualities(pileup, bounds)[~bounds.overflow],
    }
    return Features(inputs={name: getattr(windows, name) for name in INPUTS}, layout=layout)


class ColumnMethod:
    """The column method: a ``corrector.Method`` whose items are windows.

    Args:
        name: the model's name in headers and reports.
        features: the encoding it needs.
        calibration: quality map fitted with it (``polishing.qualities.Calibration``), or ``"skip"``.
        insertion_trim: longest insertion kept, bp; None for that of ``features``.
        least_evidence: windows with less evidence against the draft (``evidence_against_draft``) keep it; 0 disables
            this.
    """

    options: Set[str] = OF_COLUMNS | OF_NETWORKS | {TRIAGE}

    def __init__(
        self,
        name: str,
        features: FeatureSpec,
        *,
        calibration: str = "skip",
        insertion_trim: int | None = None,
        least_evidence: float = 0.0,
    ) -> None:
        if insertion_trim is not None:
            features = replace(features, insertion_trim=insertion_trim)
        self.name, self.calibration = name, calibration
        self.spec: Mapping[str, Any] = features.to_dict()
        self._least_evidence = least_evidence
        # A function rather than a method: worker processes need not be able to import the class.
        self.encode: Callable[[Zmw], Features] = partial(encode_columns, spec=features)

    @classmethod
    def of(cls, header: Mapping[str, Any], given: Mapping[str, Any]) -> "ColumnMethod":
        """Build from a model file's header and the options given.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: the header is damaged.
        """
        triage = Triage(**header["triage"]) if "triage" in header and given.get(TRIAGE) is not False else None
        return cls(
            header["name"],
            FeatureSpec.from_dict(header["spec"]),
            calibration=header["calibration"],
            insertion_trim=given.get(INSERTION_TRIM),
            least_evidence=triage.threshold if triage else 0.0,
        )

    def select(self, features: Features, skip_above: float) -> NDArray[np.bool_]:
        """Which windows ``bool[items]`` go through the model: those whose draft is not good enough to be kept."""
        selected = np.ones(features.items, np.bool_)
        if skip_above:
            selected &= features.layout["mean_quality"] <= skip_above
        if self._least_evidence:
            selected &= evidence_against_draft(features.inputs) >= self._least_evidence
        return selected

    def call(self, features: Features, selected: NDArray[np.bool_], probabilities: NDArray[np.float32]) -> Calls:
        """Join the model's calls in the selected windows with the draft in the others, in order.

        Args:
            features: the encoded molecule.
            selected: ``bool[items]``, as ``select`` gave it.
            probabilities: ``float32[selected.sum(), width, 5]``, in item order; ties go to the first class.

        Raises:
            MoleculeError: the windows do not cover the draft.
        """
        layout = features.layout
        _require_whole(layout)
        run = np.flatnonzero(~layout["overflow"])[selected]
        if not len(run):
            probabilities = np.empty((0, features.inputs["draft"].shape[1], 5), np.float32)
        calls = _merge(_kept_draft(layout, run), _called(layout, selected, run, probabilities))
        disagreement = Disagreement.of_layout(layout)
        raised = with_disagreement(calls.error_probability, calls.bases, calls.draft_index, disagreement)
        return replace(calls, error_probability=raised)


def _require_whole(layout: Arrays) -> None:
    """Refuse windows that do not cover the draft exactly once, in order."""
    edges = np.append(layout["draft_start"], len(layout["draft"]))
    holes = np.flatnonzero(edges != np.insert(layout["draft_stop"], 0, 0))
    if len(holes) or len(edges) == 1:
        at = edges[holes[0]] if len(holes) else 0
        raise MoleculeError(f"the windows omit or repeat draft bases at {at}", outcome="empty_sequence")


# Calls with the window that each base belongs to.
_Stretch = tuple[NDArray[np.intp], Calls]


def _kept_draft(layout: Arrays, run: NDArray[np.intp]) -> _Stretch:
    """The draft's bases in the other windows."""
    window = np.repeat(np.arange(len(layout["draft_start"])), layout["draft_stop"] - layout["draft_start"])
    position = np.flatnonzero(~np.isin(window, run))
    error = np.power(10.0, layout["draft_quality"][position] / -10.0).astype(np.float32)
    kept = Calls(layout["draft"][position], error, position.astype(np.int32), np.zeros(len(position), np.bool_))
    return window[position], kept


def _called(
    layout: Arrays, selected: NDArray[np.bool_], run: NDArray[np.intp], probabilities: NDArray[np.float32]
) -> _Stretch:
    """The model's bases in the windows that went through it."""
    classes = probabilities.argmax(-1).astype(np.uint8)
    is_base = classes != GAP
    # As DeepConsensus computes it, in float32: 1 minus the highest probability.
    error = 1 - probabilities.max(-1)[is_base]
    called = Calls(classes[is_base], error, layout["draft_index"][selected][is_base], np.ones(len(error), np.bool_))
    return np.repeat(run, is_base.sum(1)), called


def _merge(first: _Stretch, second: _Stretch) -> Calls:
    """Merge two sets of calls in the order of their windows."""
    order = np.argsort(np.concatenate([first[0], second[0]]), kind="stable")
    fields = ("bases", "error_probability", "draft_index", "from_model")
    return Calls(*(np.concatenate([getattr(calls, f) for _, calls in (first, second)])[order] for f in fields))
