"""What libraries log and warn does not come between a command's own lines."""

import os
import subprocess
import sys
from pathlib import Path

from held import polish

NOISY = """
import logging, sys, warnings
from deepconsensus_py.cli.main import program
from deepconsensus_py.polishing import run as run_module

def noisy(job, stop):
    import torch
    for name in ("torch", "torch.distributed.elastic", "torch._inductor", "numba", "somebody", ""):
        logging.getLogger(name).info("noise")
        logging.getLogger(name).warning("noise")
    warnings.warn("noise")
    torch.tensor(torch.ones(2))
    logging.getLogger("deepconsensus_py.polishing.run").info("our own note")
    logging.getLogger("deepconsensus_py.polishing.run").warning("our own warning")
    logging.getLogger("torch").error("a true error")
    return run(job, stop)

run, run_module.run = run_module.run, noisy
program()
"""


def test_libraries_are_quiet_and_we_are_not(twelve: Path, tmp_path: Path) -> None:
    command = [*polish(twelve)[:-2], "--threads", "1", "-o", str(tmp_path / "out.bam")]
    unset = {"TORCH_LOGS", "TORCH_CPP_LOG_LEVEL", "PYTHONWARNINGS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", NOISY, *command], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 3, done.stderr
    first, second, error, *rest = done.stderr.splitlines()
    assert [first, second] == ["our own note", "our own warning"]
    assert error.endswith("a true error")
    assert not any("noise" in line or "Warning" in line for line in rest)
