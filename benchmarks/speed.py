"""The original and this package side by side: seconds by stage, windows per second, memory, start-up, and the ratios.

    python benchmarks/original/make.py ENV_DIR
    python benchmarks/speed.py speed.json --original ENV_DIR [--shared DIR] > table.md

runs both on the same ten human molecules, once and several times over, with the same weights and with the bundled
model, one after the other and that as often as is asked for. Each run goes into ``speed.json``; ``speed_table.py``
prints the tables of such files again. What cannot be run here has a row that says why.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copies import shortest, write_copies
from original import program as original
from processes import Run, measure
from speed_results import CONFIGURATIONS, FIRST, ONE_SHARD, SHARDED, TWO_SHARDS, Configuration
from speed_table import tables

Record = dict[str, Any]
"""What one run gave; see ``record``."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all runs share.

    Attributes:
        folder: scratch space.
        shared: real reads, weights of the original, and the reads that it gives with them.
        environment: of the original, or None.
        cores: processor cores, all of which either program uses.
        copies: how many times over the longer input has the molecules.
    """

    folder: Path
    shared: Path
    environment: Path | None
    cores: int
    copies: int

    @property
    def checkpoint(self) -> Path:
        """Weights of the original."""
        return self.shared / "golden" / "ckpt_default"

    @property
    def weights(self) -> Path:
        """The same weights in this package's format."""
        return self.folder / "original.safetensors"

    def inputs(self, reads: str, copies: int) -> original.Inputs:
        """Subreads, ``aligned`` or ``raw``, and drafts; of the shortest molecule alone where ``copies`` is 0."""
        names = {"aligned": "subreads_to_ccs.bam", "raw": "subreads.bam"}
        folder = self.folder / str(copies)
        return original.Inputs(folder / names[reads], folder / "ccs.bam")

    @property
    def sharded(self) -> int:
        """How many times over the input that is cut into shards has the molecules."""
        return SHARDED * self.copies

    def prepare(self) -> None:
        """Write the inputs and the weights."""
        source = self.shared / "data" / "human_1m"
        ccs = source / "ccs.bam"
        for copies, holes in ((0, {shortest(ccs)}), (1, None), (self.copies, None), (self.sharded, None)):
            for reads in ("aligned", "raw") if copies != self.sharded else ("aligned",):
                target = self.inputs(reads, copies).subreads
                write_copies(source / target.name, ccs, max(copies, 1), target.parent, holes)
        sharded = self.inputs("aligned", self.sharded)
        # As the workflow does: a shard then reads its own part alone.
        subprocess.run([ours(), "index", sharded.subreads, sharded.ccs], check=True, capture_output=True)
        convert = [ours(), "model", "convert", str(self.checkpoint), "-o", str(self.weights)]
        subprocess.run(convert, check=True, capture_output=True)


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to measure: its rows in the tables, how long an input, and how to measure it."""

    what: str
    copies: int
    run: Callable[[Path], Record]


def ours() -> str:
    """The command of this package: that of the interpreter, else the one on the PATH."""
    return shutil.which("deepconsensus-py", path=str(Path(sys.executable).parent)) or "deepconsensus-py"


def polish(place: Workplace, configuration: Configuration, copies: int, output: Path, *more: object) -> list[str]:
    """A run of this package that keeps every read."""
    inputs = place.inputs(configuration.reads, copies)
    model = ["--model", place.weights] if configuration.same_weights else []
    # The default model has no windows to skip.
    skip = ["--skip-windows-above", configuration.skip] if configuration.same_weights else []
    options = ["--min-quality", 0, *skip, "--device", configuration.device, "--precision", configuration.precision]
    command = [ours(), "polish", inputs.subreads, "--ccs", inputs.ccs, "-o", output, *model, *options, *more]
    return list(map(str, command))


def run_ours(place: Workplace, configuration: Configuration, copies: int, folder: Path) -> Record:
    output = folder / "out.fastq"
    run = measure(polish(place, configuration, copies, output, "--threads", place.cores))
    report = json.loads(output.with_suffix(".report.json").read_text())
    return (
        record(run) | {"stages": report["stages"], "counts": report["counts"]} | compared(place, configuration, output)
    )


def run_original(place: Workplace, configuration: Configuration, copies: int, folder: Path) -> Record:
    assert place.environment
    output = folder / "out.fastq"
    inputs, options = place.inputs("aligned", copies), {"skip": configuration.skip, "cpus": place.cores}
    command = original.command(place.environment, inputs, place.checkpoint, output, **options)
    run = measure(command, environment=original.QUIET)
    return (
        record(run)
        | {"stages": original.stage_seconds(output), "counts": {"windows_corrected": original.windows_run(run.log)}}
        | {"first_windows": original.first_windows(run.log)}
        | compared(place, configuration, output)
    )


def run_shards(place: Workplace, chunks: tuple[str, ...], folder: Path) -> Record:
    """The whole in chunks side by side, each on one core."""
    configuration = next(c for c in CONFIGURATIONS if c.key == "bundled")
    commands = [
        polish(place, configuration, place.sharded, folder / f"{i}.fastq", "--threads", 1, "--chunk", chunk)
        for i, chunk in enumerate(chunks)
    ]
    return record(measure(*commands))


def record(run: Run) -> Record:
    """What every run gives."""
    return {
        "seconds": run.seconds,
        "cpu_seconds": run.cpu_seconds,
        "other_cores": run.other_cores,
        "peak_bytes": run.peak_bytes,
    }


def compared(place: Workplace, configuration: Configuration, output: Path) -> Record:
    """How far the reads are the known ones of the original, where there are known ones."""
    reference = place.shared / "golden" / f"run_default_skip{configuration.skip}_minq0.fastq.txt.gz"
    if not (configuration.original or configuration.same_weights) or not reference.exists():
        return {}
    found = original.agreement(output, reference)
    # Longer inputs repeat the reads, the shortest has one of them: the ten say all there is to say.
    return {"agreement": str(found)} if found.reads == found.expected_reads else {}


def jobs(place: Workplace, missing: dict[str, str]) -> Iterator[Job]:
    """All that is measured in one round, the programs by turns."""
    for copies in (0, 1, place.copies):
        for configuration in CONFIGURATIONS:
            if configuration.key in missing or (copies == 0 and configuration.key not in FIRST):
                continue
            run = run_original if configuration.original else run_ours
            yield Job(
                configuration.key, copies, lambda folder, r=run, c=configuration, n=copies: r(place, c, n, folder)
            )
    if TWO_SHARDS not in missing:
        for what, chunks in ((ONE_SHARD, ("1/1",)), (TWO_SHARDS, ("1/2", "2/2"))):
            yield Job(what, place.sharded, lambda folder, c=chunks: run_shards(place, c, folder))


def absent(environment: Path | None, cores: int) -> dict[str, str]:
    """What cannot be run here, and why."""
    import torch  # noqa: PLC0415 - a second of loading that "--help" need not wait for

    from deepconsensus_py.models.device import has_bf16  # noqa: PLC0415

    missing = {}
    if environment is None or not original.program(environment).exists():
        reason = "no environment of the original (benchmarks/original/make.py)"
        missing |= {c.key: reason for c in CONFIGURATIONS if c.original}
    if not torch.cuda.is_available():
        missing |= {c.key: "no GPU" for c in CONFIGURATIONS if c.device == "cuda"}
    if not has_bf16(torch.device("cpu")):
        missing |= {c.key: "no bfloat16 arithmetic" for c in CONFIGURATIONS if c.precision == "bf16"}
    if cores < 2:
        missing[TWO_SHARDS] = "one core only"
    return missing


def results_of(place: Workplace, planned: Iterable[Job]) -> Iterator[Record]:
    """Run jobs one after the other, and say how it goes."""
    for job in planned:
        folder = place.folder / "out"
        folder.mkdir()
        found = {"what": job.what, "copies": job.copies, **job.run(folder)}
        shutil.rmtree(folder)
        print(
            f"{job.what:12} x{job.copies}  {found['seconds']:7.2f} s  {found['peak_bytes'] / 2**20:6.0f} MiB"
            f"  others {found['other_cores']:.2f} cores",
            file=sys.stderr,
        )
        yield found


def kernels(shared: Path) -> dict[str, float]:
    """CPU milliseconds of one core for one molecule: encoding, and aligning as here and with plain edlib."""
    import align  # noqa: PLC0415 - these load what they measure
    import encode  # noqa: PLC0415

    from deepconsensus_py.pileup.features import FeatureSpec  # noqa: PLC0415

    pileup_ms, windows_ms, *_ = encode.measure(encode.random_zmw(12_000, 10), FeatureSpec())
    molecules = list(align.molecules(shared / "data" / "human_1m", None))
    bases = sum(len(p.bases) for zmw, _ in molecules for p in zmw.passes)
    work = {
        name: [(zmw.draft, [(p, actc[p.name].reverse) for p in zmw.passes]) for zmw, actc in molecules]
        for name in ("align_ms", "edlib_ms")
    }
    candidates = {"align_ms": align.ours, "edlib_ms": align.edlib_both_strands}
    per_molecule = align.BASES_OF_A_MOLECULE / bases
    times = {
        name: per_molecule * encode.cpu_ms(lambda name=name: [candidates[name](*one) for one in work[name]], 3)
        for name in candidates
    }
    return {"encode_ms": pileup_ms + windows_ms, **times}


def machine(cores: int) -> Record:
    """Where this runs, and how busy it is already."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {"processor": model, "cores": cores, "load": os.getloadavg()[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="JSON", help="file for what each run gave")
    parser.add_argument("--original", type=Path, metavar="ENV_DIR", help="what benchmarks/original/make.py made")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DCPY_SHARED", "../shared")))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--copies", type=int, default=5, help="length of the longer input, 2 or more (default 5)")
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    missing = absent(args.original, cores)
    results = {"machine": machine(cores), "copies": args.copies, "repeats": args.repeats, "missing": missing}
    results |= {"kernels": kernels(args.shared), "runs": []}
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        place = Workplace(Path(folder), args.shared, args.original, cores, args.copies)
        place.prepare()
        # Uncounted: what is compiled or read from disk only the first time is no program's speed.
        list(results_of(place, (job for job in jobs(place, missing) if job.copies == 0)))
        for number in range(1, args.repeats + 1):
            results["runs"] += results_of(place, jobs(place, missing))
            args.results.write_text(json.dumps(results, indent=1) + "\n")
            print(f"{number} of {args.repeats} rounds in {time.monotonic() - start:.0f} s", file=sys.stderr)
    print(tables(results))


if __name__ == "__main__":
    main()
