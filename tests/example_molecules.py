"""Training examples for tests: random ones, and what it means that two are equal."""

from array import array

import numpy as np

from deepconsensus_py.examples.example import Example
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Truth, Zmw

INSERTION, DELETION, SOFT_CLIP = 1, 2, 4
ALIGNED = (0, 7, 8)


def random_alignment(rng: np.random.Generator, length: int, *, whole: bool) -> tuple[Alignment, int]:
    """An alignment to a whole draft or to a part of it, and the bases of the sequence that it belongs to."""
    start = 0 if whole else int(rng.integers(length // 2))
    operations: list[tuple[int, int]] = []
    left = length - start
    if rng.random() < 0.5:
        operations.append((SOFT_CLIP, int(rng.integers(1, 9))))
    while left:
        block = int(min(left, rng.integers(1, 12)))
        operations.append((int(rng.choice(ALIGNED)), block))
        left -= block
        if left > 1 and rng.random() < 0.5:
            operations.append((INSERTION, int(rng.integers(1, 9))))
        elif left > 1:
            operations.append((DELETION, 1))
            left -= 1
        if not whole and rng.random() < 0.02:
            break
    if operations[-1][0] in {INSERTION, DELETION}:
        operations.pop()
    codes, lengths = np.array(operations).T
    bases = int(lengths[codes != DELETION].sum())
    return Alignment(start, codes.astype(np.uint8), lengths.astype(np.int32)), bases


def random_pass(rng: np.random.Generator, length: int, name: str, *, lacking: float) -> Pass:
    alignment, bases = random_alignment(rng, length, whole=False)

    def optional(values: np.ndarray) -> np.ndarray | None:
        return None if rng.random() < lacking else values

    return Pass(
        name=name,
        bases=rng.integers(1, 6, bases, np.uint8),
        pulse_widths=optional(rng.integers(0, 256, bases, np.uint8)),
        inter_pulse_durations=optional(rng.integers(0, 256, bases, np.uint8)),
        snr=optional(rng.normal(8, 2, 4).astype(np.float32)),
        alignment=alignment,
        reverse=bool(rng.random() < 0.5),
        tags=(("cx", 3, "i"), ("rq", 0.8, "f")),
    )


def random_example(
    rng: np.random.Generator, *, hole: int = 1, length: int | None = None, passes: int | None = None, lacking: float = 0
) -> Example:
    """A molecule of random bases with random alignments.

    Args:
        rng: source of randomness.
        hole: ZMW.
        length: bases of the draft.
        passes: their number.
        lacking: how often a pass lacks a field, or the draft its qualities.
    """
    length = int(rng.integers(10, 400)) if length is None else length
    passes = int(rng.integers(1, 6)) if passes is None else passes
    qualities = None if rng.random() < lacking else rng.integers(0, 94, length, np.uint8)
    tags = (("np", passes, "i"), ("rq", float(np.float32(0.99)), "f"), ("wl", array("I", [length]), "B"))
    draft = Draft(f"m/{hole}/ccs", rng.integers(1, 5, length, np.uint8), qualities, tags)
    readings = tuple(random_pass(rng, length, f"m/{hole}/{i}_9", lacking=lacking) for i in range(passes))
    alignment, bases = random_alignment(rng, length, whole=True)
    clipped = int(alignment.lengths[alignment.operations == SOFT_CLIP].sum())
    split = ("train", "eval", "test")[hole % 3]
    sequence = rng.integers(1, 5, bases, np.uint8)
    truth = Truth(draft.name, "chr1", 1000, 1000 + bases - clipped, split, sequence, alignment)
    return Example(Zmw(draft, readings), truth)


def assert_equal(one: object, other: object, where: str = "") -> None:
    """Equal in every field of every record, types and element types included."""
    assert type(one) is type(other), where
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, where
        np.testing.assert_array_equal(one, other, err_msg=where)
    elif isinstance(one, tuple):
        assert len(one) == len(other), where
        for number, both in enumerate(zip(one, other, strict=True)):
            assert_equal(*both, f"{where}[{number}]")
    elif hasattr(one, "__dataclass_fields__"):
        for field in one.__dataclass_fields__:
            assert_equal(getattr(one, field), getattr(other, field), f"{where}.{field}")
    else:
        assert one == other, where
