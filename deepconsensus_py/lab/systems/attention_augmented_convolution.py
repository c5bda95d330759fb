"""Row 7: attention beside convolution, the maps of both concatenated (Bello et al. 2019)."""

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.spatial import AAConv, PixelAttention
from deepconsensus_py.lab.claim import Claim, Figure, Shown, Size, at_least, at_most
from deepconsensus_py.lab.costs import image_cost, parameters
from deepconsensus_py.lab.glyphs import receptive_field
from deepconsensus_py.lab.images import SEEN, SIDE, glyph_accuracy, glyph_network

STEPS, RATE = 2200, 4e-3
TRAINED = ("augmented", "squeeze-excitation")
SYSTEMS = (*TRAINED, "convolution")


def run(size: Size) -> Shown:
    """See ``Claim``."""
    steps = 5 if size.fast else STEPS
    seen = {system: [glyph_accuracy(system, seed, steps=steps, rate=RATE) for seed in size.seeds] for system in TRAINED}
    mean = {system: sum(values) / len(values) for system, values in seen.items()}
    networks = {system: glyph_network(system, 0) for system in SYSTEMS}
    weights = [parameters(network) for network in networks.values()]
    judged, images = not size.fast, torch.zeros(64, 1, SIDE, SIDE)
    return Shown(
        figures=(
            at_least(
                "distant glyphs: accuracy", mean["augmented"], 0.95, baseline=mean["squeeze-excitation"], judged=judged
            ),
            at_most("distant glyphs: accuracy of squeeze-excitation", mean["squeeze-excitation"], 0.75, judged=judged),
            at_most("largest over least parameters of the three", max(weights) / min(weights), 1.02),
            at_most("no attended channels, from the convolution", _plain_error(), 0.0),
            at_most("all channels attended, from attention alone", _attention_error(), 1e-6),
            Figure("pixels that convolution sees", receptive_field(SEEN)),
        ),
        costs=tuple(image_cost(system, network, images) for system, network in networks.items()),
        notes=(
            "Accuracy by seed: "
            + "; ".join(f"{system} {', '.join(f'{value:.3f}' for value in of)}" for system, of in seen.items())
            + ".",
            f"Two glyphs, further apart than {receptive_field(SEEN)} pixels: the same or not. Each network is a stem "
            f"and a bottleneck, trained for {steps} batches of 64 pairs, each pair seen once.",
            "The plain convolution, which cannot join the two places either, is trained in row bot.",
            "Tried before, seed 1: a quarter of the channels attended, 4 heads, 600 batches 0.896; 8 heads, 1000 "
            "batches 0.933; half of the channels, 8 heads, 1400 batches 0.945. It rises with the batches.",
            "Squeeze-excitation, seed 1, was at 0.545 after 1400 batches and at 0.899 after 2200: it does learn to "
            "compare, later, most likely as gates made from the mean over both places multiply what stands at each. To "
            "hold it below 0.75 training would have to stop early, which is no property of the layer.",
            "Squeeze-excitation weighs the channels after the 3x3 convolution, within the bottleneck.",
            "Published: +1.3 points top-1 of ResNet-50 on ImageNet, +1.4 AP of RetinaNet on COCO.",
        ),
    )


@torch.inference_mode()
def _plain_error() -> float:
    layer, x = _layer(d_v=0)
    (convolution,) = layer.parts
    assert isinstance(convolution, nn.Conv2d)
    plain = nn.Conv2d(x.shape[1], 16, 3, padding=1, bias=False)
    plain.load_state_dict(convolution.state_dict())
    return float((layer(x) - plain(x)).abs().max())


@torch.inference_mode()
def _attention_error() -> float:
    layer, x = _layer(d_v=16)
    (part,) = layer.parts
    attention, out = part.children()
    assert isinstance(attention, PixelAttention)
    return float((layer(x) - out(attention(x))).abs().max())


def _layer(d_v: int) -> tuple[AAConv, Tensor]:
    torch.manual_seed(0)
    return AAConv(8, 16, d_k=8, d_v=d_v, reach=SIDE - 1), torch.randn(2, 8, SIDE, SIDE)


CLAIM = Claim(
    number=7,
    id="aaconv",
    system="Attention-augmented convolution (Bello et al. 2019)",
    text="Attention maps beside convolutional ones join distant places sooner and better than channel gates do.",
    baseline="Squeeze-excitation and the plain residual network, with as many parameters.",
    on_reads="Convolution for the neighbourhood of a cell, attention across a homopolymer run.",
    seeds=(1,),
    run=run,
)
