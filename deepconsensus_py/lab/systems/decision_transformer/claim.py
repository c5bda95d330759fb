"""The claim of the Decision Transformer: ahead of Q-learning if rewards come late, behind if paths must be combined."""

from dataclasses import asdict, dataclass
from statistics import mean

import torch

from deepconsensus_py.attention.cost import LayerCost, cost
from deepconsensus_py.lab.claim import Claim, CostLine, Figure, Shown, Size, at_least, at_most
from deepconsensus_py.lab.costs import cost_line
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.systems.decision_transformer import keydoor, stitching
from deepconsensus_py.lab.systems.decision_transformer.agents import (
    ACTIONS,
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
)
from deepconsensus_py.lab.systems.decision_transformer.offline import WIDTH, Reactive

ALPHAS = (1.0, 0.01)
"""Weights of the conservative term of CQL; the better of the two is compared."""

DT, BC, FILTERED = "Decision Transformer", "behaviour cloning", "filtered behaviour cloning"
ASKED = (8.0, 2.4)
"""Returns asked for in the corridor: the best of the data, and the best from the start."""

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
FAST = Lengths(300, Training(3), Training(20), Training(20), 8)


def reproduce(size: Size) -> Shown:
    """Train all agents on the same episodes, and let them play in the same new layouts."""
    doors = _mean([_doors(FAST if size.fast else FULL, seed) for seed in size.seeds])
    ways = _mean([_corridors(FAST if size.fast else CORRIDORS, seed) for seed in size.seeds])
    judged, values = not size.fast, max(doors[f"CQL, alpha {alpha:g}"] for alpha in ALPHAS)
    asked, joined = doors[f"{DT}, asked for 1, greedy"], max(ways[f"CQL, alpha {alpha:g}"] for alpha in ALPHAS)
    sequence = max(ways[f"{DT}, asked for {wanted:g}"] for wanted in ASKED)
    others = [Figure(f"key to door: {name}", score) for name, score in doors.items()]
    return Shown(
        figures=(
            at_least("key to door: Decision Transformer asked for 1", asked, 0.60, baseline=values, judged=judged),
            Figure(
                "key to door: Decision Transformer asked for 1, over the best CQL",
                asked / max(values, 1e-9),
                1.0,
                ">= 3",
                asked >= 3 * values if judged else None,
            ),
            at_most("key to door: asked for 0", doors[f"{DT}, asked for 0, greedy"], 0.10, judged=judged),
            Figure(
                "corridor: return of the best CQL",
                joined,
                sequence,
                "> the Decision Transformer's",
                joined > sequence if judged else None,
            ),
            *others,
            *(Figure(f"corridor: {name}", score) for name, score in ways.items()),
            Figure("corridor: the best possible return, exact", stitching.best_stitched()),
        ),
        costs=_costs(),
        notes=(
            "Key to door: the share of new layouts in which the agent reaches the door with the key; one in fifteen "
            "of the random episodes that all agents are trained on does. The best policy always does.",
            "Behaviour cloning of the episodes that earned the reward, one observation at a time, is the baseline to "
            "beat: it sees neither returns nor the past, so that the task shows credit over a long time, not memory.",
            "Half of each batch of the Decision Transformer are episodes that earned the reward; dropout of tokens "
            "and weights keeps it from memorising them.",
            "CQL has no history; a variant with history was not run.",
            "Corridor: the mean return of long episodes. Pieces of many short episodes have to be combined, which "
            "values can do and returns of single episodes cannot; behaviour cloning of the best tenth goes right as "
            "well, because the best tenth starts at the right and its policy carries over to cells that it has not "
            "seen.",
            "Continuous control was not run.",
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
    return scores


def _mean(runs: list[Scores]) -> Scores:
    return {name: mean(run[name] for run in runs) for name in runs[0]}


def _costs() -> tuple[CostLine, ...]:
    episodes = keydoor.random_trajectories(64, seed=0)
    data, network = episode_batch(episodes), Reactive(KEYDOOR.sizes, ACTIONS).eval()
    head = sequence_model(KEYDOOR, data, Training(0), seed=0)
    layer = LayerCost(keydoor.STEPS, 0, 2 * (WIDTH**2 + WIDTH * ACTIONS), 0, 0)
    with torch.inference_mode():
        counted = cost(lambda: network(data["observation"]), network, [layer], items=64, repeats=3)
    return (
        cost_line(f"{DT}, {TRUNK.layers} layers", head, data, (3 * keydoor.STEPS,)),
        CostLine("behaviour cloning and CQL", asdict(counted)),
    )


CLAIM = Claim(
    number=21,
    id="dt",
    system="Decision Transformer (Chen et al. 2021), beside CQL (Kumar et al. 2020)",
    text="Modelling sequences conditioned on their return needs no values, and is ahead if rewards come late.",
    baseline="Conservative Q-learning; behaviour cloning of all and of the best episodes.",
    on_reads="A polisher that is asked for a quality: the state is a partial consensus, the return the quality of "
    "the read.",
    seeds=(1, 2),
    run=reproduce,
)
