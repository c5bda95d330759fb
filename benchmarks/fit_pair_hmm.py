"""Fit how evidence becomes probability in the ``pairhmm`` corrector, and how well that holds on held-out molecules.

    python benchmarks/fit_pair_hmm.py [--shared DIR] [--subsets 8] [--seed 1] [--write]

Every molecule with truth is refined from its CCS read with all passes, and from drafts made of random subsets of its
passes; the homopolymers of all refined drafts, labelled by the truth, are the data. With ``--write`` the result goes
into the package (``edits/pair_hmm.json``).
"""

import argparse
import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from reads import SHARED, KnownMolecule, known_molecules, redrafted

from deepconsensus_py import edits
from deepconsensus_py.align.passes import align_passes, align_zmw
from deepconsensus_py.edits.classes import EDITED, LETTER, NAMES, REMOVED
from deepconsensus_py.edits.labels import label_homopolymers
from deepconsensus_py.edits.pair_hmm import encode_evidence
from deepconsensus_py.edits.repeats import find_homopolymers
from deepconsensus_py.edits.tokens import SCORE_STEP
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw

SETS = ("human_1m", "human_bases_only")
END = 50
"""Draft bases at either end where the truth may begin or end."""
FEWEST_PASSES = 3
"""One pass agrees with a draft made of it, two have no majority."""
CANDIDATE = -12.0
"""Nats; homopolymers whose best edit has less evidence tell nothing about slopes."""
FORESEEN = 1e-5
"""Least probability of any label: a truth that is wrong somewhere must not decide slopes."""
CLAMP = (-1000.0, 40.0)


class Homopolymers(NamedTuple):
    """Labelled homopolymers of one refined draft."""

    molecule: str
    evidence: NDArray[np.float64]
    label: NDArray[np.int64]
    right: NDArray[np.bool_]
    given: bool


def subset(zmw: Zmw, size: int, rng: np.random.Generator) -> Zmw:
    """A draft of some of the passes, with these passes."""
    long = [p for p in zmw.passes if len(p.bases) > len(zmw.draft.bases) / 3]
    chosen = sorted(rng.choice(len(long), min(size, len(long)), replace=False))
    return redrafted(zmw, [long[i] for i in chosen])


def labelled(zmw: Zmw, truth: NDArray[np.uint8], *, given: bool) -> Homopolymers | None:
    """Refine a molecule and label its homopolymers."""
    try:
        features = encode_evidence(align_zmw(zmw))
    except MoleculeError as fault:
        print(fault)
        return None
    draft = features.layout["draft"]
    (aligned,) = align_passes(Draft("truth", draft, None), [Pass("truth", truth, None, None, None)])
    if aligned is None or aligned.alignment is None:
        return None
    homopolymers = find_homopolymers(draft)
    labels = label_homopolymers(draft, homopolymers, aligned.bases, aligned.alignment)
    inner = (homopolymers.start >= END) & (homopolymers.stop <= len(draft) - END)
    return Homopolymers(
        zmw.name.split("/")[1],
        features.inputs["evidence"][inner] * SCORE_STEP,
        labels.classes[inner].astype(np.int64),
        (labels.exact & (labels.classes == 0))[inner],
        given,
    )


def job(task: tuple[KnownMolecule, int, int]) -> Homopolymers | None:
    """Refine the CCS read (size 0), or a draft of some passes."""
    known, size, seed = task
    zmw = subset(known.zmw, size, np.random.default_rng(seed)) if size else known.zmw
    return labelled(zmw, known.truth, given=size == 0)


class Fitted(NamedTuple):
    """Slope and offset of each edit; replaced bases, of which there are few, have one pair."""

    slope: torch.Tensor
    offset: torch.Tensor


_REPLACED = torch.tensor(((LETTER > 0) & (REMOVED > 0))[1:])
_SHARED = torch.arange(EDITED).where(~_REPLACED, _REPLACED.nonzero().min())
"""Whose numbers each edit has."""

FIRST_GUESS = Fitted(*(torch.full((EDITED,), start, dtype=torch.float64) for start in (0.8, -1.0)))


def fit(data: list[Homopolymers]) -> Fitted:
    """Fit to all drafts, then lean that to the CCS reads, which are what is polished and of which there are few."""
    both = _fit([homopolymers for homopolymers in data if homopolymers.given], _fit(data, FIRST_GUESS, pull=1), pull=10)
    return Fitted(both.slope[_SHARED], both.offset[_SHARED])


def _fit(data: list[Homopolymers], start: Fitted, pull: float) -> Fitted:
    """Maximum likelihood with a pull to the start; every molecule weighs the same."""
    evidence, label, weight = [], [], []
    for homopolymers in data:
        near = (homopolymers.evidence.max(axis=1) > CANDIDATE) | (homopolymers.label > 0)
        evidence.append(homopolymers.evidence[near])
        label.append(homopolymers.label[near])
        weight.append(np.full(near.sum(), 1 / sum(other.molecule == homopolymers.molecule for other in data)))
    x = torch.tensor(np.concatenate(evidence)).clamp(*CLAMP)
    y, w = torch.tensor(np.concatenate(label)), torch.tensor(np.concatenate(weight))
    slope, offset = (part.clone().requires_grad_() for part in start)
    optimiser = torch.optim.LBFGS([slope, offset], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = (w * _surprise(_scores(x, slope[_SHARED], offset[_SHARED]), y)).sum()
        value = value + pull * ((slope - start.slope).square().sum() + (offset - start.offset).square().sum())
        value.backward()
        return value

    optimiser.step(loss)
    return Fitted(slope.detach(), offset.detach())


def _scores(x: torch.Tensor, slope: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    return torch.cat([torch.zeros(len(x), 1, dtype=torch.float64), x * slope + offset], dim=1)


def _surprise(scores: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Nats of each label."""
    nats = torch.nn.functional.cross_entropy(scores, label, reduction="none")
    return -torch.logaddexp(-nats, torch.tensor(FORESEEN, dtype=torch.float64).log())


def loss_of(homopolymers: Homopolymers, slope: torch.Tensor, offset: torch.Tensor) -> float:
    scores = _scores(torch.tensor(homopolymers.evidence).clamp(*CLAMP), slope, offset)
    return float(_surprise(scores, torch.tensor(homopolymers.label)).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--subsets", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    tasks = []
    for name in SETS:
        for known in known_molecules(name, args.shared):
            sizes = [0, *(int(rng.integers(FEWEST_PASSES, len(known.zmw.passes) + 1)) for _ in range(args.subsets))]
            tasks += [(known, size, int(rng.integers(2**31))) for size in sizes]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        data = [homopolymers for homopolymers in pool.map(job, tasks) if homopolymers is not None]
    print(
        f"{len(data)} refined drafts, {sum(len(homopolymers.label) for homopolymers in data)} homopolymers, "
        f"{sum((~homopolymers.right).sum() for homopolymers in data)} of them wrong"
    )
    held = held_given = 0.0
    for name in sorted({homopolymers.molecule for homopolymers in data}):
        slope, offset = fit([homopolymers for homopolymers in data if homopolymers.molecule != name])
        own = sum(loss_of(homopolymers, slope, offset) for homopolymers in data if homopolymers.molecule == name)
        held += own
        held_given += sum(
            loss_of(homopolymers, slope, offset)
            for homopolymers in data
            if homopolymers.molecule == name and homopolymers.given
        )
        print(f"held out {name}: {own:8.1f} nats")
    slope, offset = fit(data)
    inside = sum(loss_of(homopolymers, slope, offset) for homopolymers in data)
    print(f"held out {held:.1f} nats in all, {held_given:.1f} of the CCS reads; fitted to all {inside:.1f}")
    result = {
        "source": "benchmarks/fit_pair_hmm.py on Sequel HG002 molecules; see docs/accuracy.md",
        "edits": {
            edit: {"slope": round(float(s), 3), "offset": round(float(o), 3)}
            for edit, s, o in zip(NAMES[1:], slope, offset, strict=True)
        },
    }
    print(json.dumps(result, indent=1))
    if args.write:
        Path(edits.__path__[0], "pair_hmm.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
