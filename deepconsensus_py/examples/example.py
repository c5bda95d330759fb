"""A training example: a molecule and its truth, from which windows, labels and augmentations are all derived."""

from dataclasses import dataclass

from deepconsensus_py.pacbio.molecule import Truth, Zmw


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A molecule with known truth.

    Attributes:
        zmw: the draft and its aligned passes.
        truth: the true sequence, aligned to the same draft.
    """

    zmw: Zmw
    truth: Truth

    @property
    def name(self) -> str:
        """The draft's name."""
        return self.zmw.name


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index of an example file says of one molecule, so that molecules are chosen without being decoded.

    Attributes:
        name: the draft's name.
        split: ``"train"``, ``"eval"`` or ``"test"``.
        contig: where the truth comes from.
        passes: aligned passes.
        columns: of the spaced pileup, long insertions trimmed as by default.
        fields: which of ``pulse_widths``, ``inter_pulse_durations`` and ``snr`` all its passes have, and
            ``draft_qualities`` where the draft has them.
    """

    name: str
    split: str
    contig: str
    passes: int
    columns: int
    fields: tuple[str, ...]
