"""What the loop knows of whatever is trained."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor, nn

Batch = Mapping[str, Tensor]
"""Arrays by name, on the CPU; the loop moves them to its device."""


class Task(Protocol):
    """A network and the examples that it learns from in one stage of its training.

    The stages of one training have a task each, and these share one network. A task keeps no state between calls:
    what a batch holds follows from its generator alone, so that a training goes on where it was interrupted, and
    several processes share the batches of a step.

    Attributes:
        network: what is trained; the loop sets its weights.
    """

    network: nn.Module

    def batch(self, rng: np.random.Generator) -> Batch:
        """Draw one batch of examples.

        Args:
            rng: all randomness, augmentation included.
        """
        ...

    def held_out(self) -> Iterator[Batch]:
        """The examples that are not trained on, the same batches in every call; none where nothing is held out."""
        ...

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, int]:
        """Loss of a batch, under autocast where the configuration says so.

        Args:
            network: the network to use, which is not always ``self.network``: held-out losses are those of its
                averaged weights.
            batch: what ``batch`` or ``held_out`` gave, on the network's device.

        Returns:
            the summed loss, a scalar with gradient, and the number of items that it sums, at least 1.
        """
        ...

    def save(self, network: nn.Module, path: Path, card: str) -> None:
        """Write the trained network as a model file that a corrector loads.

        Args:
            network: with the weights to write.
            path: of the file.
            card: model card, Markdown.
        """
        ...
