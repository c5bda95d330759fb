"""Learning in turn: as many batches of every task, one trunk for all, and each head its own rest."""

from collections import Counter

import numpy as np
import torch
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.heads.label import Label
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.systems.unified_representation.joint import (
    BATCH,
    TRUNK,
    JointTask,
    learn_jointly,
    towards_the_goal,
    voted_exactly,
)
from deepconsensus_py.lab.walks import STOP


def task(name: str, asked: Counter[str]) -> JointTask:
    def batch(rows: np.ndarray) -> dict[str, Tensor]:
        asked[name] += len(rows)
        symbols = torch.from_numpy(rows)[:, None, None].expand(-1, 5, 1) % 3
        return {"symbols": symbols, "labels": symbols[..., 0], "mask": torch.ones(len(rows), 5, dtype=torch.bool)}

    return JointTask(
        lambda trunk: Label(trunk, vocabularies=(3,), classes=3), batch, 9, batch(np.arange(9)), "accuracy", 1 / 3
    )


def test_all_tasks_have_as_many_batches_and_move_the_one_trunk() -> None:
    asked: Counter[str] = Counter()
    tasks = {name: task(name, asked) for name in ("a", "b", "c")}
    asked.clear()
    trunk = Trunk(TRUNK)
    before = {name: weight.clone() for name, weight in trunk.state_dict().items()}
    heads = {name: of.head(trunk) for name, of in tasks.items()}
    alone = [weight.clone() for head in heads.values() for weight in head.out.parameters()]
    learn_jointly(heads, tasks, Training(4, warm=1), seed=1)
    assert asked == dict.fromkeys(tasks, 4 * BATCH)
    assert all(not torch.equal(weight, before[name]) for name, weight in trunk.state_dict().items() if "weight" in name)
    after = [weight for head in heads.values() for weight in head.out.parameters()]
    assert not any(torch.equal(old, new) for old, new in zip(alone, after, strict=True))


def test_the_vote_is_of_the_passes_that_there_are() -> None:
    bases = torch.tensor([[[1, 2, 0], [1, 0, 0], [3, 0, 0], [3, 3, 3], [3, 3, 3]]] * 2, dtype=torch.uint8)
    strands = torch.tensor([[1, 2, 1, 0, 0]] * 2, dtype=torch.uint8)
    labels = torch.tensor([[0, 0, 1], [1, 2, 0]], dtype=torch.uint8)
    assert voted_exactly({"bases": bases, "strands": strands, "labels": labels}) == 0.5


def test_the_door_towards_the_goal_is_the_nearest_in_direction() -> None:
    doors = 3
    way = torch.zeros(1, 3, doors, 2)
    way[0, :, 1], way[0, :, 2] = torch.tensor([5.0, 0.0]), torch.tensor([0.0, 1.0])
    opened = torch.ones(1, 3, doors, dtype=torch.bool)
    opened[0, 1, 2] = False
    goal = torch.tensor([[[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]])
    walked = {"way": way, "open": opened, "goal": goal, "choice": torch.tensor([[2, 1, STOP]])}
    assert towards_the_goal(walked) == 1
    assert towards_the_goal({**walked, "choice": torch.tensor([[1, 1, -100]])}) == 0.5
