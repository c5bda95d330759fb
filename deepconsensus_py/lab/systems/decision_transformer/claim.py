"""The claim of the Decision Transformer: ahead of Q-learning if rewards come late, behind if paths must be combined."""

from dataclasses import dataclass

import numpy as np
import torch

from deepconsensus_py.attention.cost import LayerCost, cost
from deepconsensus_py.lab.claim import (
    Arm,
    Claim,
    CostLine,
    Figure,
    Shown,
    Size,
    found_at_least,
    found_at_most,
    measured,
)
from deepconsensus_py.lab.costs import cost_line, counts
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.systems.decision_transformer import keydoor, pendulum, stitching, swinging
from deepconsensus_py.lab.systems.decision_transformer.agents import (
    ACTIONS,
    BATCH,
    CORRIDOR,
    KEYDOOR,
    TRUNK,
    asking,
    cloned,
    episode_batch,
    reacting,
    sequence_model,
    transitions,
    valued,
    valued_with_history,
)
from deepconsensus_py.lab.systems.decision_transformer.offline import BATCH as STEPS_AT_ONCE
from deepconsensus_py.lab.systems.decision_transformer.offline import WIDTH, Reactive

ALPHAS = (1.0, 0.01)
"""Weights of the conservative term of CQL; the best of all CQL is compared."""

HISTORY = "CQL with history"

DT, BC, FILTERED = "Decision Transformer", "behaviour cloning", "filtered behaviour cloning"
ASKED = (8.0, 2.4)
"""Returns asked for in the corridor: the best of the data, and the best from the start."""

SWUNG = ("the mean of the best tenth", "the best")
"""Returns of the data that are asked for with the pendulum."""

TRIED = {("pendulum", DT): 2, ("pendulum", "CQL"): 2}
"""Numbers of steps that were tried, with another seed than those of the row, where it is more than one."""

Scores = dict[str, float]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Episodes to train on, steps of training, and episodes to play."""

    episodes: int
    sequences: Training
    cloning: Training
    values: Training
    played: int


FULL = Lengths(10_000, Training(600), Training(1500, 2e-3), Training(3000), 500)
CORRIDORS = Lengths(4000, Training(300), Training(500, 2e-3), Training(1500), 200)
PENDULUM = Lengths(2000, Training(1000), Training(1500, 2e-3), Training(1500), 200)
FAST = Lengths(300, Training(3), Training(20), Training(20), 8)


def reproduce(size: Size) -> Shown:
    """Train all agents on the same episodes, and let them play in the same new layouts."""
    lengths = (FAST, FAST, FAST) if size.fast else (FULL, CORRIDORS, PENDULUM)
    doors = _every([_doors(lengths[0], seed) for seed in size.seeds])
    ways = _every([_corridors(lengths[1], seed) for seed in size.seeds])
    swings = _every([_swings(lengths[2], seed) for seed in size.seeds])
    judged = not size.fast
    values, joined, swung = (_best([of[name] for name in of if name.startswith("CQL")]) for of in (doors, ways, swings))
    asked, sequence = doors[f"{DT}, asked for 1, greedy"], _best([ways[f"{DT}, asked for {one:g}"] for one in ASKED])
    swinging_up = _best([swings[f"{DT}, asked for {one}"] for one in SWUNG])
    return Shown(
        figures=(
            found_at_least(f"key to door: {DT} asked for 1", asked, 0.60, baseline=values, judged=judged),
            found_at_least(
                f"key to door: {DT} asked for 1, minus three times the best CQL",
                [ours - 3 * theirs for ours, theirs in zip(asked, values, strict=True)],
                0,
                judged=judged,
            ),
            found_at_most("key to door: asked for 0", doors[f"{DT}, asked for 0, greedy"], 0.10, judged=judged),
            found_at_least(
                f"corridor: return of the best CQL minus that of the {DT}",
                [theirs - ours for theirs, ours in zip(joined, sequence, strict=True)],
                0,
                judged=judged,
            ),
            found_at_least(
                f"pendulum: normalised return of the {DT} minus that of the best CQL",
                [ours - theirs for ours, theirs in zip(swinging_up, swung, strict=True)],
                0,
                judged=judged,
            ),
            *(measured(f"key to door: {name}", score) for name, score in doors.items()),
            *(measured(f"corridor: {name}", score) for name, score in ways.items()),
            Figure("corridor: the best possible return, exact", stitching.best_stitched()),
            *(measured(f"pendulum: {name}", score) for name, score in swings.items()),
        ),
        arms=tuple(
            Arm(task, name, training.steps, training.steps * batch, tried=TRIED.get((task, name), 1))
            for task, of in zip(("key to door", "corridor", "pendulum"), lengths, strict=True)
            for name, training, batch in (
                (DT, of.sequences, BATCH),
                (HISTORY, of.sequences, BATCH),
                (FILTERED, of.cloning, STEPS_AT_ONCE),
                ("CQL", of.values, STEPS_AT_ONCE),
            )
            if (task, name) != ("pendulum", HISTORY)
        ),
        unequal="Sequence models see whole episodes, the others single steps of them, so that their trainings differ.",
        costs=_costs(),
        notes=(
            "Key to door: the share of new layouts in which the agent reaches the door with the key; one in fifteen "
            "of the random episodes that all agents are trained on does. The best policy always does.",
            "Behaviour cloning of the episodes that earned the reward, one observation at a time, is the baseline to "
            "beat: it sees neither returns nor the past, so that the task shows credit over a long time, not memory.",
            "Half of each batch of all agents but behaviour cloning are episodes that earned the reward, or steps of "
            "them; dropout of tokens and weights keeps sequence models from memorising them.",
            f"{HISTORY} has the network of the Decision Transformer, which is given no returns and tells values.",
            "Corridor: the mean return of long episodes. Pieces of many short episodes have to be combined, which "
            "values can do and returns of single episodes cannot; behaviour cloning of the best tenth goes right as "
            "well, because the best tenth starts at the right and its policy carries over to cells that it has not "
            "seen.",
            "Pendulum: continuous control, by the equations of Gymnasium's Pendulum-v1, a torque held for 0.15 s. "
            "Returns are normalised: 0 is random torques, 100 the controller whose torques, mixed with random ones, "
            "are the data. An observation is the whole state, so that CQL needs no history, and with one torque it "
            "finds the best of nine without an actor. In a trial with another seed, the Decision Transformer was at "
            "57 after 300 steps and at 86 after 1000, which were taken.",
        ),
    )


def _doors(lengths: Lengths, seed: int) -> Scores:
    episodes = keydoor.random_trajectories(lengths.episodes, seed=seed)
    data, steps = episode_batch(episodes), transitions(KEYDOOR, episodes)
    layouts = keydoor.layouts(lengths.played, seed=1000 + seed)

    def play(policy: keydoor.Policy) -> float:
        return float(keydoor.play(layouts, policy).reward.sum(axis=1).mean())

    head = sequence_model(KEYDOOR, data, lengths.sequences, seed=seed)
    scores = {}
    for wanted in (1.0, 0.0):
        for word, drawn in (("greedy", None), ("sampled", seed)):
            scores[f"{DT}, asked for {wanted:g}, {word}"] = play(asking(head, wanted, keydoor.STEPS, sampled=drawn))
    for name, filtered in ((FILTERED, True), (BC, False)):
        network = cloned(KEYDOOR, data, lengths.cloning, seed=seed, filtered=filtered)
        scores[f"{name}, greedy"] = play(reacting(network))
        scores[f"{name}, sampled"] = play(reacting(network, sampled=seed))
    for alpha in ALPHAS:
        scores[f"CQL, alpha {alpha:g}"] = play(reacting(valued(KEYDOOR, steps, alpha, lengths.values, seed=seed)))
    for alpha in ALPHAS:
        head = valued_with_history(KEYDOOR, data, alpha, lengths.sequences, seed=seed)
        scores[f"{HISTORY}, alpha {alpha:g}"] = play(asking(head, None, keydoor.STEPS))
    return {**scores, "random actions, exact": float(keydoor.random_return(layouts).mean())}


def _corridors(lengths: Lengths, seed: int) -> Scores:
    episodes = stitching.random_episodes(lengths.episodes, seed=seed)
    data, steps = episode_batch(episodes), transitions(CORRIDOR, episodes)

    def play(policy: keydoor.Policy) -> float:
        return float(stitching.played(policy, lengths.played, seed=1000 + seed).reward.sum(axis=1).mean())

    head = sequence_model(CORRIDOR, data, lengths.sequences, seed=seed)
    scores = {f"{DT}, asked for {wanted:g}": play(asking(head, wanted, stitching.STEPS)) for wanted in ASKED}
    network = cloned(CORRIDOR, data, lengths.cloning, seed=seed, filtered=True)
    scores[FILTERED] = play(reacting(network))
    for alpha in ALPHAS:
        scores[f"CQL, alpha {alpha:g}"] = play(reacting(valued(CORRIDOR, steps, alpha, lengths.values, seed=seed)))
    for alpha in ALPHAS:
        head = valued_with_history(CORRIDOR, data, alpha, lengths.sequences, seed=seed)
        scores[f"{HISTORY}, alpha {alpha:g}"] = play(asking(head, None, stitching.STEPS))
    return scores


def _swings(lengths: Lengths, seed: int) -> Scores:
    data = swinging.swing_batch(pendulum.mixed_swings(lengths.episodes, seed=seed))

    def earned(policy: pendulum.Policy) -> float:
        return float(pendulum.played(policy, lengths.played, seed=1000 + seed).reward.sum(axis=1).mean())

    generator = np.random.default_rng(seed)
    none = earned(lambda seen, *_: generator.uniform(-1, 1, len(seen)).astype(np.float32))
    whole = earned(pendulum.controller) - none

    def play(policy: pendulum.Policy) -> float:
        return 100 * (earned(policy) - none) / whole

    returns = data["returns"][swinging.most(data), 0]
    head = swinging.sequence_model(data, lengths.sequences, seed=seed)
    wanted = zip(SWUNG, (float(returns.mean()), float(returns.max())), strict=True)
    scores = {f"{DT}, asked for {name}": play(swinging.asking(head, value)) for name, value in wanted}
    for name, filtered in ((FILTERED, True), (BC, False)):
        scores[name] = play(swinging.cloned(data, lengths.cloning, seed=seed, filtered=filtered))
    for alpha in ALPHAS:
        scores[f"CQL, alpha {alpha:g}"] = play(swinging.valued(data, alpha, lengths.values, seed=seed))
    mean = float(data["reward"].sum(1).mean())
    return {**scores, "the data themselves": 100 * (mean - none) / whole}


def _every(runs: list[Scores]) -> dict[str, list[float]]:
    return {name: [run[name] for run in runs] for name in runs[0]}


def _best(of: list[list[float]]) -> list[float]:
    """The best of several agents with each seed."""
    return [max(scores) for scores in zip(*of, strict=True)]


def _costs() -> tuple[CostLine, ...]:
    episodes = keydoor.random_trajectories(64, seed=0)
    data, network = episode_batch(episodes), Reactive(KEYDOOR.sizes, ACTIONS).eval()
    head = sequence_model(KEYDOOR, data, Training(0), seed=0)
    layer = LayerCost(keydoor.STEPS, 0, 2 * (WIDTH**2 + WIDTH * ACTIONS), 0, 0)
    with torch.inference_mode():
        counted = cost(lambda: network(data["observation"]), network, [layer], items=64, repeats=1)
    return (
        cost_line(f"{DT}, {TRUNK.layers} layers", head, data, (3 * keydoor.STEPS,)),
        counts("behaviour cloning and CQL", counted),
    )


CLAIM = Claim(
    number=21,
    id="dt",
    system="Decision Transformer (Chen et al. 2021), beside CQL (Kumar et al. 2020)",
    text="Modelling sequences conditioned on their return needs no values, and is ahead if rewards come late.",
    baseline="Conservative Q-learning; behaviour cloning of all and of the best episodes.",
    seeds=(1, 2, 3),
    run=reproduce,
)
