"""Kinetics have the measured distribution of their class, whatever else decides them."""

import numpy as np
import pytest

from deepconsensus_py.pacbio.molecule import encode_bases
from deepconsensus_py.simulate.passes import PassRead, draw_kinetics, prepare_pulses, prepare_strand
from deepconsensus_py.simulate.profile import BaseClass, load_profile
from deepconsensus_py.simulate.templates import random_template

PROFILE = load_profile()
LENGTH = 50_000


def drawn(classes: np.ndarray, kind, seed: int = 0, times: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    template = random_template(len(classes), PROFILE.passes.homopolymer_share, rng)
    strand = prepare_strand(template, rng)
    pulses = prepare_pulses((strand, strand), kind, rng)
    reading = PassRead(template, classes, np.arange(len(template)))
    return [draw_kinetics(reading, pulses, False, kind, rng) for _ in range(times)]


@pytest.mark.parametrize("kind", [PROFILE.pulse_widths, PROFILE.inter_pulse_durations], ids=["pw", "ip"])
@pytest.mark.parametrize("base_class", list(BaseClass))
def test_percentiles_are_the_profiles(base_class: BaseClass, kind) -> None:
    classes = np.full(5000, base_class, np.uint8)
    values = np.concatenate([drawn(classes, kind, seed)[0] for seed in range(60)])  # molecules differ
    assert values.dtype == np.uint8
    found = np.percentile(values, [10, 50, 90])
    np.testing.assert_allclose(found, kind.quantiles[base_class][[10, 50, 90]], rtol=0.2, atol=1.01)


def test_classes_keep_their_own_distribution_side_by_side() -> None:
    classes = np.tile(np.array([BaseClass.MATCH, BaseClass.INSERTION_NONCOGNATE], np.uint8), 20_000)
    (widths,) = drawn(classes, PROFILE.pulse_widths)
    assert np.median(widths[::2]) > 2 * np.median(widths[1::2])


def test_passes_agree_where_they_read_the_template() -> None:
    for base_class, low, high in ((BaseClass.MATCH, 0.1, 0.3), (BaseClass.INSERTION_MULTI, -0.02, 0.1)):
        one, other = drawn(np.full(LENGTH, base_class, np.uint8), PROFILE.pulse_widths, times=2)
        assert low < np.corrcoef(np.log1p(one), np.log1p(other))[0, 1] < high


def test_an_empty_pass_has_no_kinetics() -> None:
    rng = np.random.default_rng(0)
    strand = prepare_strand(encode_bases("ACGT"), rng)
    pulses = prepare_pulses((strand, strand), PROFILE.pulse_widths, rng)
    nothing = PassRead(np.zeros(0, np.uint8), np.zeros(0, np.uint8), np.zeros(0, np.int64))
    assert len(draw_kinetics(nothing, pulses, True, PROFILE.pulse_widths, rng)) == 0
