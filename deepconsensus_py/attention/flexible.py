"""The closures that torch's flex attention asks for: which pair is allowed, what is added to its score."""

from collections.abc import Callable, Sequence

from torch import Tensor

from deepconsensus_py.attention.patterns import BlockLocal, Full, Pattern
from deepconsensus_py.attention.plan import Coords, Plan, added, places, plan
from deepconsensus_py.attention.position import Bias
from deepconsensus_py.attention.routing import Routing

MaskMod = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
ScoreMod = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]


def flex_plan(
    q: Tensor,
    k: Tensor,
    *,
    pattern: Pattern | Routing,
    bias: Bias | None,
    coords: Coords,
    mask: Tensor | None,
    edges: Tensor | None,
) -> tuple[Plan, MaskMod | None]:
    """The plan of all pairs, and where a closure says what is allowed, the closure instead of the plan's table."""
    spread = places(q, k, coords)
    closure = None if mask is not None else mask_mod(pattern, *spread)
    if closure is None:
        return plan(q, k, pattern=pattern, bias=bias, coords=coords, mask=mask, edges=edges), None
    return Plan(None, added(bias, q, k, coords, edges)), closure


def mask_mod(pattern: Pattern | Routing, of_q: Tensor, of_k: Tensor) -> MaskMod | None:
    """Whether query ``i`` may attend to key ``j``, from their coordinates alone; None for patterns that need a table.

    Args:
        pattern: full or block-local.
        of_q: ``int64[n_q, dims]``.
        of_k: ``int64[n_k, dims]``.
    """
    if not isinstance(pattern, Full | BlockLocal) or of_q.dim() != 2 or of_k.dim() != 2:
        return None
    late = len(of_k) - len(of_q)

    def allowed(item: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:  # noqa: ARG001
        met = j <= i + late if pattern.causal else j >= 0
        if isinstance(pattern, Full):
            return met
        lo, hi = pattern.halos
        for axis, (block, exact) in enumerate(zip(pattern.blocks, pattern.exacts, strict=True)):
            query, key = of_q[i, axis], of_k[j, axis]
            start = query.div(block, rounding_mode="floor") * block
            met = met & (key >= start - lo) & (key < start + block + hi)
            met = met if exact is None else met & ((query - key).abs() <= exact)
        return met

    return allowed


def table_mod(table: Tensor, shape: Sequence[int]) -> MaskMod:
    """The same from a table that broadcasts to the shape ``[B, h, n_q, n_k]``."""
    whole = table.expand(*shape)
    return lambda item, head, i, j: whole[item, head, i, j]


def score_mod(plan: Plan, q: Tensor) -> ScoreMod | None:
    """What is added to the scaled scores, from the table of a plan; None where nothing is."""
    if plan.added is None:
        return None
    added = plan.added.expand(*q.shape[:2], *plan.added.shape[-2:])
    return lambda score, item, head, i, j: score + added[item, head, i, j].to(score.dtype)
