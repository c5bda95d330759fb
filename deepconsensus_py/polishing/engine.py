"""The engine: encoded ZMWs go through the network in common batches and come out as polished reads, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from deepconsensus_py.align.zmw_filter import ZmwFilter
from deepconsensus_py.corrector import Corrector, Method
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.hifi.modifications import carried_modifications, dropped_modifications
from deepconsensus_py.methods import DEFAULT
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.options import (
    AUTO,
    DRAFT_CALIBRATION,
    KINETICS,
    SKIP_ABOVE,
    SKIP_WINDOWS_ABOVE,
    require_understood,
)
from deepconsensus_py.pacbio.molecule import N
from deepconsensus_py.pacbio.zmws import Molecule
from deepconsensus_py.polishing.artifacts import ArtifactFilter
from deepconsensus_py.polishing.batches import Pending, in_streams, in_turn
from deepconsensus_py.polishing.encode import encode_zmws
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.kinetics import kinetics_counts, read_kinetics
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.qualities import (
    MAX_BASE_QUALITY,
    Calibration,
    LinearCalibration,
    claimed_qualities,
    final_qualities,
)
from deepconsensus_py.polishing.read import Encoded, PolishedRead
from deepconsensus_py.polishing.strands import StrandOptions
from deepconsensus_py.reports.outcomes import Outcome

CALIBRATED_PASSES = 3
"""Fewest full passes of the ZMWs that the models were calibrated on."""


@dataclass(frozen=True, slots=True)
class PolishSettings:
    """Filters and qualities; the defaults are those of DeepConsensus.

    Attributes:
        filter: minimum quality and length of a read.
        skip_windows_above: do not polish windows whose mean draft QV (Phred) is above this; 0 disables. Column models
            only; None is their default, 45.
        max_base_quality: cap of base qualities, Phred.
        model_calibration: quality map of called bases; None takes the model's own.
        draft_calibration: quality map of kept draft bases. Column models only; None leaves the qualities unchanged.
        kinetics: which reads get kinetics: ``"auto"``, those whose CCS reads have them; ``"on"``, all; ``"off"``, none.
        carry_modifications: whether reads get the base modifications of their drafts (``MM``, ``ML``).
        artifacts: tests for reads that are no insert, whose outcome is then ``artifact``; None makes none.
    """

    filter: ReadFilter = field(default_factory=ReadFilter)
    skip_windows_above: float | None = None
    max_base_quality: int = MAX_BASE_QUALITY
    model_calibration: Calibration | None = None
    draft_calibration: Calibration | None = None
    kinetics: str = AUTO
    carry_modifications: bool = True
    artifacts: ArtifactFilter | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown choice of kinetics.

        Raises:
            ValueError: naming those that there are.
        """
        if self.kinetics not in KINETICS:
            raise ValueError(f"kinetics must be one of {', '.join(KINETICS)}, not {self.kinetics!r}")

    def require_fit(self, method: Method) -> None:
        """Refuse settings that have no effect with a model.

        Raises:
            ModelError: there is one.
        """
        given = {name: getattr(self, name) for name in (SKIP_WINDOWS_ABOVE, DRAFT_CALIBRATION)}
        require_understood(method.name, method.options, given)


def polish(
    zmws: Iterable[Molecule],
    *,
    model: str | Path | Corrector = DEFAULT,
    device: str | None = None,
    threads: int = 1,
    settings: PolishSettings | None = None,
    zmw_filter: ZmwFilter | None = None,
    min_passes: int | None = None,
    strands: StrandOptions | None = None,
) -> Iterator[PolishedRead]:
    """Polish ZMWs one after the other.

    Args:
        zmws: ZMWs, as ``read_zmws`` yields them, with raw or aligned subreads. Missing drafts are built.
        model: the name of a bundled model, the path of a ``.safetensors`` file, or what ``load_model`` returns.
        device: where a network runs: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…; None is ``"cpu"``.
        threads: CPU cores to use.
        settings: filters, calibration, window skipping and kinetics.
        zmw_filter: which ZMWs are polished, and with which of their passes; None has the defaults of ``ccs``.
        min_passes: short for the same field of ``zmw_filter``.
        strands: which ZMWs become a read for each strand; None has one read for each ZMW.

    Yields:
        One read for every ZMW, or for each of its strands, in order; check ``passed`` or ``outcome``.

    Raises:
        ModelError: the model is unknown or unreadable, or does not support a setting.
    """
    if isinstance(model, str | Path):
        corrector = load_model(model, device=device, threads=threads, wait=threads == 1)
    else:
        corrector = model
    settings, chosen = settings or PolishSettings(), zmw_filter or ZmwFilter()
    if min_passes is not None:
        chosen = replace(chosen, min_passes=min_passes)
    encoded = encode_zmws(
        zmws, corrector.method, threads=threads, kinetics=settings.kinetics, zmw_filter=chosen, strands=strands
    )
    yield from correct(encoded, corrector, settings, threads=threads)


def correct(
    molecules: Iterable[Encoded],
    corrector: Corrector,
    settings: PolishSettings,
    clock: StageClock | None = None,
    *,
    threads: int = 1,
) -> Iterator[PolishedRead]:
    """Run the network on encoded ZMWs and call the reads, in order.

    Args:
        molecules: encoded by this corrector, or by one with the same spec.
        corrector: the model.
        settings: filters, calibration and window skipping.
        clock: times the stages ``network`` and ``call``.
        threads: 1 does all in the caller's thread; with more, the network has a thread for each of its streams.

    Raises:
        ModelError: the model does not support a setting.
    """
    settings.require_fit(corrector.method)
    skip_above = SKIP_ABOVE if settings.skip_windows_above is None else settings.skip_windows_above
    clock = clock or StageClock()
    networked = in_turn if threads == 1 else in_streams
    for waiting in networked(molecules, corrector, skip_above, clock):
        with clock.stage("call"):
            zmw = waiting.molecule
            read = replace(_finish(waiting, corrector, settings), facts=zmw.facts, hd_sites=zmw.hd_sites, last=zmw.last)
        yield read


def _finish(waiting: Pending, corrector: Corrector, settings: PolishSettings) -> PolishedRead:
    """Call one read; an error becomes its outcome."""
    molecule = waiting.molecule
    if molecule.features is None:
        return _without_read(molecule, Outcome(molecule.outcome), molecule.reason)
    try:
        return _call(waiting, corrector, settings)
    except MoleculeError as fault:
        outcome, reason = Outcome(fault.outcome), f"{molecule.draft.name}: {fault}"
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        outcome, reason = Outcome.ERROR, f"{molecule.draft.name}: {type(fault).__name__}: {fault}"
    return _without_read(molecule, outcome, reason)


def _without_read(molecule: Encoded, outcome: Outcome, reason: str) -> PolishedRead:
    return PolishedRead(
        molecule.draft,
        outcome,
        reason,
        passes=molecule.passes,
        counts=molecule.counts,
        stand_in=molecule.stand_in,
    )


def _call(waiting: Pending, corrector: Corrector, settings: PolishSettings) -> PolishedRead:
    molecule, features = waiting.molecule, waiting.molecule.features
    assert features is not None
    if waiting.fault:
        raise MoleculeError(waiting.fault)
    if not np.isfinite(waiting.probabilities).all():
        raise MoleculeError(f"model {corrector.method.name} returned probabilities that are not finite")
    calls = corrector.method.call(features, waiting.items, waiting.probabilities)
    qualities = final_qualities(
        calls,
        model_calibration=settings.model_calibration or Calibration.parse(corrector.method.calibration),
        draft_calibration=settings.draft_calibration or LinearCalibration(),
        max_base_quality=settings.max_base_quality,
    )
    qualities[calls.bases == N] = 0
    if molecule.full_passes < CALIBRATED_PASSES:
        qualities = np.minimum(qualities, claimed_qualities(molecule.draft, calls.draft_index))
    kinetics = read_kinetics(molecule.draft, molecule.kinetics, calls, settings.kinetics)
    if settings.carry_modifications:
        modifications = carried_modifications(molecule.draft, calls.bases, calls.draft_index)
    else:
        modifications = dropped_modifications(molecule.draft)
    outcome, artifacts = settings.filter.outcome(qualities), 0
    if settings.artifacts is not None and len(calls.bases):
        artifacts = int(settings.artifacts.found(calls.bases))
        outcome = Outcome.ARTIFACT if artifacts and outcome is Outcome.SUCCESS else outcome
    return PolishedRead(
        molecule.draft,
        outcome,
        bases=calls.bases,
        qualities=qualities,
        draft_index=calls.draft_index,
        passes=molecule.passes,
        windows=features.items,
        corrected=waiting.count,
        kinetics=kinetics,
        base_tags=modifications.tags,
        counts={**molecule.counts, **kinetics_counts(molecule.draft, kinetics), **modifications.counts},
        artifacts=artifacts,
    )
