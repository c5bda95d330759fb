"""Check the arguments of attention: torch would silently broadcast, wrap or misread wrong ones."""

import torch
from torch import Tensor


def check_shapes(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    coords: tuple[Tensor | None, Tensor | None],
    *,
    mask: Tensor | None,
    edges: Tensor | None,
) -> None:
    """Check the arguments of ``core.attend``.

    Raises:
        ValueError: sizes or types do not match.
    """
    if not q.dim() == k.dim() == v.dim() == 4:
        raise ValueError(f"queries, keys and values are [B, h, n, d], not {_shape(q)}, {_shape(k)} and {_shape(v)}")
    items, heads, n_q, d = q.shape
    n_k = k.shape[2]
    if k.shape[::3] != (items, d) or v.shape[:3] != k.shape[:3]:
        raise ValueError(f"queries {_shape(q)}, keys {_shape(k)} and values {_shape(v)} do not fit together")
    if not k.shape[1] or heads % k.shape[1]:
        raise ValueError(f"{heads} heads of queries cannot share {k.shape[1]} heads of keys and values")
    for of, n, given in zip(("queries", "keys"), (n_q, n_k), coords, strict=True):
        if given is None:
            continue
        if given.shape[:-1] not in {(n,), (items, n)} or given.dtype != torch.int64:
            raise ValueError(
                f"coordinates of {of} are int64[{n}, dims] or int64[{items}, {n}, dims], not {_shape(given)}"
            )
    if mask is not None and (mask.shape != (items, n_k) or mask.dtype != torch.bool):
        raise ValueError(f"the mask of keys is bool[{items}, {n_k}], not {_shape(mask)}")
    if edges is not None and (edges.dim() != 3 or len(edges) != items):
        raise ValueError(f"edges are int64[{items}, e, 3], not {_shape(edges)}")


def check_axes(pattern: object, bias: object, coords: tuple[Tensor | None, Tensor | None]) -> None:
    """Check that coordinates have the axes that a pattern and a bias go by: counted tokens have one.

    Args:
        pattern: its ``blocks`` are one an axis, if it has any.
        bias: it reads as many of the last axes as it has ``reaches``, if it has any.
        coords: of the queries and of the keys.

    Raises:
        ValueError: they have others, or are not there.
    """
    of_pattern, of_bias = len(getattr(pattern, "blocks", ())), len(getattr(bias, "reaches", ()))
    for of, given in zip(("queries", "keys"), coords, strict=True):
        axes = 1 if given is None else given.shape[-1]
        they = f"coordinates of {of} are counted, which is one axis" if given is None else f"coordinates of {of} have"
        if of_pattern and axes != of_pattern:
            raise ValueError(f"{they}{'' if given is None else f' {axes} axes'}, and the pattern {of_pattern}")
        if axes < of_bias:
            raise ValueError(f"{they}{'' if given is None else f' {axes} axes'}, and the bias reads {of_bias}")


def real_edges(edges: Tensor | None, n_q: int, n_k: int, *, types: int | None = None) -> Tensor:
    """Which rows are edges and which are padding, ``bool[B, e]``.

    Args:
        edges: ``int64[B, e, 3]`` of (query, key, type) by token index; in padding, query or key is below 0.
        n_q: queries.
        n_k: keys.
        types: number of edge types, if used.

    Raises:
        ValueError: there are none, or one refers to a missing token or unknown type.
    """
    if edges is None:
        raise ValueError("this pattern or bias reads the edges of a graph, and none were given")
    if edges.shape[-1] != 3 or edges.dtype != torch.int64:
        raise ValueError(f"edges are int64[B, e, 3], not {_shape(edges)}")
    real = (edges[..., :2] >= 0).all(-1)
    astray = real & ((edges[..., 0] >= n_q) | (edges[..., 1] >= n_k))
    if astray.any():
        raise ValueError(
            f"edge {_first(edges, astray)} (query, key, type) joins a token that is not there: there are {n_q} queries "
            f"and {n_k} keys, counted from 0"
        )
    if types is not None:
        unknown = real & ((edges[..., 2] < 0) | (edges[..., 2] >= types))
        if unknown.any():
            raise ValueError(f"edge {_first(edges, unknown)} (query, key, type) is of none of the {types} types")
    return real


def _first(edges: Tensor, which: Tensor) -> tuple[int, ...]:
    return tuple(edges[which][0].tolist())


def _shape(x: Tensor) -> str:
    return f"{str(x.dtype).removeprefix('torch.')}{list(x.shape)}"
