"""Windows in which one column decides the answer, and explanations that should find it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.attention.explain import occlusion, recorded_maps, rollout
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.heads.vision import Vision

PASSES, COLUMNS, BASES = 9, 30, 4
NOISY = 0.3  # probability that one pass errs in a column that decides nothing
SPLIT = 4  # passes that disagree in the column that decides


@dataclass(frozen=True, slots=True, eq=False)
class PlantedWindows:
    """Windows of columns.

    Attributes:
        batch: for ``Vision``: ``image`` is ``float32[count, 4, 1, 30]``, the share of passes with each base.
        cause: ``int64[count]``, the column in which passes disagree; its most common base is the label.
    """

    batch: dict[str, Tensor]
    cause: Tensor


def planted_windows(count: int, *, seed: int) -> PlantedWindows:
    """Draw windows; in one column the passes disagree, in others one of them errs occasionally."""
    generator = torch.Generator().manual_seed(seed)
    called = torch.randint(BASES, (count, COLUMNS), generator=generator)
    other = (called + torch.randint(1, BASES, (count, COLUMNS), generator=generator)) % BASES
    astray = (torch.rand(count, COLUMNS, generator=generator) < NOISY).long()
    cause = torch.randint(COLUMNS, (count,), generator=generator)
    astray[torch.arange(count), cause] = SPLIT
    shares = torch.zeros(count, COLUMNS, BASES)
    shares.scatter_add_(2, called.unsqueeze(-1), (PASSES - astray).unsqueeze(-1) / PASSES)
    shares.scatter_add_(2, other.unsqueeze(-1), astray.unsqueeze(-1) / PASSES)
    label = called[torch.arange(count), cause]
    return PlantedWindows({"image": shares.transpose(1, 2).unsqueeze(2).contiguous(), "label": label}, cause)


def judge_planted(seed: int) -> Vision:
    """A transformer with a token for the whole window."""
    torch.manual_seed(seed)
    trunk = Trunk(TrunkConfig(2, 32, 2, 64, preset("full"), norm="layer", position="none"))
    return Vision(trunk, classes=BASES, shape=(BASES, 1, COLUMNS), patch=1)


@torch.inference_mode()
def attended(head: Vision, given: PlantedWindows) -> dict[str, Tensor]:
    """Attention of the window's token to each column, ``float[count, 30]``: of the last layer, and rolled out."""
    with recorded_maps(head.trunk) as maps:
        head(given.batch)
    return {"last layer": maps[-1].mean(1)[:, 0, 1:], "rollout": rollout(maps)[:, 0, 1:]}


def gradient_times_attention(head: Vision, given: PlantedWindows) -> Tensor:
    """Token times gradient of the chosen logit, absolute, for each column, ``float[count, 30]``."""
    tokens = head.tokens(given.batch)
    x = tokens.x.detach().requires_grad_(True)
    logits = head.classify(head.trunk(replace(tokens, x=x))[:, 0])
    (gradient,) = torch.autograd.grad(logits.max(-1).values.sum(), x)
    return (gradient * x).sum(-1).abs()[:, 1:].detach()


@torch.inference_mode()
def occluded(head: Vision, given: PlantedWindows) -> Tensor:
    """Fall of the chosen logit without each column, ``float[count, 30]``."""
    tokens = head.tokens(given.batch)
    chosen = head(given.batch).argmax(-1, keepdim=True)

    def score(there: Tensor) -> Tensor:
        seen: Tokens = replace(tokens, mask=torch.cat([there.new_ones(1), there]).expand(len(chosen), -1))
        logits: Tensor = head.classify(head.trunk(seen)[:, 0])
        return (logits - logits.logsumexp(-1, keepdim=True)).gather(1, chosen).squeeze(1)

    return occlusion(score, COLUMNS)


def area(score: Tensor, cause: Tensor) -> float:
    """Area under the ROC curve: how often the deciding column outranks another one of its window; ties are half."""
    own = score.gather(1, cause.unsqueeze(1))
    others = torch.ones_like(score, dtype=torch.bool).scatter(1, cause.unsqueeze(1), False)
    better = (own > score).double() + (own == score).double() / 2
    return float(better[others].mean())


@contextmanager
def shuffled(network: nn.Module, *, seed: int) -> Iterator[None]:
    """A context in which every attention layer applies its weights to the values of other tokens."""
    generator = torch.Generator().manual_seed(seed)

    def shuffle(layer: nn.Module, given: tuple[Tensor, ...], values: Tensor) -> Tensor:  # noqa: ARG001
        return values[:, torch.randperm(values.shape[1], generator=generator)]

    layers = [layer for layer in network.modules() if isinstance(layer, MultiHead)]
    hooks = [layer.value.register_forward_hook(shuffle) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
