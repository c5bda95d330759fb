"""The claim: four heads on one trunk are about as good as on four trunks."""

import torch
from torch import nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.cost import cost
from deepconsensus_py.heads.head import Batch, Head
from deepconsensus_py.lab.claim import Arm, Claim, CostLine, Shown, Size, exact, found_at_least, measured
from deepconsensus_py.lab.costs import counts, layer_costs, parameters
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.systems.unified_representation.joint import (
    BATCH,
    TRUNK,
    JointTask,
    judged,
    learn_jointly,
    tasks,
)
from deepconsensus_py.models.column_network import CLASSES

BEHIND = 0.02
"""How far a task on the shared trunk may be behind the same task on its own trunk."""

AHEAD = 0.05
"""How far a task on its own trunk is to be ahead of what needs no learning, so that there is something to lose."""

STEPS, RATE = 400, 3e-3
LEARNED, TESTED = 3000, 1000

Scores = dict[str, float]


def reproduce(size: Size) -> Shown:
    """Train the same heads for the same number of steps per task, on one trunk and on a trunk each."""
    learned, tested, training = (60, 20, Training(2)) if size.fast else (LEARNED, TESTED, Training(STEPS, RATE))
    runs, each = [], dict[str, list[JointTask]]()
    for seed in size.seeds:
        of = tasks(seed, learned=learned, tested=tested)
        for name, task in of.items():
            each.setdefault(name, []).append(task)
        runs.append((_joint(of, training, seed), _separate(of, training, seed)))
    joint, separate = ({name: [run[arm][name] for run in runs] for name in runs[0][arm]} for arm in (0, 1))
    one = _heads(of, Trunk(TRUNK))
    of_trunk, of_trunks = parameters(next(iter(one.values())).trunk), len(one) * parameters(Trunk(TRUNK))
    return Shown(
        figures=(
            *(
                found_at_least(
                    f"{name}: one trunk minus own trunk",
                    [a - b for a, b in zip(joint[name], separate[name], strict=True)],
                    -BEHIND,
                    judged=not size.fast,
                )
                for name in joint
            ),
            *(
                found_at_least(
                    f"{name}: own trunk minus a rule without learning",
                    [score - task.trivial for score, task in zip(separate[name], each[name], strict=True)],
                    AHEAD,
                    judged=not size.fast,
                )
                for name in joint
            ),
            *(measured(name, joint[name], separate[name]) for name in joint),
            exact("parameters of trunks", of_trunk, "a quarter", 4 * of_trunk == of_trunks, baseline=of_trunks),
            exact("trunks of the four heads", len({id(head.trunk) for head in one.values()}), "= 1", _shared(one)),
        ),
        arms=tuple(
            Arm(name, arm, training.steps, training.steps * BATCH)
            for name in joint
            for arm in ("one trunk", "own trunk")
        ),
        costs=_costs(of),
        notes=(
            f"{training.steps} batches of {BATCH} of each task in both cases: on one trunk in turn, or on its own "
            "trunk.",
            "By seed, one trunk and own trunk: "
            + "; ".join(f"{name} {', '.join(f'{a[name]:.3f} and {b[name]:.3f}' for a, b in runs)}" for name in joint)
            + ".",
            "Rules without learning: the most common symbol of the passes in each column; the most common class; the "
            "most common digit; the door that leads most towards the goal. They reach "
            + ", ".join(f"{name.split(':')[0]} {task.trivial:.3f}" for name, task in of.items())
            + " (last seed).",
            "Pileups are given without the draft, which is exact in most windows and would be copied.",
            f"{CLASSES} classes per column for pileups; symbols for segments; features of a convolutional stage for "
            "digits; words for the navigating head, whose decoder is its own. Heads keep embeddings and outputs; the "
            "trunk has neither, and no batch norm.",
        ),
    )


def _heads(of: dict[str, JointTask], trunk: Trunk) -> dict[str, Head]:
    return {name: task.head(trunk) for name, task in of.items()}


def _joint(of: dict[str, JointTask], training: Training, seed: int) -> Scores:
    torch.manual_seed(seed)
    heads = _heads(of, Trunk(TRUNK))
    learn_jointly(heads, of, training, seed=seed)
    return {name: judged(heads[name], task) for name, task in of.items()}


def _separate(of: dict[str, JointTask], training: Training, seed: int) -> Scores:
    scores = {}
    for name, task in of.items():
        torch.manual_seed(seed)
        head = task.head(Trunk(TRUNK))
        learn_jointly({name: head}, of, training, seed=seed)
        scores[name] = judged(head, task)
    return scores


def _shared(heads: dict[str, Head]) -> bool:
    """Whether the trunks of all heads are one and the same."""
    whole = nn.ModuleDict({str(row): head for row, head in enumerate(heads.values())})
    first, *others = (head.trunk.state_dict() for head in heads.values())
    same = all(weight.data_ptr() == other[name].data_ptr() for other in others for name, weight in first.items())
    own = sum(parameters(head) - parameters(head.trunk) for head in heads.values())
    return same and parameters(whole) == own + parameters(next(iter(heads.values())).trunk)


def _costs(of: dict[str, JointTask]) -> tuple[CostLine, ...]:
    heads = _heads(of, Trunk(TRUNK))
    return tuple(_cost(name.split(":")[0], heads[name].eval(), task.tested) for name, task in of.items())


@torch.inference_mode()
def _cost(name: str, head: Head, batch: Batch) -> CostLine:
    layers, items = layer_costs(head.trunk, (head.tokens(batch).x.shape[1],)), len(next(iter(batch.values())))
    return counts(name, cost(lambda: head(batch), head, layers, items=items, repeats=1))


CLAIM = Claim(
    number=10,
    id="unified",
    system="One representation for many modalities (multi-modal patents)",
    text="One trunk serves the heads of several modalities about as well as a trunk for each.",
    baseline="A trunk for each head, trained for the same number of steps.",
    seeds=(1, 2, 3, 4, 5),
    run=reproduce,
)
