"""Layers of a Transformer in float32, for inference (compiled).

A sum adds its terms in the same order wherever a row stands, so that the result for an item does not depend on the
batch that it is in. Arrays are C-contiguous; widths are multiples of ``vectors.SIZE``.
"""

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.align.vectors import SIZE, fill, load, store, total
from deepconsensus_py.kernels import kernel

ROWS = 6
"""Rows that a product computes at once: as many sums as 16 vector registers of half the size can hold."""

EPSILON = np.float32(1e-6)
"""Of layer norms, as in ``attention.sublayers``."""

Floats = NDArray[np.float32]


def packed(weights: Floats) -> Floats:
    """Weights ``[outputs, inputs]`` in the order in which ``linear`` reads them, ``[outputs / SIZE, inputs, SIZE]``.

    Outputs are padded with zeros.
    """
    padded = np.pad(weights, ((0, -len(weights) % SIZE), (0, 0)))
    return np.ascontiguousarray(padded.reshape(-1, SIZE, weights.shape[1]).swapaxes(1, 2))


@kernel
def linear(x: Floats, weights: Floats, out: Floats) -> None:
    """Add a matrix product to ``out``, which holds the bias or what is added to otherwise.

    Args:
        x: ``[rows, inputs]``, rows a multiple of ``ROWS``.
        weights: as ``packed`` makes them.
        out: ``[rows, outputs]``, changed.
    """
    rows, inputs = x.shape
    outputs = out.shape[1]
    flat, results = weights.reshape(-1), out.reshape(-1)
    for block in range(len(weights)):
        for row in range(0, rows, ROWS):
            to = row * outputs + block * SIZE
            a, b, c = load(results, to), load(results, to + outputs), load(results, to + 2 * outputs)
            d, e = load(results, to + 3 * outputs), load(results, to + 4 * outputs)
            f = load(results, to + 5 * outputs)
            at = block * inputs * SIZE
            for k in range(inputs):
                column = load(flat, at)
                a = a + x[row, k] * column
                b = b + x[row + 1, k] * column
                c = c + x[row + 2, k] * column
                d = d + x[row + 3, k] * column
                e = e + x[row + 4, k] * column
                f = f + x[row + 5, k] * column
                at += SIZE
            store(results, to, a)
            store(results, to + outputs, b)
            store(results, to + 2 * outputs, c)
            store(results, to + 3 * outputs, d)
            store(results, to + 4 * outputs, e)
            store(results, to + 5 * outputs, f)


@kernel
def layer_norm(x: Floats, scale: Floats, offset: Floats, out: Floats) -> None:
    """Layer norm of each row ``[rows, width]``, into ``out``."""
    rows, width = x.shape
    flat, results = x.reshape(-1), out.reshape(-1)
    for row in range(rows):
        start = row * width
        sums = fill(np.float32(0))
        for k in range(0, width, SIZE):
            sums = sums + load(flat, start + k)
        mean = total(sums) / np.float32(width)
        squares = fill(np.float32(0))
        for k in range(0, width, SIZE):
            apart = load(flat, start + k) + -mean
            squares = squares + apart * apart
        inverse = np.float32(1) / np.sqrt(total(squares) / np.float32(width) + EPSILON)
        for k in range(0, width, SIZE):
            apart = (load(flat, start + k) + -mean) * inverse
            store(results, start + k, apart * load(scale, k) + load(offset, k))


@kernel
def scores(queries: Floats, keys_values: Floats, real: NDArray[np.bool_], out: Floats) -> None:
    """Attention scores, less the highest of each query, so that their exponentials are at most 1.

    Args:
        queries: ``[items * q, d]``, and more rows that are not used.
        keys_values: ``[items * tokens, 2 d]``, likewise.
        real: ``[items, tokens]`` which tokens are keys; the first always is.
        out: ``[items, heads, q, tokens]``; -inf where there is no key.
    """
    items, heads, asking, tokens = out.shape
    d = queries.shape[1]
    width = d // heads
    scale = np.float32(1) / np.sqrt(np.float32(width))
    asked, kept = queries.reshape(-1), keys_values.reshape(-1)
    for item in range(items):
        for head in range(heads):
            for q in range(asking):
                highest = np.float32(-np.inf)
                for token in range(tokens):
                    score = np.float32(-np.inf)
                    if real[item, token]:
                        products = fill(np.float32(0))
                        for k in range(head * width, (head + 1) * width, SIZE):
                            key = load(kept, (item * tokens + token) * 2 * d + k)
                            products = products + load(asked, (item * asking + q) * d + k) * key
                        score = total(products) * scale
                    highest = max(highest, score)
                    out[item, head, q, token] = score
                for token in range(tokens):
                    out[item, head, q, token] -= highest


@kernel
def mix(weights: Floats, keys_values: Floats, out: Floats) -> None:
    """Mean of the values by attention weights.

    Args:
        weights: ``[items, heads, q, tokens]``, exponentials of ``scores``.
        keys_values: ``[items * tokens, 2 d]``, and more rows that are not used.
        out: ``[items * q, d]``, likewise.
    """
    items, heads, asking, tokens = weights.shape
    d = out.shape[1]
    width = d // heads
    kept, results = keys_values.reshape(-1), out.reshape(-1)
    for item in range(items):
        for head in range(heads):
            for q in range(asking):
                weight = np.float32(0)
                for token in range(tokens):
                    weight += weights[item, head, q, token]
                share = np.float32(1) / weight
                for k in range(head * width, (head + 1) * width, SIZE):
                    mixed = fill(np.float32(0))
                    for token in range(tokens):
                        value = load(kept, ((item * tokens + token) * 2 + 1) * d + k)
                        mixed = mixed + weights[item, head, q, token] * value
                    store(results, (item * asking + q) * d + k, mixed * share)
