"""The vote: who wins a column, and what must not matter."""

from dataclasses import replace
from pathlib import Path

import edlib
import numpy as np
import pysam
import pytest

from deepconsensus_py.corrector import Arrays
from deepconsensus_py.pacbio.molecule import Zmw, decode_bases
from deepconsensus_py.pacbio.zmws import Fault, read_zmws
from deepconsensus_py.pileup.vote import Vote

WIDTH = 40
VOTE = Vote()


def window(*passes: str, draft: str, quality: int = 10, strands: str | None = None, pulse_width: int = 20) -> Arrays:
    """One window whose first columns are given; equal bases everywhere else."""
    rest = "ATCG" * 10
    codes = np.array([[" ATCG".index(base) for base in (row + rest)[:WIDTH]] for row in (*passes, draft)], np.uint8)
    bases = codes[:-1]
    directions = strands or "12" * len(passes)
    return {
        "bases": bases[None],
        "pulse_widths": np.where(bases > 0, pulse_width, 0).astype(np.uint8)[None],
        "inter_pulse_durations": np.where(bases > 0, 9, 0).astype(np.uint8)[None],
        "strands": np.array([[int(d) for d in directions[: len(passes)]]], np.uint8),
        "draft": codes[-1:],
        "draft_quality": np.where(codes[-1:] > 0, quality, -1).astype(np.int8),
        "snr": np.full((1, 4), 8, np.float32),
    }


def winners(inputs: Arrays, columns: int = 3) -> str:
    return "".join(" ATCG"[c] for c in VOTE.forward(inputs)[0, :columns].argmax(-1))


def random_inputs(seed: int = 0, items: int = 7, passes: int = 6) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    bases = rng.integers(0, 5, (items, passes, WIDTH)).astype(np.uint8)
    draft = rng.integers(0, 5, (items, WIDTH)).astype(np.uint8)
    return {
        "bases": bases,
        "pulse_widths": rng.integers(1, 30, bases.shape).astype(np.uint8) * (bases > 0),
        "inter_pulse_durations": rng.integers(1, 30, bases.shape).astype(np.uint8) * (bases > 0),
        "strands": np.tile(rng.integers(1, 3, passes).astype(np.uint8), (items, 1)),
        "draft": draft,
        "draft_quality": np.where(draft > 0, rng.integers(0, 94, draft.shape), -1).astype(np.int8),
        "snr": np.full((items, 4), 8, np.float32),
    }


def test_probabilities_are_probabilities_and_never_certain() -> None:
    probabilities = VOTE.forward(random_inputs())
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-6)
    sure = VOTE.forward(window(*["TTT"] * 20, draft="TTT", quality=93))
    assert 0 < (1 - sure.max(-1)).max() < 1e-6
    assert (sure.max(-1) < 1).all()


def test_the_draft_settles_ties_and_gives_way_to_a_majority() -> None:
    assert winners(window("TTT", "TAT", draft="TTT")) == "TTT"
    assert winners(window("TAT", "TTT", draft="TAT")) == "TAT"
    assert winners(window("TTT", "TAT", "TAT", "TAT", draft="TTT")) == "TAT"
    assert winners(window("TTT", "T T", "T T", "T T", draft="TTT")) == "T T"
    assert winners(window("T T", "TAT", "TAT", "TAT", draft="T T")) == "TAT"


def test_a_good_draft_withstands_what_a_poor_one_does_not() -> None:
    passes = ("TTT", "TAT", "TAT")
    assert winners(window(*passes, draft="TTT", quality=5)) == "TAT"
    assert winners(window(*passes, draft="TTT", quality=60)) == "TTT"
    assert winners(window("T T", "TAT", "TAT", draft="T T", quality=60)) == "T T"


def test_short_pulses_insert_nothing() -> None:
    passes = ("T T", "TAT", "TAT", "TAT")
    assert winners(window(*passes, draft="T T", pulse_width=20)) == "TAT"
    inputs = window(*passes, draft="T T", pulse_width=20)
    inputs["pulse_widths"][0, :, 1] = np.where(inputs["bases"][0, :, 1] > 0, 2, 0)
    assert winners(inputs) == "T T"


def test_both_strands_weigh_the_same() -> None:
    passes = ("TAT", "TAT", "TAT", "TAT", "TTT", "TTT", "TTT")
    assert winners(window(*passes, draft="TTT", strands="1111222")) == "TTT"
    assert winners(window(*passes, draft="TTT", strands="1111111", quality=0)) == "TAT"


def test_the_order_of_passes_the_names_of_strands_and_absent_passes_do_not_matter() -> None:
    inputs = random_inputs()
    expected = VOTE.forward(inputs)
    order = np.random.default_rng(5).permutation(6)
    shuffled = {k: v[:, order] if k in {"bases", "pulse_widths", "strands"} else v for k, v in inputs.items()}
    np.testing.assert_allclose(VOTE.forward(shuffled), expected, atol=1e-6)
    np.testing.assert_allclose(VOTE.forward({**inputs, "strands": 3 - inputs["strands"]}), expected, atol=1e-6)
    padded = {k: np.pad(v, ((0, 0), (0, 3), (0, 0))) if v.ndim == 3 else v for k, v in inputs.items()}
    padded["strands"] = np.pad(inputs["strands"], ((0, 0), (0, 3)))
    np.testing.assert_allclose(VOTE.forward(padded), expected, atol=1e-6)


def test_windows_do_not_depend_on_each_other() -> None:
    inputs = random_inputs()
    single = [VOTE.forward({k: v[i : i + 1] for k, v in inputs.items()}) for i in range(7)]
    np.testing.assert_array_equal(np.concatenate(single), VOTE.forward(inputs))


@pytest.mark.parametrize("end", ["start", "stop"])
def test_a_pass_that_does_not_reach_a_column_has_no_vote_there(end: str) -> None:
    inputs = window(*[("ATCG" * 10)] * 4, draft="ATCG" * 10)
    missing = slice(0, 12) if end == "start" else slice(28, 40)
    inputs["bases"][0, 1:, missing] = 0
    inputs["pulse_widths"][0, 1:, missing] = 0
    probabilities = VOTE.forward(inputs)[0]
    assert probabilities.argmax(-1).all()
    alone = VOTE.forward(window("ATCG" * 10, draft="ATCG" * 10))[0]
    np.testing.assert_allclose(probabilities[missing], alone[missing], atol=1e-6)


def test_a_gap_of_the_draft_is_has_the_quality_of_its_worse_neighbour() -> None:
    inputs = window("TAT", "TAT", "T T", draft="T T", quality=60)
    assert winners(inputs) == "T T"
    for column in (0, 2):
        uncertain = {**inputs, "draft_quality": inputs["draft_quality"].copy()}
        uncertain["draft_quality"][0, column] = 3
        assert winners(uncertain) == "TAT"


def without_kinetics(zmw: Zmw) -> Zmw:
    return replace(
        zmw, passes=tuple(replace(p, pulse_widths=None, inter_pulse_durations=None, snr=None) for p in zmw.passes)
    )


def without_qualities(zmw: Zmw) -> Zmw:
    return replace(zmw, draft=replace(zmw.draft, qualities=None))


def whole(zmw: Zmw) -> Zmw:
    return zmw


@pytest.mark.real
@pytest.mark.parametrize("change", [whole, without_kinetics, without_qualities])
def test_fewer_errors_than_the_draft_and_as_many_as_predicted(human_1m: Path, change: object) -> None:
    truth = {read.name.split("/")[1]: read.sequence for read in pysam.FastxFile(str(human_1m / "truth.fasta"))}
    before = after = predicted = 0.0
    for zmw in read_zmws([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam"):
        assert not isinstance(zmw, Fault)
        expected = truth.get(zmw.name.split("/")[1])
        if expected is None or zmw.draft.tag("np") < 5:
            continue
        features = VOTE.encode(change(zmw))
        selected = VOTE.select(features, 0)
        calls = VOTE.call(features, selected, VOTE.forward(features.inputs))
        before += distance(decode_bases(zmw.draft.bases), expected)
        after += distance(decode_bases(calls.bases), expected)
        predicted += calls.error_probability.sum()
    assert before == 184
    assert after <= 170
    assert 0.4 * after < predicted < 4 * after


def distance(read: str, truth: str) -> int:
    shorter, longer = sorted((read, truth), key=len)
    return int(edlib.align(shorter, longer, mode="HW", task="distance")["editDistance"])
