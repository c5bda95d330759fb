"""Vision transformer: patches of an image as tokens, and what it costs to build in nothing about images.

Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale".
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.heads.vision import Vision
from deepconsensus_py.lab.claim import Arm, Claim, Curve, Shown, Size, at_least, at_most, found_at_least, measured
from deepconsensus_py.lab.costs import cost_line, image_cost
from deepconsensus_py.lab.digits import TRAINING
from deepconsensus_py.lab.fit import Training
from deepconsensus_py.lab.glyphs import single_glyphs
from deepconsensus_py.lab.images import BATCH, SIDE, Images, accuracy, digit_images, digit_network, learn

EPOCHS, MORE, TESTED = 8, 10, 2000
PATCH = 4  # pixels
WIDTH = 24  # of the convolutional network's first stage, so that it is no larger than the transformer
SYSTEMS = ("convolution", "transformer")
RATES = {"convolution": 3e-3, "transformer": 1e-3}


def reproduce(size: Size) -> Shown:
    """Train on few and on many images beside a convolutional network, and permute the patches."""
    counts = (BATCH, 2 * BATCH) if size.fast else (TRAINING, MORE * TRAINING)
    epochs = 1 if size.fast else EPOCHS
    digits = {system: [_on_digits(system, seed, epochs) for seed in size.seeds] for system in SYSTEMS}
    glyphs = {
        system: [[_on_glyphs(system, seed, count, epochs) for seed in size.seeds] for count in counts]
        for system in SYSTEMS
    }
    curves = {system: tuple(_mean(values) for values in points) for system, points in glyphs.items()}
    gaps = [_minus(*pair) for pair in zip(glyphs["convolution"], glyphs["transformer"], strict=True)]
    judged, images = not size.fast, torch.zeros(BATCH, 1, SIDE, SIDE)
    return Shown(
        figures=(
            found_at_least(
                f"digits: accuracy behind convolution at {TRAINING}",
                _minus(digits["convolution"], digits["transformer"]),
                0.04,
                judged=judged,
            ),
            measured("digits: accuracy", digits["transformer"], digits["convolution"]),
            *(
                measured(f"glyphs: accuracy behind convolution at {count}", gap)
                for count, gap in zip(counts, gaps, strict=True)
            ),
            found_at_least(
                "glyphs: how much smaller the gap is at the larger number", _minus(*gaps), 0.001, judged=judged
            ),
            at_most("patches permuted, without positions: change of the logits", _permuted(0.0), 1e-5),
            at_least("patches permuted, with positions: change of the logits", _permuted(1.0), 1e-2),
        ),
        arms=tuple(
            Arm(f"{task} {count}", system, epochs * (count // BATCH), epochs * (count // BATCH) * BATCH)
            for task, count in (("digits", TRAINING), *(("glyphs", count) for count in counts))
            for system in SYSTEMS
        ),
        costs=(
            cost_line("transformer", _transformer(0), {"image": images}, ((SIDE // PATCH) ** 2 + 1,)),
            image_cost("convolution", digit_network("convolution", 0, width=WIDTH), images),
        ),
        curves=tuple(Curve(system, counts, values) for system, values in curves.items()) if judged else (),
        axes=("training images", "accuracy"),
        notes=(
            f"Accuracy by seed, digits: {_listed(digits)}; glyphs at {', '.join(str(n) for n in counts)}: "
            + "; ".join(f"{system} {points}" for system, points in glyphs.items()),
            f"Both networks: {epochs} epochs, batches of {BATCH}, images shifted by up to a pixel, the same number "
            "of test images.",
        ),
    )


def _minus(ones: list[float], others: list[float]) -> list[float]:
    return [one - other for one, other in zip(ones, others, strict=True)]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _listed(values: dict[str, list[float]]) -> str:
    return "; ".join(f"{system} {', '.join(f'{value:.4f}' for value in of)}" for system, of in values.items())


def _transformer(seed: int) -> Vision:
    torch.manual_seed(seed)
    trunk = Trunk(TrunkConfig(4, 64, 4, 128, preset("full"), norm="layer", position="none"))
    return Vision(trunk, classes=10, shape=(1, SIDE, SIDE), patch=PATCH)


def _network(system: str, seed: int) -> tuple[nn.Module, Callable[[Tensor], Tensor]]:
    """A network, and its logits of images."""
    if system == "convolution":
        network = digit_network(system, seed, width=WIDTH)
        return network, network
    head = _transformer(seed)
    return head, lambda image: head({"image": image})


def _trained(system: str, seed: int, images: Images, test: Images, epochs: int) -> float:
    network, logits = _network(system, seed)
    steps = epochs * (len(images.label) // BATCH)
    learn(network, logits, images, Training(steps, rate=RATES[system]), seed=seed, shift=1)
    return accuracy(logits, test)


def _on_digits(system: str, seed: int, epochs: int) -> float:
    images, test = digit_images(seed)
    return _trained(system, seed, images, test, epochs)


def _on_glyphs(system: str, seed: int, count: int, epochs: int) -> float:
    return _trained(system, seed, _glyphs(count, seed), _glyphs(TESTED, 10**6 + seed), epochs)


def _glyphs(count: int, seed: int) -> Images:
    made = single_glyphs(count, seed=seed)
    return Images(torch.from_numpy(made.image).unsqueeze(1), torch.from_numpy(made.label))


@torch.inference_mode()
def _permuted(positions: float) -> float:
    """How much the logits change if patches change places, with the position table scaled by a number."""
    head = _transformer(0).eval()
    assert head.positions is not None
    for table in head.positions.tables:
        table.normal_().mul_(positions)
    image = torch.randn(4, 1, SIDE, SIDE)
    rows = torch.randperm((SIDE // PATCH) ** 2)
    patches = torch.nn.functional.unfold(image, PATCH, stride=PATCH)
    other = torch.nn.functional.fold(patches[..., rows], SIDE, PATCH, stride=PATCH)
    return float((head({"image": image}) - head({"image": other})).abs().max())


CLAIM = Claim(
    number=19,
    id="vit",
    system="Vision transformer (Dosovitskiy et al. 2021)",
    text="With patches as tokens and less built in than a convolution, it is behind on few images, and less so on "
    "many.",
    baseline="A residual network of 3x3 convolutions with no more parameters.",
    on_reads="A token of its own can judge a whole window.",
    seeds=(1, 2, 3),
    run=reproduce,
)
