"""Explain networks: attention maps, rollout, occlusion.

Attention weights show where layers look, which does not imply that a token matters (Jain and Wallace 2019). Occlusion,
the output without a token, shows what does.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import core
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.tokens import Tokens


@contextmanager
def recorded_maps(network: nn.Module) -> Iterator[list[Tensor]]:
    """Record all attention weights of a network while it runs.

    Args:
        network: with ``MultiHead`` layers.

    Yields:
        A list that grows by ``float[B, h, n, n]`` (queries, keys) with every layer that runs, in order.
    """
    maps: list[Tensor] = []

    def record(layer: nn.Module, given: tuple[Any, ...], _: Tensor) -> None:
        assert isinstance(layer, MultiHead)
        maps.append(attention_map(layer, *given[:3]))

    layers = [layer for layer in network.modules() if isinstance(layer, MultiHead)]
    hooks = [layer.register_forward_hook(record) for layer in layers]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


def attention_map(layer: MultiHead, x: Tensor, tokens: Tokens | None = None, memory: Tokens | None = None) -> Tensor:
    """The weights ``[B, h, n, n_k]`` by which a layer mixes tokens, or a memory; arguments as those of the layer."""
    where = Tokens(x) if tokens is None else tokens
    keyed = where if memory is None else memory
    q = layer.queries(x, where.coords)
    k = layer.keys(x, where.coords) if memory is None else layer.keys(memory.x)
    maps: list[Tensor] = []
    core.attend(
        *(q, k, k),
        pattern=layer.pattern,
        bias=layer.bias,
        coords_q=where.coords,
        coords_k=keyed.coords,
        mask=keyed.mask,
        edges=where.edges,
        backend="dense",
        need_weights=maps,
    )
    return maps[0]


def rollout(maps: Sequence[Tensor]) -> Tensor:
    """Attention through all layers: half of each token comes from its own residual (Abnar and Zuidema 2020).

    Args:
        maps: of successive layers, ``[B, h, n, n]`` each; heads are averaged.

    Returns:
        ``[B, n, n]``, rows that sum to 1: the share of each token's output from each token's input.
    """
    stay = torch.eye(maps[0].shape[-1], device=maps[0].device)
    rolled = stay.expand(len(maps[0]), *stay.shape)
    for weights in maps:
        rolled = (weights.mean(dim=1) + stay) / 2 @ rolled
    return rolled


def occlusion(score: Callable[[Tensor], Tensor], tokens: int) -> Tensor:
    """Decrease of a score when each token is removed.

    Args:
        score: from ``bool[tokens]``, the tokens to keep, to ``float[...]``.
        tokens: number of tokens.

    Returns:
        ``float[..., tokens]``; positive where the token supports the output.
    """
    everything = score(torch.ones(tokens, dtype=torch.bool))
    without = [everything - score(torch.arange(tokens) != token) for token in range(tokens)]
    return torch.stack(without, dim=-1) if without else everything.unsqueeze(-1)[..., :0]
