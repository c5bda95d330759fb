"""Molecules: order, strands, adapters, intervals, the extremes that readers must survive."""

import itertools

import edlib
import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import N, Pass, decode_bases, reverse_complement
from deepconsensus_py.simulate.molecules import SimulatedMolecule, simulate_molecule
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import random_template

PROFILE = load_profile()


def _molecule(length: int = 800, full_passes: int = 5, seed: int = 0, **options: bool) -> SimulatedMolecule:
    rng = np.random.default_rng(seed)
    truth = random_template(length, PROFILE.passes.homopolymer_share, rng)
    return simulate_molecule(
        truth, movie="m1_2_3", hole=77, full_passes=full_passes, profile=PROFILE, rng=rng, **options
    )


def _tag(one: Pass, name: str) -> object:
    return next(value for tag, value, _ in one.tags if tag == name)


def _reverse(one: Pass, truth: np.ndarray) -> bool:
    distances = [
        edlib.align(decode_bases(one.bases), decode_bases(strand), mode="HW")["editDistance"]
        for strand in (truth, reverse_complement(truth))
    ]
    return distances[1] < distances[0]


def test_strands_alternate() -> None:
    molecule = _molecule()
    strands = [_reverse(one, molecule.truth) for one in molecule.zmw.passes]
    assert all(a != b for a, b in itertools.pairwise(strands))


def test_first_and_last_pass_lack_an_adapter_and_the_others_have_both() -> None:
    found = [[_tag(one, "cx") for one in _molecule(seed=seed).zmw.passes] for seed in range(10)]
    # A partial pass that would be too short is not there.
    allowed = [[*first, 3, 3, 3, 3, 3, *last] for first in ([2], []) for last in ([1], [])]
    assert all(contexts in allowed for contexts in found)
    assert allowed[0] in found


def test_partial_passes_end_at_the_adapter() -> None:
    molecule = next(m for m in (_molecule(2000, seed=seed) for seed in range(9)) if len(m.zmw.passes) == 7)
    first, last = molecule.zmw.passes[0], molecule.zmw.passes[-1]
    for one, at_end in ((first, True), (last, False)):
        strand = reverse_complement(molecule.truth) if _reverse(one, molecule.truth) else molecule.truth
        place = edlib.align(decode_bases(one.bases), decode_bases(strand), mode="HW", task="locations")["locations"][0]
        assert abs(place[1] + 1 - len(strand)) < 5 if at_end else place[0] < 5


def test_intervals_lie_an_adapter_apart_and_fit_names_and_bases() -> None:
    passes = _molecule(full_passes=12).zmw.passes
    gaps = [_tag(b, "qs") - _tag(a, "qe") for a, b in itertools.pairwise(passes)]
    assert all(30 < gap < 61 for gap in gaps)
    for one in passes:
        assert one.name == f"m1_2_3/77/{_tag(one, 'qs')}_{_tag(one, 'qe')}"
        assert _tag(one, "qe") - _tag(one, "qs") == len(one.bases) == len(one.pulse_widths)
        assert len(one.inter_pulse_durations) == len(one.bases)


def test_draft_has_the_tags_of_ccs() -> None:
    draft = _molecule().zmw.draft
    assert draft.name == "m1_2_3/77/ccs"
    assert (draft.tag("zm"), draft.tag("np")) == (77, 5)
    error = np.mean(10 ** (-draft.qualities.astype(float) / 10))
    assert draft.tag("rq") == pytest.approx(1 - error)
    assert 5 < draft.tag("ec") < 7.5


@pytest.mark.parametrize("seed", range(4))
def test_below_three_passes_the_draft_is_a_pass(seed: int) -> None:
    molecule = _molecule(full_passes=1, seed=seed)
    full = next(one for one in molecule.zmw.passes if _tag(one, "cx") == 3)
    draft = molecule.zmw.draft
    bases = reverse_complement(full.bases) if _reverse(full, molecule.truth) else full.bases
    np.testing.assert_array_equal(draft.bases, bases)
    assert set(draft.qualities.tolist()) == {10}
    assert (draft.tag("rq"), draft.tag("ec")) == (-1, None)


@pytest.mark.parametrize(("length", "full_passes"), [(50, 3), (60_000, 3), (300, 200), (300, 1)])
def test_extremes_are_whole(length: int, full_passes: int) -> None:
    molecule = _molecule(length, full_passes, partial_ends=False)
    assert len(molecule.truth) == length
    assert len(molecule.zmw.passes) == full_passes
    assert all(len(one.bases) > length / 2 for one in molecule.zmw.passes)
    assert not any(one.snr is None for one in molecule.zmw.passes)


def test_unknown_bases_stay_in_the_draft_and_not_in_the_passes() -> None:
    truth = np.array([1, 2, 3, 4] * 50, np.uint8)
    truth[90:110] = N
    molecule = simulate_molecule(truth, movie="m", hole=1, full_passes=3, profile=PROFILE, rng=np.random.default_rng(0))
    assert N in molecule.zmw.draft.bases
    assert not any(N in one.bases for one in molecule.zmw.passes)
