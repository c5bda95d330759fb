"""Where a network looks, and what its answer hangs on: attention maps, rollout, occlusion.

Weights say where layers look; that a token is looked at does not make it matter (Jain and Wallace 2019). Only
occlusion, the answer without the token, says what does.
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
    """Record the weights of all attention in a network while it runs.

    Args:
        network: holds ``MultiHead`` layers.

    Yields:
        A list that grows by ``float[B, h, n, n]`` (queries, keys) with every layer that runs, in their order.
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
    q, k = layer.split(layer.query(x)), layer.split(layer.key(x if memory is None else memory.x))
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
        ``[B, n, n]``, rows that add up to 1: how much of each token's output comes from each token's input.
    """
    stay = torch.eye(maps[0].shape[-1], device=maps[0].device)
    rolled = stay.expand(len(maps[0]), *stay.shape)
    for weights in maps:
        rolled = (weights.mean(dim=1) + stay) / 2 @ rolled
    return rolled


def occlusion(score: Callable[[Tensor], Tensor], tokens: int) -> Tensor:
    """How much a score falls when each token is left out.

    Args:
        score: from ``bool[tokens]``, which tokens are there, to ``float[...]``.
        tokens: how many there are.

    Returns:
        ``float[..., tokens]``; positive where the token speaks for the answer.
    """
    everything = score(torch.ones(tokens, dtype=torch.bool))
    without = [everything - score(torch.arange(tokens) != token) for token in range(tokens)]
    return torch.stack(without, dim=-1) if without else everything.unsqueeze(-1)[..., :0]
