"""Small networks, and the original's tensors as our arrays."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from deepconsensus_py.align.passes import align_zmw
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import TrunkConfig
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import read_zmws


@pytest.fixture
def config() -> ColumnConfig:
    """A network small enough to look at."""
    return ColumnConfig(
        max_passes=3,
        width=12,
        embeddings={
            "bases": 4,
            "pulse_widths": 3,
            "inter_pulse_durations": 5,
            "strands": 2,
            "draft_quality": 6,
            "snr": 1,
        },
        trunk=TrunkConfig(layers=2, d=16, heads=2, ff=24, attention=preset("banded12")),
        use_draft_qualities=True,
    )


@pytest.fixture
def make_network() -> Callable[[ColumnConfig], ColumnNetwork]:
    """Builds a network with every weight drawn at random, zeros of code 0 apart."""

    def make(config: ColumnConfig) -> ColumnNetwork:
        torch.manual_seed(0)
        network = ColumnNetwork(config).eval()
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                parameter.normal_(std=0.3)
                if name.startswith("tables."):
                    parameter[0] = 0.0
        return network

    return make


@pytest.fixture
def windows(config: ColumnConfig) -> dict[str, Tensor]:
    """Five windows of any codes."""
    random = np.random.default_rng(0)
    shape = (5, config.max_passes, config.width)
    return {
        "bases": torch.from_numpy(random.integers(0, 5, shape, np.uint8)),
        "pulse_widths": torch.from_numpy(random.integers(0, 256, shape, np.uint8)),
        "inter_pulse_durations": torch.from_numpy(random.integers(0, 256, shape, np.uint8)),
        "strands": torch.from_numpy(random.integers(0, 3, shape[:2], np.uint8)),
        "draft": torch.from_numpy(random.integers(0, 5, (5, config.width), np.uint8)),
        "draft_quality": torch.from_numpy(random.integers(-1, 94, (5, config.width), np.int16)),
        "snr": torch.from_numpy(random.uniform(2, 20, (5, 4)).astype(np.float32)),
    }


@pytest.fixture
def as_inputs() -> Callable[[NDArray[np.float32], ColumnConfig], dict[str, Tensor]]:
    """Cuts the original's tensor ``float32[n, rows, width]`` into our arrays."""

    def cut(rows: NDArray[np.float32], config: ColumnConfig) -> dict[str, Tensor]:
        p = config.max_passes
        parts = {
            "bases": rows[:, :p],
            "pulse_widths": rows[:, p : 2 * p],
            "inter_pulse_durations": rows[:, 2 * p : 3 * p],
            "strands": rows[:, 3 * p : 4 * p, 0],
            "draft": rows[:, 4 * p],
        }
        inputs = {name: torch.from_numpy(part.astype(np.uint8)) for name, part in parts.items()}
        if config.use_draft_qualities:
            inputs["draft_quality"] = torch.from_numpy(rows[:, 4 * p + 1].astype(np.int16))
        return {**inputs, "snr": torch.from_numpy(rows[:, -4:, 0].copy())}

    return cut


@pytest.fixture(scope="session")
def molecules(testdata: Path) -> list[Zmw]:
    """Simulated molecules, their passes aligned."""
    found = read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")
    return [align_zmw(zmw) for zmw in found if isinstance(zmw, Zmw)]
