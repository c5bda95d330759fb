"""What is said of a column network's call is what the call hangs on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.models.column_explanation import NEAR, ColumnCase, column_cases
from deepconsensus_py.models.column_network import ColumnNetwork
from deepconsensus_py.models.weights import read_model
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import find_zmw
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import encode_columns

SPEC = FeatureSpec()


@pytest.fixture(scope="module")
def zmw(testdata: Path) -> Zmw:
    return align_zmw(find_zmw([testdata / "subreads.bam"], testdata / "ccs.bam", "4194369"))


@pytest.fixture
def network(tiny_model: Path) -> ColumnNetwork:
    network = read_model(tiny_model).network
    assert isinstance(network, ColumnNetwork)
    return network.float().eval()


def attentive(network: ColumnNetwork) -> ColumnNetwork:
    for name, weight in network.named_parameters():
        if name.endswith("alpha"):
            weight.data.fill_(2.0)
    return network


def cases(zmw: Zmw, network: ColumnNetwork) -> tuple[ColumnCase, ...]:
    return column_cases(zmw, network, SPEC, 100, 200)


def test_a_network_that_looks_nowhere_hangs_on_its_own_column(zmw: Zmw, network: ColumnNetwork) -> None:
    for name, weight in network.named_parameters():
        if name.endswith("alpha"):
            weight.data.zero_()
    found = cases(zmw, network)
    assert found
    for case in found:
        others = np.delete(case.columns, NEAR)
        np.testing.assert_allclose(others[np.isfinite(others)], 0, atol=1e-5)
        assert abs(case.columns[NEAR]) > 1e-3


def test_a_network_that_looks_around_hangs_on_other_columns(zmw: Zmw, network: ColumnNetwork) -> None:
    for case in cases(zmw, attentive(network)):
        others = np.delete(case.columns, NEAR)
        assert np.nanmax(np.abs(others)) > 1e-4
        assert 0 < np.nansum(case.attention) <= 1 + 1e-6


def test_occlusion_is_the_call_without_the_pass(zmw: Zmw, network: ColumnNetwork) -> None:
    network = attentive(network)
    found, features = cases(zmw, network), encode_columns(zmw, SPEC)
    inputs = {name: torch.from_numpy(values.copy()) for name, values in features.inputs.items()}
    for name in ("bases", "pulse_widths", "inter_pulse_durations", "strands"):
        inputs[name][:, 1] = 0
    with torch.no_grad():
        without = network(inputs).double()
    places = np.maximum.accumulate(features.layout["draft_index"], axis=1)
    for case in found:
        call = int(case.probabilities.argmax())
        scores = without[torch.from_numpy(places == case.position)]
        odds = scores[:, call] - torch.logsumexp(scores[:, [c for c in range(5) if c != call]], 1)
        # Insertion columns share the position of the base before them.
        assert np.isclose(odds.numpy(), case.log_odds - case.passes[1], atol=1e-3).any()


def test_columns_lie_where_they_were_asked_for_and_few_are_shown(zmw: Zmw, network: ColumnNetwork) -> None:
    found = cases(zmw, network)
    assert all(100 <= case.position < 200 for case in found)
    assert len(found) <= 12
    assert column_cases(zmw, network, SPEC, 10**6, 10**6 + 1) == ()
    for case in found:
        assert case.probabilities.sum() == pytest.approx(1)
        assert len(case.passes) == len(zmw.passes)
        assert case.letters[NEAR] == case.draft
