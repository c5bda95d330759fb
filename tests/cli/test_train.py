"""Training from the command line: a whole run, one that is killed, two processes, a student."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support import Commands, wait_until

CONFIG = """
task: columns
name: small
average: 0.9
held_out: [4194370]
model: {layers: 1, d: 8, ff: 8, embeddings: {bases: 2, pulse_widths: 1, inter_pulse_durations: 1, strands: 1, snr: 2}}
data: {examples: [EXAMPLES], batch: 4, augmentation: {reverse: 0.5, some_passes: 0.5, crop: 600}}
stages:
  - {steps: 8, learning_rate: 0.01, warm_up: 2, every: 2, batches: 2}
"""

STUDENT = """
task: distill
name: student
init: TEACHER
model: {layers: [0]}
data: {examples: [EXAMPLES], batch: 4}
stages:
  - {steps: 1, learning_rate: 0.001}
"""


@pytest.fixture
def config(run: Commands, testdata: Path, tmp_path: Path) -> Path:
    examples = tmp_path / "simulated.examples"
    subreads, ccs, truth = (testdata / name for name in ("subreads.bam", "ccs.bam", "truth.fasta"))
    assert run("encode", subreads, "--ccs", ccs, "--truth", truth, "--threads", 1, "-o", examples).status == 0
    path = tmp_path / "train.yaml"
    path.write_text(CONFIG.replace("EXAMPLES", str(examples)))
    return path


def start(config: Path, folder: Path, *options: str, rank: int = 0, count: int = 1, port: int = 0) -> subprocess.Popen:
    command = [sys.executable, "-m", "deepconsensus_py.cli.main", "train", config, "-o", folder, "--threads", "1"]
    processes = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count)}
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return subprocess.Popen([*map(str, command), *options], env={**os.environ, **processes, **place})


def same(a: Path, b: Path) -> bool:
    first, second = load_file(a), load_file(b)
    return all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_a_training_killed_in_the_middle_ends_like_one_that_was_not(
    run: Commands, config: Path, tmp_path: Path
) -> None:
    assert run("train", config, "-o", tmp_path / "whole", "--threads", 1).status == 0

    parts = tmp_path / "parts"
    # Long enough to be killed on the way.
    process = start(config, parts)
    wait_until((parts / "checkpoint.safetensors").exists)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert run("train", config, "-o", parts, "--threads", 1).status == 1
    resumed = run("train", config, "-o", parts, "--threads", 1, "--resume")
    assert resumed.status == 0
    assert same(tmp_path / "whole" / "small.safetensors", parts / "small.safetensors")
    assert not list(parts.glob("*.part"))


def test_the_model_polishes(run: Commands, config: Path, testdata: Path, tmp_path: Path) -> None:
    assert run("train", config, "-o", tmp_path / "out", "--threads", 1).status == 0
    model = tmp_path / "out" / "small.safetensors"
    shown = run("model", "show", model)
    assert "1 layers, 8 wide" in shown.out
    assert json.loads(shown.out.split("```json\n")[1].split("```")[0])["seed"] == 0
    polished = run(
        *("polish", testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "-o", tmp_path / "out.bam"),
        *("--model", model, "--limit", 1, "--threads", 1, "--min-quality", 0),
    )
    assert polished.status == 0


def test_a_student_is_distilled(run: Commands, config: Path, tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "student.yaml"
    examples = str(tmp_path / "simulated.examples")
    path.write_text(STUDENT.replace("TEACHER", str(tiny_model)).replace("EXAMPLES", examples))
    assert run("distill", path, "-o", tmp_path / "student", "--threads", 1).status == 0
    assert (tmp_path / "student" / "student.safetensors").exists()
    wrong = run("distill", config, "-o", tmp_path / "other")
    assert wrong.status == 1
    assert "its task is 'columns', not 'distill'; use 'deepconsensus-py train'" in wrong.err


def test_what_is_wrong_is_said_in_a_sentence(run: Commands, config: Path, tmp_path: Path) -> None:
    config.write_text(config.read_text().replace("steps: 8", "steps: eight"))
    wrong = run("train", config, "-o", tmp_path / "out")
    assert wrong.status == 1
    assert f"deepconsensus-py train: error: {config}: stages[0].steps must be an integer, not 'eight'" in wrong.err
    assert run("train", config, "-o", tmp_path / "out", "--device", "cuda:77").status == 1
