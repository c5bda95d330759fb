"""The attention core beside the fastest way to the same result in torch alone, on one thread of a CPU.

    python benchmarks/attention.py [--only NAME ...] [--rounds 30] [--flex]
    python benchmarks/attention.py --table

Each case is computed by the core (`attend`, backend auto) and by several formulations in plain torch, from heads that
lie side by side in their tokens and back to these, as in a layer. They take turns, the first to go moves on each round,
and the fastest round of each counts, in CPU time. The ratio is the core's time over that of the fastest formulation.
All are checked to agree. `--table` prints the time of plain products over that of the fused kernel by width, batch and
length, from which `auto` is made (`attention/plan.py`).
"""

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from deepconsensus_py.attention import BlockLocal, Full, Shaw, attend
from deepconsensus_py.attention.cost import largest_tensor

REACH = 16
SECONDS = 20.0
"""Of all formulations of a case, beyond which no further round starts, after three."""

Formulation = Callable[[Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Case:
    """The same attention in several formulations.

    Attributes:
        shape: items, heads, tokens, width of a head.
        core: by the attention core.
        torch: by plain torch, by name.
    """

    shape: tuple[int, int, int, int]
    core: Formulation
    torch: Mapping[str, Formulation]


def band(n: int, width: int) -> Tensor:
    """Pairs at most so many tokens apart, ``bool[n, n]``."""
    places = torch.arange(n)
    return (places[:, None] - places).abs() <= width


def added(allowed: Tensor) -> Tensor:
    """The same as numbers to add to scores."""
    return torch.zeros(allowed.shape).masked_fill(~allowed, -math.inf)


def plain(mask: Tensor | None = None) -> Formulation:
    """Two products and a softmax."""

    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        return (scores if mask is None else scores + mask).softmax(-1) @ v

    return run


def fused(mask: Tensor | None = None, *, causal: bool = False) -> Formulation:
    """The fused kernel."""
    return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)


def flex(n: int, *, causal: bool) -> Formulation:
    """Flex attention, compiled; a causal mask or a band of 12."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention  # noqa: PLC0415

    def met(item: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:  # noqa: ARG001
        return j <= i if causal else (i - j).abs() <= 12

    compiled, blocks = torch.compile(flex_attention), create_block_mask(met, None, None, n, n, device="cpu")
    return lambda q, k, v: compiled(q, k, v, block_mask=blocks)


def shaw(bias: Shaw, n: int, *, by: str) -> Formulation:
    """Products with the table of offsets, looked up for all pairs by an index made once."""
    places, table = torch.arange(n), bias.tables[0]
    offsets = (places - places[:, None]).clamp(-REACH, REACH) + REACH

    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        term = (q @ table.T).gather(-1, offsets.expand(*q.shape[:2], n, n)) / math.sqrt(q.shape[-1])
        return (fused(term) if by == "fused" else plain(term))(q, k, v)

    return run


def cases(*, with_flex: bool) -> dict[str, Callable[[], Case]]:
    """What is compared, made when it is its turn."""

    def causal(shape: tuple[int, int, int, int]) -> Case:
        n = shape[2]
        more = {"flex": flex(n, causal=True)} if with_flex and n > 256 else {}
        rivals = {"fused, is_causal": fused(causal=True), **more}
        return Case(shape, lambda q, k, v: attend(q, k, v, pattern=Full(causal=True)), rivals)

    def full(shape: tuple[int, int, int, int]) -> Case:
        return Case(shape, lambda q, k, v: attend(q, k, v, pattern=Full()), {"fused": fused(), "plain": plain()})

    def banded(shape: tuple[int, int, int, int]) -> Case:
        allowed, n = band(shape[2], 12), shape[2]
        more = {"flex": flex(n, causal=False)} if with_flex and n > 256 else {}
        numbers = added(allowed)
        rivals = {"fused, bool": fused(allowed), "fused, float": fused(numbers), "plain": plain(numbers), **more}
        pattern = BlockLocal(20, 12, exact=12)
        return Case(shape, lambda q, k, v: attend(q, k, v, pattern=pattern), rivals)

    def relative(shape: tuple[int, int, int, int]) -> Case:
        bias = Shaw(shape[3], REACH)
        rivals = {f"look-up, {by}": shaw(bias, shape[2], by=by) for by in ("fused", "plain")}
        return Case(shape, lambda q, k, v: attend(q, k, v, pattern=Full(), bias=bias), rivals)

    return {
        "causal, 100": lambda: causal((32, 4, 100, 16)),
        "causal, 1,000": lambda: causal((1, 4, 1000, 64)),
        "causal, 12,000": lambda: causal((1, 2, 12_000, 32)),
        "band 12, 100": lambda: banded((32, 2, 100, 140)),
        "band 12, 100, narrow": lambda: banded((32, 4, 100, 16)),
        "band 12, 12,000": lambda: banded((1, 2, 12_000, 32)),
        "Shaw, 100": lambda: relative((32, 4, 100, 16)),
        "Shaw, 300": lambda: relative((8, 4, 300, 32)),
        "Shaw, 1,000": lambda: relative((1, 4, 1000, 32)),
        "full, 100": lambda: full((32, 2, 100, 140)),
        "full, 100, narrow": lambda: full((32, 4, 100, 16)),
        "full, 1,000": lambda: full((1, 4, 1000, 64)),
    }


def measure(case: Case, rounds: int, *, backward: bool) -> dict[str, float]:
    """CPU seconds of the fastest round of each formulation, the core's under ``core``."""
    random = torch.Generator().manual_seed(0)
    items, heads, n, d = case.shape
    given = [torch.randn(items, n, heads * d, generator=random, requires_grad=backward) for _ in range(3)]
    ways = {"core": case.core, **case.torch}
    with torch.set_grad_enabled(backward):
        # The compiled kernel of a CPU has no gradients.
        outs = {
            name: mixed(way, given, heads).detach() for name, way in ways.items() if not (backward and name == "flex")
        }
    for name, out in outs.items():
        if (apart := float((out - outs["core"]).abs().max())) > 1e-5:
            raise SystemExit(f"{name} differs from the core by {apart:.1e}")
    best, names, started = dict.fromkeys(outs, math.inf), list(outs), time.process_time()
    for turn in range(rounds):
        if turn >= 3 and time.process_time() - started > SECONDS:
            break
        for i in range(len(names)):
            name = names[(i + turn) % len(names)]
            best[name] = min(best[name], _seconds(ways[name], given, heads, backward=backward))
    return best


def mixed(way: Formulation, given: Sequence[Tensor], heads: int) -> Tensor:
    """Queries, keys and values ``[B, n, h d]``, split into heads as in a layer, to the same."""
    return way(*(x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in given)).transpose(1, 2).flatten(2)


def _seconds(way: Formulation, given: Sequence[Tensor], heads: int, *, backward: bool) -> float:
    for x in given:
        x.grad = None
    start = time.process_time()
    if backward:
        mixed(way, given, heads).sum().backward()
    else:
        with torch.inference_mode():
            mixed(way, given, heads)
    return time.process_time() - start


def table() -> None:
    """Print plain products over the fused kernel."""
    widths, ways = (16, 32, 64, 128, 256), {"core": plain(), "fused": fused()}
    print(f"| gradients | items x heads | tokens | {' | '.join(f'{d} wide' for d in widths)} |")
    print("|---|---|---|---|---|---|---|---|")
    for backward, items, n in itertools.product((False, True), (1, 16), (25, 32, 40, 50, 100, 200, 400)):
        ratios = []
        for d in widths:
            best = measure(Case((items, 4, n, d), ways["core"], {"fused": ways["fused"]}), 30, backward=backward)
            ratios.append(f"{best['core'] / best['fused']:.2f}")
        print(f"| {'yes' if backward else 'no'} | {4 * items} | {n} | {' | '.join(ratios)} |", flush=True)


@cache
def apart(n: int) -> tuple[Tensor, Tensor]:
    """Coordinates per item, with gaps of their own; and the same for all, with two tokens at one place."""
    gaps = torch.randint(1, 3, (2, n, 1), generator=torch.Generator().manual_seed(0))
    shared = torch.arange(n).unsqueeze(-1)
    shared[1] = 0
    return gaps.cumsum(1), shared


def memory(n: int = 4000) -> list[str]:
    """Largest tensors of a band where tokens have coordinates of their own."""
    q = torch.randn(2, 4, n, 16)
    rows = []
    for name, coords in zip(("per item", "two tokens at one place"), apart(n), strict=True):

        def run(coords: Tensor = coords) -> Tensor:
            return attend(q, q, q, pattern=BlockLocal(64, 32), coords_q=coords, coords_k=coords)

        with torch.inference_mode():
            most, start = largest_tensor(run), time.process_time()
            run()
            rows.append(f"| {name} | {most / 2**20:.1f} | {1000 * (time.process_time() - start):.0f} |")
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="names of cases (default: all)")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--flex", action="store_true", help="also flex attention, which compiles for a minute")
    parser.add_argument("--table", action="store_true", help="products over the fused kernel, instead of the cases")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.table:
        table()
        return
    print(
        "| case | shape | core, ms | torch's best | which | ratio | with gradients, ms | torch's best | which | ratio |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, make in cases(with_flex=options.flex).items():
        if options.only and name not in options.only:
            continue
        case, cells = make(), []
        for backward in (False, True):
            best = measure(case, options.rounds, backward=backward)
            ours = best.pop("core")
            way = min(best, key=lambda name: best[name])
            cells += [f"{1000 * ours:.2f}", f"{1000 * best[way]:.2f}", way, f"{ours / best[way]:.2f}"]
        print(f"| {name} | {' x '.join(map(str, case.shape))} | {' | '.join(cells)} |", flush=True)
    if not options.only:
        print("\n| coordinates of 4,000 tokens | largest tensor, MiB | ms |\n|---|---|---|")
        print("\n".join(memory()))


if __name__ == "__main__":
    sys.exit(main())
