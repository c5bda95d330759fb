"""Partial-order graphs of the passes of simulated molecules, with their truth."""

import re

import edlib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.heads.graph import SYMBOLS
from deepconsensus_py.lab.reads import windows_of

LENGTH = (1500, 2500)
COLUMNS = 20
FORWARD, REVERSE = 1, 2
"""Codes of strands; 0 is no pass."""

LOOP, COLUMN, AFTER, BEFORE = 0, 1, 2, 5
"""Types of edges: to itself; within the column; to a symbol of the next and of the previous column, three types each,
by the share of passes that go there, in thirds."""


def pass_graphs(molecules: int, *, passes: tuple[int, int], most: int, seed: int) -> dict[str, Tensor]:
    """Graphs of 20 columns each, of simulated Sequel molecules.

    Args:
        molecules: how many.
        passes: fewest and most full passes.
        most: most passes that are used, full and partial.
        seed: of the molecules.

    Returns:
        A batch for ``heads.graph.PassGraphHead``, and ``vote``, the symbol that most passes have in each column.
    """
    windows = windows_of(molecules, length=LENGTH, passes=passes, max_passes=most, seed=seed)
    bases, strands, labels = (windows[name].numpy() for name in ("bases", "strands", "labels"))
    whole = support_of(bases, strands).sum(axis=1)
    truth = np.stack([laid_out(*one) for one in zip(labels, whole, strict=True)])
    parts = bases.shape[2] // COLUMNS
    cut = bases.reshape(-1, most, parts, COLUMNS).swapaxes(1, 2).reshape(-1, most, COLUMNS)
    return graphs_of(cut, np.repeat(strands, parts, axis=0)) | {"truth": torch.from_numpy(truth.reshape(-1, COLUMNS))}


def support_of(bases: NDArray[np.uint8], strands: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``[count, passes, columns, SYMBOLS]``: 1 for the symbol that a pass has."""
    support: NDArray[np.float32] = np.eye(SYMBOLS, dtype=np.float32)[bases] * (strands > 0)[..., None, None]
    return support


def laid_out(truth: NDArray[np.uint8], support: NDArray[np.float32]) -> NDArray[np.int64]:
    """The true bases of a window in its columns, by alignment to the majority of the passes.

    A base that the majority lacks goes to the column between its neighbours in which most passes have it.

    Args:
        truth: ``[columns]`` bases, padded with gaps.
        support: ``[columns, SYMBOLS]`` number of passes with each symbol.
    """
    vote = support.argmax(axis=1)
    (voted,) = np.nonzero(vote)
    bases = truth[truth > 0]
    # edlib takes any letters: the codes will do.
    cigar = edlib.align(bases.tobytes(), vote[voted].astype(np.uint8).tobytes(), task="path")["cigar"] or ""
    placed, at, base = np.zeros(len(vote), dtype=np.int64), 0, 0
    for count, kind in re.findall(r"(\d+)([=XID])", cigar):
        for _ in range(int(count)):
            if kind == "I":
                first, end = voted[at - 1] + 1 if at else 0, voted[at] if at < len(voted) else len(vote)
                free = first + np.flatnonzero(placed[first:end] == 0)
                after = free[free > max(np.flatnonzero(placed), default=-1)]
                if len(after):
                    placed[after[support[after, bases[base]].argmax()]] = bases[base]
            elif kind != "D":
                placed[voted[at]] = bases[base]
            at, base = at + (kind != "I"), base + (kind != "D")
    return placed


def graphs_of(bases: NDArray[np.uint8], strands: NDArray[np.uint8]) -> dict[str, Tensor]:
    """Graphs of aligned passes.

    Args:
        bases: ``[count, passes, columns]`` of 0, the gap, to 4.
        strands: ``[count, passes]``, 0 for no pass.
    """
    here = support_of(bases, strands)
    support = here.sum(axis=1)
    total = np.maximum((strands > 0).sum(axis=1), 1)[:, None, None]
    shares = [np.einsum("cplk,cp->clk", here, (strands == side).astype(np.float32)) for side in (FORWARD, REVERSE)]
    steps = np.einsum("cpla,cplb->clab", here[:, :, :-1], here[:, :, 1:]) / total[..., None]
    edges = _edges(support > 0, steps)
    return {
        "shares": torch.from_numpy(np.stack([share / total for share in shares], axis=-1, dtype=np.float32)).flatten(
            1, 2
        ),
        "mask": torch.from_numpy(support.reshape(len(bases), -1) > 0),
        "edges": torch.from_numpy(edges),
        "vote": torch.from_numpy(support.argmax(axis=-1)),
    }


def _edges(there: NDArray[np.bool_], steps: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows (node, node, type) of all pairs that could be joined, -1 if they are not."""
    columns = there.shape[1]
    node = np.arange(columns * SYMBOLS).reshape(columns, SYMBOLS)
    within = there[:, :, :, None] & there[:, :, None]
    kind = np.where(np.eye(SYMBOLS, dtype=bool), LOOP, COLUMN)
    rows = [_rows(node[:, :, None], node[:, None], np.broadcast_to(kind, within.shape), within)]
    third = np.minimum((3 * steps).astype(np.int64), 2)
    first, second = node[:-1, :, None], node[1:, None]
    rows.append(_rows(first, second, AFTER + third, steps > 0))
    rows.append(_rows(second, first, BEFORE + third, steps > 0))
    return np.concatenate(rows, axis=1)


def _rows(
    first: NDArray[np.int64], second: NDArray[np.int64], kind: NDArray[np.int64], joined: NDArray[np.bool_]
) -> NDArray[np.int64]:
    pairs = np.broadcast_arrays(first, second)
    made = np.stack([*(np.broadcast_to(one, joined.shape) for one in pairs), kind], axis=-1)
    return np.where(joined[..., None], made, -1).reshape(len(joined), -1, 3).astype(np.int64)
