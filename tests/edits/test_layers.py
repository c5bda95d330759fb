"""Compiled layers: each equals the same thing written plainly, wherever its rows stand."""

import numpy as np
import pytest

from deepconsensus_py.align.vectors import SIZE
from deepconsensus_py.edits.layers import EPSILON, ROWS, layer_norm, linear, mix, packed, scores

CLOSE = 1e-5


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, SIZE), (77, 4 * SIZE), (64, SIZE + 2)])
def test_a_product_is_added(inputs: int, outputs: int) -> None:
    x, weights = random(2 * ROWS, inputs), random(outputs, inputs)
    before = random(2 * ROWS, outputs + -outputs % SIZE)
    out = before.copy()
    linear(x, packed(weights), out)
    assert np.abs(out[:, :outputs] - before[:, :outputs] - x @ weights.T).max() < CLOSE * inputs
    assert (out[:, outputs:] == before[:, outputs:]).all()


def test_a_row_has_the_same_product_anywhere() -> None:
    x, weights = random(5 * ROWS, 70), packed(random(2 * SIZE, 70))
    out, turned = (np.zeros((len(x), 2 * SIZE), np.float32) for _ in range(2))
    linear(x, weights, out)
    linear(np.ascontiguousarray(x[::-1]), weights, turned)
    assert (turned[::-1] == out).all()


def test_rows_are_normalised() -> None:
    x, scale, offset = 5 * random(7, 3 * SIZE) + 2, random(3 * SIZE), random(SIZE, 3)[:, 0].repeat(3)
    out = np.empty_like(x)
    layer_norm(x, scale, offset, out)
    wanted = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + EPSILON) * scale + offset
    assert np.abs(out - wanted).max() < CLOSE


@pytest.mark.parametrize(("heads", "width", "asking"), [(1, SIZE, 5), (3, SIZE, 1), (2, 2 * SIZE, 5)])
def test_attention_is_that_of_its_definition(heads: int, width: int, asking: int) -> None:
    items, tokens, d = 4, 5, heads * width
    queries, kept = random(items * asking, d), random(items * tokens, 2 * d)
    real = np.random.default_rng(1).random((items, tokens)) < 0.6
    real[:, 0] = True
    weights, out = np.empty((items, heads, asking, tokens), np.float32), np.empty_like(queries)
    scores(queries, kept, real, weights)
    assert weights.max() == 0
    mix(np.exp(weights), kept, out)
    q = queries.reshape(items, asking, heads, width)
    k, v = kept.reshape(items, tokens, 2, heads, width).transpose(2, 0, 1, 3, 4)
    plain = np.einsum("nqhd,nkhd->nhqk", q, k) / np.sqrt(width)
    shares = np.exp(plain) * real[:, None, None]
    shares /= shares.sum(-1, keepdims=True)
    assert np.abs(out.reshape(q.shape) - np.einsum("nhqk,nkhd->nqhd", shares, v)).max() < CLOSE
