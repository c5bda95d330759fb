"""Layers of the attention core beside torch's own and those of x-transformers: time and memory.

    pip install x-transformers
    python benchmarks/attention_peers.py [--rounds 10]

Two layers, 256 wide, four heads, inner width 512, layer norm first, ReLU, on one thread of a CPU; where a library has
no such layer, what its documentation offers for it (a mask of all pairs). They take turns; the fastest round of each
counts, in CPU time. Memory is the largest tensor that a forward pass makes. Where x-transformers is not installed it is
skipped.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from deepconsensus_py.attention import AttentionConfig, BiasConfig, BlockLocal, Full, Tokens, Trunk, TrunkConfig
from deepconsensus_py.attention.cost import largest_tensor

D, HEADS, FF, LAYERS = 256, 4, 512, 2
CAUSAL = Full(causal=True)

Run = Callable[[Tensor], Tensor]


def core(pattern: Any, bias: str | None = None, **options: Any) -> Trunk:
    """A trunk of the core."""
    attention = (AttentionConfig(pattern, bias=None if bias is None else BiasConfig(bias)),)
    return Trunk(TrunkConfig(LAYERS, D, HEADS, FF, attention, norm="layer", **{"position": "none", **options})).eval()


def on_tokens(trunk: Trunk) -> Run:
    """A trunk as a function of an array."""
    return lambda x: trunk(Tokens(x))


def of_torch(mask: Tensor | None = None, *, causal: bool = False) -> Run:
    """The encoder of torch; its mask is True where there is no pair."""
    layer = nn.TransformerEncoderLayer(D, HEADS, FF, dropout=0.0, batch_first=True, norm_first=True)
    network = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False).eval()

    def run(x: Tensor) -> Tensor:
        given = nn.Transformer.generate_square_subsequent_mask(x.shape[1]) if causal else mask
        out: Tensor = network(x, mask=given, is_causal=causal)
        return out

    return run


def of_x(*, causal: bool, **options: Any) -> Any:
    """Layers of x-transformers with its fused attention."""
    from x_transformers import Decoder, Encoder  # type: ignore[import-not-found] # noqa: PLC0415

    made: Any = Decoder if causal else Encoder
    sizes = {"dim": D, "depth": LAYERS, "heads": HEADS, "attn_dim_head": D // HEADS, "ff_mult": FF / D}
    return made(**sizes, attn_flash=True, ff_custom_activation=nn.ReLU(), **options).eval()


def decoded(trunk: Trunk, x: Tensor) -> Tensor:
    """Token by token with the cache of the core."""
    cache = trunk.new_cache(x.shape[1])
    return torch.cat([trunk(Tokens(x[:, at : at + 1]), cache=cache) for at in range(x.shape[1])], 1)


def decoded_by_x(layers: Any, x: Tensor) -> Tensor:
    """The same with the cache of x-transformers."""
    outs, cache = [], None
    for at in range(x.shape[1]):
        out, cache = layers(x[:, : at + 1], cache=cache, return_hiddens=True)
        outs.append(out[:, -1:])
    return torch.cat(outs, 1)


def decoded_anew(run: Run, x: Tensor) -> Tensor:
    """The same without a cache."""
    return torch.cat([run(x[:, : at + 1])[:, -1:] for at in range(x.shape[1])], 1)


def cases(*, with_x: bool) -> dict[str, tuple[tuple[int, int], dict[str, Run]]]:
    """Items and tokens, and what computes them, by name of the case."""
    n = 4000
    apart = (torch.arange(n).unsqueeze(-1) - torch.arange(n)).abs() > 12
    steps, alone = core(CAUSAL), of_torch(causal=True)
    # What a mask of numbers does for ALiBi: one table a head.
    slopes = torch.tensor([2.0 ** (-8 * (head + 1) / HEADS) for head in range(HEADS)]).view(-1, 1, 1)
    m = 2000
    offsets = (torch.arange(m).unsqueeze(-1) - torch.arange(m)).abs()
    sloped = (-slopes * offsets).masked_fill(torch.ones(m, m, dtype=torch.bool).triu(1), -math.inf)
    found: dict[str, tuple[tuple[int, int], dict[str, Run]]] = {
        "encoder": ((8, 512), {"core": on_tokens(core(Full())), "torch": of_torch()}),
        "causal": ((1, n), {"core": on_tokens(core(CAUSAL)), "torch": of_torch(causal=True)}),
        "12 tokens on either side": (
            (1, n),
            {"core": on_tokens(core(BlockLocal(20, 12, exact=12))), "torch": of_torch(apart)},
        ),
        "causal, ALiBi": ((1, m), {"core": on_tokens(core(CAUSAL, "alibi")), "torch": of_torch(sloped)}),
        "causal, rotary, one head of keys": ((1, m), {"core": on_tokens(core(CAUSAL, position="rotary", kv_heads=1))}),
        "256 tokens one by one": (
            (1, 256),
            {"core": lambda x: decoded(steps, x), "torch": lambda x: decoded_anew(alone, x)},
        ),
    }
    if with_x:
        sides, steps_x = of_x(causal=False), of_x(causal=True)
        found["encoder"][1]["x-transformers"] = sides
        found["causal"][1]["x-transformers"] = of_x(causal=True)
        found["12 tokens on either side"][1]["x-transformers"] = lambda x: sides(x, attn_mask=~apart)
        found["causal, ALiBi"][1]["x-transformers"] = of_x(causal=True, alibi_pos_bias=True)
        rotary = of_x(causal=True, rotary_pos_emb=True, rotary_emb_dim=D // HEADS, attn_kv_heads=1)
        found["causal, rotary, one head of keys"][1]["x-transformers"] = rotary
        found["256 tokens one by one"][1]["x-transformers"] = lambda x: decoded_by_x(steps_x, x)
    return found


@torch.inference_mode()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = ("core", "torch", "x-transformers")
    print(f"| | items x tokens | {' | '.join(f'{name}, ms' for name in names)} | largest tensor, MiB |")
    print("|---|---|---|---|---|---|")
    for case, (shape, ways) in cases(with_x=find_spec("x_transformers") is not None).items():
        x = torch.randn(*shape, D, generator=torch.Generator().manual_seed(0))
        most = {name: largest_tensor(partial(run, x)) / 2**20 for name, run in ways.items()}
        best = dict.fromkeys(ways, math.inf)
        for turn in range(options.rounds):
            for i in range(len(ways)):
                name = list(ways)[(i + turn) % len(ways)]
                start = time.process_time()
                ways[name](x)
                best[name] = min(best[name], time.process_time() - start)
        times = " | ".join(f"{1000 * best[name]:.1f}" if name in best else "" for name in names)
        sizes = ", ".join(f"{most[name]:.1f}" if name in most else "–" for name in names)
        print(f"| {case} | {shape[0]} x {shape[1]:,} | {times} | {sizes} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
