"""Homopolymers are labelled by the draft, which is not shown."""

from deepconsensus_py.lab.reads import simulated
from deepconsensus_py.lab.tracks import GAP, HOMOPOLYMER, RUN, SINGLE, track_segments


def test_homopolymers_go_on_across_gaps() -> None:
    batch, draft = track_segments(20, 3), simulated(20, 3)["draft"]
    assert (batch["symbols"][..., -1] == 0).all()  # the draft is not shown
    for row, labels in zip(draft.tolist(), batch["labels"].tolist(), strict=True):
        letters = [base for base in row if base]
        classes = [label for label in labels if label != GAP]
        assert [label == GAP for label in labels] == [base == 0 for base in row]
        for place, (base, label) in enumerate(zip(letters, classes, strict=True)):
            left = right = place
            while left and letters[left - 1] == base:
                left -= 1
            while right + 1 < len(letters) and letters[right + 1] == base:
                right += 1
            assert label == (RUN if right - left + 1 >= HOMOPOLYMER else SINGLE)
