"""Whole runs of ``polish`` on real reads: seconds, peak memory of the process tree, and agreement with the original.

    python benchmarks/polish.py [--shared DIR] [--runs 3] [--threads 2]

The original's reads and figures are those of DeepConsensus v1.2 with the same (random) weights on the same input, on
two cores without a GPU; its seconds were measured on another day, so they are a yardstick and not a ratio.
"""

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

ORIGINAL = {0: (27.2, 5.5), 45: (21.7, 5.5)}
"""Seconds and peak GiB of the original by ``--skip-windows-above`` (batch 1024)."""

SAMPLE_SECONDS = 0.05


class Run(NamedTuple):
    """One run of a command."""

    seconds: float
    peak_mib: float


def measure(command: list[str]) -> Run:
    """Run a command; peak memory is the largest sum of resident sizes over its process tree."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    tree = psutil.Process(process.pid)
    while process.poll() is None:
        peak = max(peak, resident(tree))
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed with status {process.returncode}")
    return Run(time.perf_counter() - start, peak / 2**20)


def resident(tree: psutil.Process) -> int:
    """Resident bytes of a process and all below it."""
    total = 0
    try:
        for process in (tree, *tree.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def read_fastq(path: Path) -> dict[str, tuple[str, str]]:
    content = path.read_bytes()
    lines = (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()
    return {lines[i][1:]: (lines[i + 1], lines[i + 3]) for i in range(0, len(lines), 4)}


def agreement(ours: Path, original: Path) -> str:
    """How far two FASTQ files say the same."""
    expected, found = read_fastq(original), read_fastq(ours)
    bases = same = close = 0
    for name, (sequence, qualities) in expected.items():
        own_sequence, own_qualities = found.get(name, ("", ""))
        bases += len(sequence)
        if len(sequence) == len(own_sequence):
            same += sum(a == b for a, b in zip(sequence, own_sequence, strict=True))
            close += sum(abs(ord(a) - ord(b)) <= 1 for a, b in zip(qualities, own_qualities, strict=True))
    present = len(expected.keys() & found.keys())
    return f"{present}/{len(expected)} reads, {same}/{bases} bases equal, {close}/{bases} qualities within 1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DCPY_SHARED", "../shared")))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    program = shutil.which("deepconsensus-py", path=str(Path(sys.executable).parent)) or "deepconsensus-py"
    reads, golden = args.shared / "data" / "human_1m", args.shared / "golden"
    print("model     input    skip  seconds  windows/s  peak MiB  the original's  agreement")
    with tempfile.TemporaryDirectory() as scratch:
        model = str(Path(scratch) / "original.safetensors")
        subprocess.run([program, "model", "convert", str(golden / "ckpt_default"), "-o", model], check=True)
        jobs = [(model, "aligned", skip) for skip in ORIGINAL] + [
            (name, kind, 45) for name in ("runs", "pairhmm", "vote") for kind in ("aligned", "raw")
        ]
        for name, kind, skip in jobs:
            subreads = reads / ("subreads_to_ccs.bam" if kind == "aligned" else "subreads.bam")
            output = Path(scratch) / "out.fastq"
            command = [program, "polish", str(subreads), "--ccs", str(reads / "ccs.bam"), "-o", str(output)]
            command += ["--model", name, "--min-quality", "0", "--skip-windows-above", str(skip)]
            runs = [measure([*command, "--threads", str(args.threads)]) for _ in range(args.runs)]
            seconds = statistics.median(run.seconds for run in runs)
            report = json.loads(output.with_suffix(".report.json").read_text())
            beside, how = "", ""
            if name == model:
                beside = "{} s, {} GiB".format(*ORIGINAL[skip])
                how = agreement(output, golden / f"run_default_skip{skip}_minq0.fastq.txt.gz")
            rate, peak = report["counts"]["windows"] / seconds, max(run.peak_mib for run in runs)
            shown = "original" if name == model else name
            print(f"{shown:9} {kind:8} {skip:4} {seconds:8.2f} {rate:10.0f} {peak:9.0f}  {beside:14}  {how}")


if __name__ == "__main__":
    main()
