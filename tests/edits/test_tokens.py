"""Tokens of a homopolymer depend neither on which others are chosen nor on the order of passes."""

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest
from edit_toys import part, random_evidence, with_passes
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.edits.classes import EDITED
from deepconsensus_py.edits.refine import refine
from deepconsensus_py.edits.tokens import (
    CANDIDATE,
    CONTEXT,
    COVERED,
    HOMOPOLYMER_FIELDS,
    HOMOPOLYMER_PARTS,
    IMPOSSIBLE,
    MOST_PASSES,
    PASS_FIELDS,
    RATIO_STEP,
    REVERSE,
    SCORE_STEP,
    EditEvidence,
    edit_evidence,
    homopolymer_tokens,
    undecided_homopolymers,
)
from deepconsensus_py.pacbio.molecule import Zmw

SEEDS = st.integers(0, 2**32)
ALL = np.arange(60)


@pytest.mark.parametrize("passes", [0, 1, 6, MOST_PASSES + 5])
def test_shapes_and_types(passes: int) -> None:
    tokens = homopolymer_tokens(random_evidence(passes=passes), ALL[:11])
    assert tokens["passes"].shape == (11, min(passes, MOST_PASSES), PASS_FIELDS)
    assert tokens["run"].shape == (11, HOMOPOLYMER_FIELDS)
    assert (tokens["passes"].dtype, tokens["run"].dtype) == (np.int8, np.int16)


@given(SEEDS, st.lists(st.sampled_from(ALL.tolist())))
def test_a_homopolymer_has_the_same_tokens_whichever_others_are_chosen(seed: int, chosen: list[int]) -> None:
    evidence = random_evidence(seed)
    every, some = homopolymer_tokens(evidence, ALL), homopolymer_tokens(evidence, np.array(chosen, np.int64))
    for name, values in some.items():
        assert np.array_equal(values, every[name][chosen])


@given(SEEDS, st.permutations(range(6)))
def test_the_order_of_passes_is_that_of_their_tokens_and_nothing_else(seed: int, order: list[int]) -> None:
    evidence = random_evidence(seed)
    one, other = homopolymer_tokens(evidence, ALL), homopolymer_tokens(with_passes(evidence, np.array(order)), ALL)
    assert np.array_equal(one["passes"][:, order], other["passes"])
    assert np.array_equal(one["run"], other["run"])


@given(SEEDS)
def test_pass_tokens_are_zero_without_coverage(seed: int) -> None:
    evidence = random_evidence(seed)
    passes = homopolymer_tokens(evidence, ALL)["passes"]
    assert np.array_equal(passes[:, :, COVERED], evidence.covered.T)
    assert not passes[passes[:, :, COVERED] == 0].any()
    assert np.array_equal(passes[:, :, REVERSE], (evidence.covered & evidence.reverse[:, None]).T)
    assert np.array_equal(passes[:, :, :EDITED], evidence.ratios.swapaxes(0, 1))


def test_passes_beyond_the_most_count_in_the_homopolymer_token_alone() -> None:
    evidence = random_evidence(passes=MOST_PASSES + 5)
    first = with_passes(evidence, np.arange(MOST_PASSES))
    every, fewer = homopolymer_tokens(evidence, ALL), homopolymer_tokens(first, ALL)
    assert np.array_equal(every["passes"], fewer["passes"])
    assert (part(every["run"], "depth").sum(axis=1) == evidence.covered.sum(axis=0)).all()
    assert (part(every["run"], "by_strand") != part(fewer["run"], "by_strand")).any()


@given(SEEDS)
def test_a_homopolymer_token_has_the_evidence_of_it_and_its_neighbours(seed: int) -> None:
    evidence = random_evidence(seed)
    homopolymer = homopolymer_tokens(evidence, ALL)["run"]
    assert np.array_equal(part(homopolymer, "evidence"), evidence.pooled)
    assert np.array_equal(part(homopolymer, "tandem_repeats"), evidence.tandem_repeats)
    assert (part(homopolymer, "rates") == evidence.rates).all()
    padded = np.pad(np.stack([evidence.base, evidence.length]), ((0, 0), (CONTEXT, CONTEXT)))
    for name, values in zip(("letters", "lengths"), padded, strict=True):
        assert np.array_equal(
            part(homopolymer, name), np.lib.stride_tricks.sliding_window_view(values, 2 * CONTEXT + 1)
        )


@given(SEEDS)
def test_strands_share_the_evidence_of_all(seed: int) -> None:
    evidence = random_evidence(seed, most=20)
    homopolymer = homopolymer_tokens(evidence, ALL)["run"]
    forward, reverse = np.split(part(homopolymer, "by_strand"), 2, axis=1)
    alone = homopolymer_tokens(with_passes(evidence, np.flatnonzero(evidence.reverse)), ALL)["run"]
    assert np.array_equal(np.split(part(alone, "by_strand"), 2, axis=1)[1], reverse)
    assert not forward[~evidence.covered[~evidence.reverse].any(axis=0)].any()


def test_no_value_overflows() -> None:
    evidence = random_evidence(passes=100)
    evidence.ratios[:], evidence.covered[:], evidence.pooled[:] = 127, True, -32768
    evidence.length[:] = 10**6
    tokens = homopolymer_tokens(evidence, ALL)
    assert (part(tokens["run"], "by_strand") > 0).all()
    assert (part(tokens["run"], "lengths")[:, CONTEXT] == np.iinfo(np.int16).max).all()
    assert (tokens["passes"][:, :, :EDITED] == 127).all()


@given(SEEDS)
def test_undecided_homopolymers_are_covered_and_have_a_candidate(seed: int) -> None:
    evidence = random_evidence(seed)
    wanted = [
        homopolymer
        for homopolymer in ALL
        if any(nats > CANDIDATE for nats in evidence.pooled[homopolymer] * SCORE_STEP)
        and evidence.covered[:, homopolymer].any()
    ]
    assert undecided_homopolymers(evidence).tolist() == wanted


def test_impossible_edits_and_those_at_the_threshold_are_no_candidates() -> None:
    evidence = random_evidence(passes=1)
    evidence.covered[:] = True
    evidence.pooled[:] = IMPOSSIBLE / SCORE_STEP
    assert not len(undecided_homopolymers(evidence))
    evidence.pooled[5, 2] = CANDIDATE / SCORE_STEP
    assert not len(undecided_homopolymers(evidence))
    evidence.pooled[5, 2] += 1
    assert undecided_homopolymers(evidence).tolist() == [5]


def test_a_draft_without_bases_or_passes_has_no_undecided_homopolymers() -> None:
    evidence = random_evidence(passes=0, homopolymers=1)
    assert not len(undecided_homopolymers(evidence))
    arrays = {field.name: getattr(evidence, field.name) for field in dataclasses.fields(EditEvidence)}
    by_pass = {"ratios", "covered", "deviates"}
    kinetics = arrays.pop("kinetics")
    empty = {name: values[:, :0] if name in by_pass else values[:0] for name, values in arrays.items()}
    none = EditEvidence(**empty, kinetics=kinetics)
    assert not len(undecided_homopolymers(none))


def test_homopolymers_are_undecided_where_passes_disagree_with_the_draft(molecules: list[Zmw]) -> None:
    evidence = edit_evidence(refine(max(molecules, key=lambda zmw: len(zmw.passes))))
    undecided = undecided_homopolymers(evidence)
    decided = np.setdiff1d(np.flatnonzero(evidence.covered.any(axis=0)), undecided)
    shares = []
    for chosen in (undecided, decided):
        passes = homopolymer_tokens(evidence, chosen)["passes"]
        covering = passes[passes[:, :, COVERED] > 0]
        shares.append((covering[:, :EDITED] * RATIO_STEP > 0).any(axis=1).mean())
    assert shares[0] > shares[1]


def test_the_page_names_every_part_of_the_homopolymer_token() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "developers" / "networks.md").read_text()
    table = page.split("| of a homopolymer, `int16` |")[1].split("\n\n")[0]
    rows = re.findall(r"^ *\| (`.*?) \| (.*?) \|", table, re.MULTILINE)
    sizes = [size.replace("×", "*").split(",") for _, size in rows]
    listed = [name for names, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert (
        dict(zip(listed, [math.prod(map(int, one.split("*"))) for row in sizes for one in row], strict=True))
        == HOMOPOLYMER_PARTS
    )
