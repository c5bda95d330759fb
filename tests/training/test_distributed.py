import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_toys import Line

from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.training.config import Stage, TrainConfig
from deepconsensus_py.training.distributed import Workers, started
from deepconsensus_py.training.loop import train

TESTS = Path(__file__).resolve().parents[1]
SHARED = TrainConfig(
    task="line",
    name="line",
    average=0.9,
    stages=(Stage(steps=12, learning_rate=0.02, warm_up=3, every=4, batches=2),),
)


def run_two(folder: Path) -> Path:
    """Train in two processes, as torchrun starts them."""
    program = (
        "import sys; from pathlib import Path\n"
        f"sys.path[:0] = [{str(TESTS)!r}, {str(TESTS / 'training')!r}]\n"
        "from test_distributed import SHARED, Line, train, started\n"
        "with started('cpu') as workers:\n"
        "    assert workers.count == 2\n"
        f"    train([Line()], SHARED, Path({str(folder)!r}), workers=workers)\n"
    )
    with_socket = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={**with_socket, "RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"},
        )
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    return folder / "line.safetensors"


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_two_processes_are_one_with_all_batches(tmp_path: Path) -> None:
    alone = load_file(train([Line()], SHARED, tmp_path / "one"))
    together = load_file(run_two(tmp_path / "two"))
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, rtol=1e-5, atol=1e-6)
    logs = [(tmp_path / part / "log.csv").read_text().splitlines() for part in ("one", "two")]
    for first, second in zip(logs[0][1:], logs[1][1:], strict=True):
        a, b = (line.split(",") for line in (first, second))
        assert [float(a[i]) for i in (3, 4)] == pytest.approx([float(b[i]) for i in (3, 4)], rel=1e-4)


def test_batches_that_cannot_be_shared_are_refused(tmp_path: Path) -> None:
    workers = Workers(torch.device("cpu"), rank=0, count=3)
    with pytest.raises(DeepConsensusError, match="2 batches per step cannot be shared by 3 processes"):
        train([Line()], SHARED, tmp_path, workers=workers)


def test_an_absent_device_is_named() -> None:
    with pytest.raises(DeepConsensusError, match="device 'cuda:99' cannot be used"), started("cuda:99"):
        pass


def test_one_process_sums_nothing() -> None:
    tensor = torch.ones(3)
    Workers(torch.device("cpu")).sum([tensor])
    assert torch.equal(tensor, torch.ones(3))
