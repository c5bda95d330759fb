"""Ways as batches: the choices of a batch lead along the path, and an agent that makes them walks it."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from deepconsensus_py.heads.navigate import UNJUDGED
from deepconsensus_py.lab.walks import DOORS, STOP, collated, doors_of, joined_walks, to_goal, walked

WALKS = joined_walks([1, 2], 5)


def test_the_choices_lead_along_the_path_and_stop_at_its_end() -> None:
    batch = collated(WALKS)
    for row, walk in enumerate(WALKS):
        choices = batch["choice"][row].tolist()
        taken = [walk.path[0]]
        for choice in choices[: len(walk.path) - 1]:
            taken.append(int(doors_of(walk.at, taken[-1])[choice - 1]))
        assert tuple(taken) == walk.path
        assert choices[len(walk.path) - 1] == STOP
        assert set(choices[len(walk.path) :]) <= {UNJUDGED}
        assert batch["goal"][row, len(walk.path) - 1].tolist() == [0, 0]


def test_every_door_fits_into_a_batch() -> None:
    assert max(walk.at.adjacency.sum(axis=1).max() for walk in joined_walks(range(10), 1)) < DOORS


def test_the_way_to_the_goal_is_the_shortest() -> None:
    for walk in WALKS:
        direct = to_goal(walk).path
        length = sum(walk.at.distance[a, b] for a, b in pairwise(direct))
        assert np.isclose(length, walk.at.distance[walk.path[0], walk.path[-1]])
        assert (direct[0], direct[-1]) == (walk.path[0], walk.path[-1])


class Knowing:
    """Chooses what a batch of the whole paths says."""

    def eval(self) -> None:
        self.step = -1

    def read(self, batch: dict[str, Tensor]) -> None:
        self.step += 1

    def decode(self, batch: dict[str, Tensor], memory: None) -> Tensor:
        rows = [row for row, walk in enumerate(WALKS) if len(walk.path) > self.step]
        return torch.tensor([collated(WALKS)["choice"][row, self.step] for row in rows])


def test_an_agent_that_chooses_the_path_walks_it() -> None:
    assert walked(Knowing(), WALKS) == [walk.path for walk in WALKS]  # type: ignore[arg-type]
