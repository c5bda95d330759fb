"""The correction of columns: the original's network, and what is right."""

import pytest
import torch
from heads import example_correct

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.columns import error_probabilities
from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.models.column_network import ColumnNetwork, ColumnTokens

TRUNK = TrunkConfig(2, 16, 2, 24, preset("banded12"))


def test_it_is_the_column_network() -> None:
    torch.manual_seed(0)
    network = ColumnNetwork(example_correct.config(TRUNK))
    head = Correct(network.trunk, network)
    head.output.load_state_dict(network.output.state_dict())
    batch = example_correct.batch(1)
    torch.testing.assert_close(head(batch), network(batch))


def test_a_window_is_exact_wherever_its_gaps_are() -> None:
    torch.manual_seed(0)
    head = example_correct.build(TRUNK)
    batch = example_correct.batch(1)
    batch["labels"][:] = torch.tensor([1, 2, 0, 3, 0, 0, 4, 1, 0, 0], dtype=torch.uint8)
    called = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 0, 0, 0], [1, 2, 0, 3, 4, 4, 1, 0, 0, 0]])
    out = 9.0 * torch.nn.functional.one_hot(called, 5)
    assert head.metrics(out, batch)["exact"] == 0.5


def test_error_probabilities_are_what_the_call_leaves() -> None:
    out = torch.tensor([[[0.0, 0.0, 0.0, 0.0, 0.0], [100.0, 0.0, 0.0, 0.0, 0.0]]])
    torch.testing.assert_close(error_probabilities(out), torch.tensor([[0.8, 0.0]]))


def test_columns_of_another_trunk_are_refused() -> None:
    other = TrunkConfig(2, 16, 2, 24, preset("full"))
    with pytest.raises(ValueError, match="another trunk"):
        Correct(Trunk(other), ColumnTokens(example_correct.config(TRUNK)))
