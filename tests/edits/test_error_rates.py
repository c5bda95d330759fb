"""Counted error rates."""

from dataclasses import replace

import numpy as np
import pytest
from edit_tools import class_of_bases, count_errors, estimate
from hmm_reference import random_draft, random_model
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.edits.aligned_pass import LONGEST_STEP, align_pass, template_line
from deepconsensus_py.edits.error_rates import ErrorCounts, PassModel, insertion_factors
from deepconsensus_py.pacbio.molecule import Alignment, N, Pass, encode_bases, reverse_complement

M, I, D, S = cigar.EQUAL, cigar.INSERTION, cigar.DELETION, cigar.SOFT_CLIP  # noqa: E741
A, T, C, G = range(1, 5)


def a_pass(bases: str, operations: list[tuple[int, int]], start: int = 0, *, reverse: bool = False) -> Pass:
    codes, lengths = np.array(operations).T
    alignment = Alignment(start, codes.astype(np.uint8), lengths.astype(np.int32))
    return Pass("m/1/0_1", encode_bases(bases), None, None, None, alignment, reverse)


def counted(draft: str, *passes: Pass) -> ErrorCounts:
    return count_errors(passes, encode_bases(draft))


def drawn_pass(draft: np.ndarray, model: PassModel, rng: np.random.Generator) -> Pass:
    """A pass drawn from a model, with its true alignment; cognate insertions stand in front of their homopolymer's
    bases."""
    classes = class_of_bases(draft)
    columns, bases = [], []
    for base, length_class_of in zip(draft, classes, strict=True):
        if columns and rng.random() < model.cognate[base, length_class_of]:
            columns.append(I)
            bases.append(base)
        if columns and rng.random() < model.deletion[base, length_class_of]:
            columns.append(D)
            continue
        emission = model.emission[base, 1:5].astype(float)
        bases.append(1 + rng.choice(4, p=emission / emission.sum()))
        columns.append(M if bases[-1] == base else cigar.DIFFERENT)
    return Pass("m/1/0_1", np.array(bases, np.uint8), None, None, None, alignment_of(np.array(columns), start=0))


def test_every_kind_of_error_is_counted_once() -> None:
    # draft  A A - C - G T T T
    # pass   - A G C C G T C T   after two clipped bases
    p = a_pass("TTAGCCGTCT", [(S, 2), (D, 1), (M, 1), (I, 1), (M, 1), (I, 1), (M, 2), (8, 1), (M, 1)])
    counts = counted("AACGTTT", p)
    assert counts.deleted[A, 1] == counts.deleted.sum() == 1
    assert counts.cognate[C, 0] == counts.cognate.sum() == 1
    assert counts.foreign[G] == counts.foreign.sum() == 1
    assert counts.pairs[T, C] == counts.pairs.sum() - np.trace(counts.pairs) == 1
    assert counts.covered.sum() == 7
    assert counts.covered[A, 1] == 2
    assert counts.covered[T, 2] == 3


def test_an_insertion_equal_to_the_base_before_counts_for_its_homopolymer() -> None:
    counts = counted("AACG", a_pass("AAACG", [(M, 2), (I, 1), (M, 2)]))
    assert counts.cognate[A, 1] == counts.cognate.sum() == 1


def test_of_a_long_insertion_six_bases_count() -> None:
    p = a_pass("AC" + "T" * 500 + "GA", [(M, 2), (I, 500), (M, 2)])
    assert counted("ACGA", p).foreign[T] == 6
    line = align_pass(p, encode_bases("ACGA"))
    assert line.bases.tolist() == [0, 1, 2, 3, 4, 499, 500, 501, 502, 503]


def test_rates_are_found_again() -> None:
    rng = np.random.default_rng(1)
    draft, model = random_draft(6000, rng), random_model(rng)
    found, empty = estimate(draft, [drawn_pass(draft, model, rng) for _ in range(20)])
    for name in ("deletion", "cognate"):
        expected, ours = getattr(model, name)[1:5, :3], getattr(found, name)[1:5, :3]
        np.testing.assert_allclose(ours, expected, rtol=0.12, atol=0.003)
    np.testing.assert_allclose(found.emission[1:5, 1:5], model.emission[1:5, 1:5], atol=0.01)
    assert found.foreign[1:].max() < 0.001
    np.testing.assert_allclose(empty.deletion[1:], 0.025, rtol=1e-5)


def test_the_strands_are_counted_apart_and_do_not_exchange() -> None:
    rng = np.random.default_rng(2)
    draft = random_draft(500, rng)
    slow, fast = (drawn_pass(draft, random_model(np.random.default_rng(seed)), rng) for seed in (3, 4))
    models = estimate(draft, [slow, replace(fast, reverse=True)])
    alone = estimate(draft, [slow])[0], estimate(draft, [fast])[0]
    for ours, expected in zip(models, alone, strict=True):
        np.testing.assert_array_equal(ours.deletion, expected.deletion)
    assert not np.array_equal(models[0].deletion, models[1].deletion)


def test_rare_classes_are_shrunk_towards_common_ones() -> None:
    """G homopolymers of five occur once; G is deleted ten times as often as the others."""
    draft = "ACTACTAGT" * 200 + "GGGGG" + "ACT"
    bases = encode_bases(draft)
    columns = np.full(len(bases), M, np.uint8)
    columns[7 : 9 * 200 : 18] = D
    p = Pass("m/1/0_1", bases[columns != D], None, None, None, alignment_of(columns, start=0))
    deletion = estimate(bases, [p])[0].deletion
    assert deletion[G, 0] > 0.2
    assert deletion[G, 4] > 5 * deletion[A, 4]


@pytest.mark.parametrize("letter", "ATCGN")
def test_emissions_are_probabilities(letter: str) -> None:
    draft = encode_bases("ACGTN" * 10 + letter * 10)
    model = estimate(draft, [a_pass("ACGTN" * 10 + letter * 10, [(M, 60)])])[0]
    np.testing.assert_allclose(model.emission[1:, 1:5].sum(axis=1), 1, rtol=1e-6)
    assert (model.deletion[1:] > 0).all()
    assert (model.foreign[1:] > 0).all()
    assert model.emission[N, A] == model.emission[A, N] == pytest.approx(0.25)


def test_lines_run_from_end_to_end_within_reach_of_the_band() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        columns = rng.choice([M, I, D], 80, p=[0.4, 0.3, 0.3]).astype(np.uint8)
        columns[[0, -1]] = M
        n = int(np.count_nonzero(columns != D))
        p = Pass("m/1/0_1", np.full(n, A, np.uint8), None, None, None, alignment_of(columns, start=7))
        line = align_pass(p, np.full(100, A, np.uint8))
        steps = np.diff(line.read)
        assert line.start == 7
        assert line.read[0] == 0
        assert line.read[-1] == len(line.bases)
        assert steps.min() >= 0
        assert steps.max() <= LONGEST_STEP


def test_parts_of_lines_are_running_means_of_what_is_kept() -> None:
    rng = np.random.default_rng(6)
    for _ in range(50):
        columns = rng.choice([M, I, D], 200, p=[0.6, 0.2, 0.2]).astype(np.uint8)
        columns[[0, -1]] = M
        n = int(np.count_nonzero(columns != D))
        p = Pass("m/1/0_1", np.full(n, A, np.uint8), None, None, None, alignment_of(columns, start=7))
        line = align_pass(p, np.full(300, A, np.uint8))
        kept = rng.random(300) < rng.choice([0.5, 1])
        (part_bases, part_read), steps = template_line(line, kept), np.diff(line.read)
        own = kept[7 : 7 + len(steps)]
        assert part_bases.tolist() == line.bases[np.repeat(own, steps)].tolist()
        read = np.append(0, np.cumsum(steps[own]))
        padded = np.pad(read, 4, mode="edge")
        smooth = np.array([(padded[j : j + 9].sum() + 4) // 9 for j in range(len(read))])
        assert part_read[1:-1].tolist() == smooth[1:-1].tolist()
        assert part_read[[0, -1]].tolist() == [0, len(part_bases)]


def test_short_pulses_are_inserted_bases() -> None:
    cognate, foreign = insertion_factors()
    assert foreign[2] > 5 > foreign[4] > 1
    assert foreign[15] < 1
    assert cognate[2] > 1 > cognate[30]
    assert cognate.min() > 0.1
    assert np.isfinite(foreign).all()


def test_reverse_complements_have_complemented_rates() -> None:
    """Up to the sides on which insertions and deletions between repeats are booked."""
    rng = np.random.default_rng(8)
    draft = random_draft(3000, rng)
    p = drawn_pass(draft, random_model(rng), rng)
    a = p.alignment
    turned = Pass(
        p.name, reverse_complement(p.bases), None, None, None, Alignment(0, a.operations[::-1], a.lengths[::-1])
    )
    complement = [0, T, A, G, C, N]
    ours, theirs = estimate(draft, [p])[0], estimate(reverse_complement(draft), [turned])[0]
    np.testing.assert_allclose(ours.deletion, theirs.deletion[complement], rtol=1e-6)
    np.testing.assert_allclose(ours.cognate, theirs.cognate[complement], rtol=0.2)
