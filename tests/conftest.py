"""Fixtures shared by all tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings
from support import Commands

from deepconsensus_py.workers.resources import usable_cores

# A busy machine must not fail a test: the first example of a property also compiles what it calls.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_xdist_auto_num_workers() -> int:
    """A process of tests for each core that is really there, and one more: some tests wait for what they killed."""
    return usable_cores() + 1


def pytest_configure(config: pytest.Config) -> None:
    """Share cores instead of fighting for them: one thread of torch in each process, and one of them compiles."""
    if hasattr(config, "workerinput"):
        return
    if config.getoption("numprocesses", None):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        # Quick if the compiled kernels are in the cache.
        subprocess.run([sys.executable, "-c", "import deepconsensus_py.edits.compiled"], cwd=REPOSITORY, check=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each process begin with its share of the tests that take long: at the end the others would wait for them.

    ``--dist worksteal`` gives each of them a stretch of the tests, and what it has not begun to those that are done.
    """
    slow = [item for item in items if item.get_closest_marker("slow")]
    others = [item for item in items if not item.get_closest_marker("slow")]
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    edges = [len(others) * number // processes for number in range(processes + 1)]
    shares = (slow[number::processes] + others[edges[number] : edges[number + 1]] for number in range(processes))
    items[:] = chain.from_iterable(shares)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real reads and reference outputs: ``DCPY_SHARED`` or ``shared`` beside the repository."""
    folder = Path(os.environ.get("DCPY_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real reads: {folder} is absent (set DCPY_SHARED)")
    return folder


@pytest.fixture(scope="session")
def human_1m(shared: Path) -> Path:
    """Sequel HG002 reads with truth."""
    return shared / "data" / "human_1m"


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Outputs of the original program."""
    return shared / "golden"


@pytest.fixture(scope="session")
def testdata() -> Path:
    """The repository's own simulated reads."""
    return REPOSITORY / "testdata"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Commands:
    """Runs a command in this process and gives its status and what it printed."""
    return Commands(capfd)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A column network of 8 channels with random weights, as a model file."""
    import torch

    from deepconsensus_py.attention.build import PRESETS
    from deepconsensus_py.attention.config import TrunkConfig
    from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
    from deepconsensus_py.models.weights import Model, save_model
    from deepconsensus_py.pileup.features import FeatureSpec

    tables = ("bases", "pulse_widths", "inter_pulse_durations", "strands", "snr")
    trunk = TrunkConfig(layers=1, d=8, heads=2, ff=16, attention=PRESETS["banded12"])
    config = ColumnConfig(max_passes=20, width=100, embeddings=dict.fromkeys(tables, 2), trunk=trunk)
    torch.manual_seed(0)
    model = Model(name="tiny", network=ColumnNetwork(config), spec=FeatureSpec().to_dict())
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_model(path, model)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    # Lazily: htslib keeps a BAM open that could not be closed.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
