"""The workflow on a real SLURM: what it does in good and in bad times, each time against the one command.

``python benchmarks/cluster/cases.py`` starts a SLURM of three nodes on the loopback interface (``slurm.py``), runs all
cases or those that are named, and prints a table. It needs root, and installs Debian's packages if they are not there;
where that is not possible, it says so and ends with status 0. ``cpu`` alone takes most of the time; with ``--local`` it
needs no SLURM: Snakemake runs the jobs itself, so that what SLURM's jobs cost beside their work is left out.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pysam
from slurm import CannotRunError, Slurm, jobs_of, running, until

REPOSITORY = Path(__file__).resolve().parents[2]
PROFILE = REPOSITORY / "workflow" / "profiles" / "slurm"
NODES = ("node1", "node2", "node3")
LONGEST = 900
"""Seconds that a run of the workflow may take."""

LENGTHS, PASSES = (10000, 15000), (8, 14)
"""Of the ZMWs of the case ``cpu``: those of HiFi libraries."""

OF_FIRST_ATTEMPT_MB = 1000
"""What ``polish`` asks for in its first attempt with one thread (``workflow/rules/polish.smk``)."""


@dataclass(frozen=True)
class Reads:
    """Simulated reads, and the records that the one command makes of them."""

    folder: Path
    records: list[str]

    @classmethod
    def simulated(cls, folder: Path, zmws: int, length: tuple[int, int], passes: tuple[int, int]) -> "Reads":
        """Simulate reads, and polish them with the one command."""
        sizes = ["--num-zmws", zmws, "--length", *length, "--passes", *passes]
        command("simulate", "-o", folder, *sizes, "--quiet")
        command("index", folder / "subreads.bam", folder / "ccs.bam", "--quiet")
        reads = cls(folder, [])
        polish(reads)
        reads.records.extend(records(folder / "polished.bam"))
        return reads


def command(*words: object) -> None:
    subprocess.run(["deepconsensus-py", *map(str, words)], check=True)


def polish(reads: Reads) -> None:
    inputs = (reads.folder / "subreads.bam", "--ccs", reads.folder / "ccs.bam")
    command("polish", *inputs, "-o", reads.folder / "polished.bam", "--threads", 1, "--quiet")


def records(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path), check_sq=False) as reads:
        return [read.to_string() for read in reads]


class Run:
    """A run of the workflow in a folder of its own."""

    numbers = count(1)

    def __init__(self, reads: Reads, *options: str, shim: str = "", local: bool = False) -> None:
        """Prepare a run.

        Args:
            reads: what is polished.
            options: further options of Snakemake.
            shim: shell code that jobs run before they polish a chunk.
            local: run one job after the other on this machine, without SLURM.
        """
        self.reads, self.local = reads, local
        self.name = f"run{next(self.numbers)}"
        self.folder = reads.folder.parent / self.name
        self.folder.mkdir()
        subreads, ccs = (reads.folder / name for name in ("subreads.bam", "ccs.bam"))
        (self.folder / "samples.tsv").write_text(f"sample\tsubreads\tccs\nsample\t{subreads}\t{ccs}\n")
        (self.folder / "run.yaml").write_text("samples: samples.tsv\n")
        self.options = options
        self.environment = dict(os.environ)
        if shim:
            self._add_shim(shim)
        self.started = time.strftime("%Y-%m-%dT%H:%M:%S")

    def _add_shim(self, code: str) -> None:
        program = self.folder / "bin" / "deepconsensus-py"
        program.parent.mkdir()
        real = shutil.which("deepconsensus-py")
        polishing = f'if [ "$1" = polish ] && [[ " $* " == *" --chunk "* ]]; then {code}; fi'
        program.write_text(f'#!/bin/bash\n{polishing}\nexec {real} "$@"\n')
        program.chmod(0o755)
        self.environment["PATH"] = f"{program.parent}:{self.environment['PATH']}"

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start Snakemake with the profile as it is in the repository."""
        words = ["snakemake", "-s", str(REPOSITORY / "workflow" / "Snakefile"), "-d", str(self.folder)]
        words += ["--configfile", str(self.folder / "run.yaml")]
        if self.local:
            words += ["--workflow-profile", "none", "--cores", "1"]
        else:
            words += ["--workflow-profile", str(PROFILE), "--slurm-init-seconds-before-status-checks", "3"]
        # Only so that the cases take less time: one core for each job, and short waits.
        words += ["--set-threads", "polish=1", "--latency-wait", "5"]
        with (self.folder / "snakemake.log").open("ab") as log:
            return subprocess.Popen([*words, *self.options, *more], stdout=log, stderr=log, env=self.environment)

    def finish(self, *more: str) -> int:
        """Run Snakemake to its end, and give its exit status."""
        return ended(self.start(*more))

    def start_and_wait(self) -> subprocess.Popen[bytes]:
        """Start Snakemake, and wait until a chunk has a stored part."""
        process = self.start()
        chunks = self.folder / "results" / "sample" / "chunks"
        begun = lambda: any(chunks.glob("*.unfinished/journal.json"))  # noqa: E731
        until("no chunk was begun", lambda: begun() or process.poll() is not None, LONGEST)
        return process

    @property
    def equal(self) -> bool:
        """Whether its records are those of the one command."""
        made = self.folder / "results" / "sample" / "sample.bam"
        return made.exists() and records(made) == self.reads.records

    @property
    def resumed(self) -> int:
        """How many chunks went on from a stored part."""
        logs = (self.folder / "results" / "sample" / "logs").glob("polish.*.log")
        return sum("resum" in log.read_text() for log in logs)

    def states(self) -> Counter[str]:
        """How the jobs ended that SLURM ran since this run was prepared, by their state or that of the step in them."""
        jobs: dict[str, str] = {}
        for step, state in accounted(self.started, "State"):
            # A job whose step exceeded its memory has merely failed itself.
            if "." not in step or state == "OUT_OF_MEMORY":
                jobs[step.partition(".")[0]] = state.split()[0]
        return Counter(jobs.values())

    def cpu_seconds(self) -> float:
        """CPU seconds of all jobs of SLURM since this run was prepared."""
        if self.local:
            return 0.0
        return sum(seconds(total) for step, total in accounted(self.started, "TotalCPU") if "." in step)


def ended(process: subprocess.Popen[bytes]) -> int:
    """The exit status of Snakemake; that of SIGKILL if it does not end."""
    try:
        return process.wait(LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def accounted(since: str, field: str) -> Iterator[tuple[str, str]]:
    """Every job and step that SLURM's accounting has since a time, with a field."""
    words = ["sacct", "-n", "-P", "--duplicates", "-S", since, f"--format=JobID,{field}"]
    shown = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    for line in shown.splitlines():
        job, _, value = line.partition("|")
        yield job, value


def seconds(text: str) -> float:
    """Seconds of ``[[days-]hours:]minutes:seconds``."""
    days, _, clock = text.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total + int(days or 0) * 86400


def busy_node() -> str:
    return next(node for node in NODES if jobs_of(node))


# The cases: each gives whether it ended as it should, and what was seen.

Case = Callable[[Slurm, Reads], tuple[bool, str]]


def told(run: Run, status: int, *, wanted: Sequence[str] = ()) -> tuple[bool, str]:
    states = run.states()
    seen = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    resumed = f"; {run.resumed} chunks resumed" if run.resumed else ""
    well = status == 0 and run.equal and all(states[state] for state in wanted)
    return well, f"exit {status}, records {'equal' if run.equal else 'DIFFER'}; {seen}{resumed}"


def scattered(chunks: int) -> Case:
    def case(_: Slurm, reads: Reads) -> tuple[bool, str]:
        run = Run(reads, "--set-scatter", f"polish={chunks}")
        return told(run, run.finish())

    return case


def out_of_memory(_: Slurm, reads: Reads) -> tuple[bool, str]:
    """Jobs need half as much again as they ask for first."""
    needed = OF_FIRST_ATTEMPT_MB * 3 // 2
    run = Run(reads, "--set-scatter", "polish=2", shim=f"{sys.executable} -c 'b\"x\" * ({needed} << 20)' || exit 1")
    return told(run, run.finish(), wanted=["OUT_OF_MEMORY"])


def time_out(_: Slurm, reads: Reads) -> tuple[bool, str]:
    """Jobs need 70 s, and get a minute for each attempt."""
    run = Run(reads, "--set-scatter", "polish=2", "--set-resources", "polish:runtime=attempt", shim="sleep 70")
    return told(run, run.finish(), wanted=["TIMEOUT"])


def dead_node(slurm: Slurm, reads: Reads) -> tuple[bool, str]:
    """A node dies that runs a chunk."""
    run = Run(reads, "--set-scatter", "polish=2")
    process = run.start_and_wait()
    node = busy_node()
    slurm.kill_node(node)
    status = ended(process)
    slurm.start_node(node)
    return told(run, status, wanted=["NODE_FAIL"])


def cancelled(_: Slurm, reads: Reads) -> tuple[bool, str]:
    """Somebody cancels the job of a chunk."""
    run = Run(reads, "--set-scatter", "polish=2")
    process = run.start_and_wait()
    subprocess.run(["scancel", jobs_of(busy_node())[0]], check=True)
    return told(run, ended(process), wanted=["CANCELLED"])


def killed(_: Slurm, reads: Reads) -> tuple[bool, str]:
    """Snakemake is killed while jobs run; then the restart of docs/clusters.md."""
    run = Run(reads, "--set-scatter", "polish=2")
    process = run.start_and_wait()
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run(["scancel", "--user", "root"], check=True)
    until("cancelled jobs still run", lambda: not any(map(jobs_of, NODES)))
    assert run.finish("--unlock") == 0
    return told(run, run.finish(), wanted=["CANCELLED"])


CASES: dict[str, Case] = {
    **{f"{chunks} chunks": scattered(chunks) for chunks in (1, 4, 16)},
    "out of memory": out_of_memory,
    "time out": time_out,
    "dead node": dead_node,
    "scancel": cancelled,
    "SIGKILL of Snakemake": killed,
}


def measure_cpu(folder: Path, repeats: int, zmws: int, *, local: bool) -> str:
    """CPU seconds of the workflow and of the one command, in turns."""
    reads = Reads.simulated(folder / "many", zmws, LENGTHS, PASSES)
    alone, workflow = [], []
    for _ in range(repeats):
        with cpu_of_children() as spent:
            polish(reads)
        alone.append(spent[0])
        run = Run(reads, "--set-scatter", "polish=2", local=local)
        with cpu_of_children() as spent:
            status = run.finish()
        assert status == 0
        assert run.equal
        workflow.append(spent[0] + run.cpu_seconds())
    shown = [", ".join(f"{one:.1f}" for one in values) for values in (alone, workflow)]
    factor = min(workflow) / min(alone)
    return (
        f"{zmws} ZMWs in 2 chunks: one command {shown[0]} CPU s, workflow {shown[1]}; factor of the least {factor:.2f}"
    )


@contextmanager
def cpu_of_children() -> Iterator[list[float]]:
    def now() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    spent = [now()]
    yield spent
    spent[0] = now() - spent[0]


def main() -> None:
    """Run cases, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"of {', '.join([*CASES, 'cpu'])} (default: all)")
    parser.add_argument("--folder", type=Path, help="keep everything in this new folder")
    parser.add_argument("--zmws", type=int, default=600, help="ZMWs of the case cpu (default %(default)s)")
    parser.add_argument("--local", action="store_true", help="the case cpu without SLURM")
    parser.add_argument("--repeats", type=int, default=3, help="of the case cpu (default %(default)s)")
    args = parser.parse_args()
    # So that everything is stopped and removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    chosen = args.cases or [*CASES, "cpu"]
    if unknown := set(chosen) - {*CASES, "cpu"}:
        parser.error(f"no case {unknown.pop()!r}")
    if args.local and chosen != ["cpu"]:
        parser.error("--local is for the case cpu alone")
    folder = args.folder or Path(tempfile.mkdtemp(prefix="cluster."))
    folder.mkdir(exist_ok=True)
    try:
        failed = _run(chosen, folder, args)
    except CannotRunError as reason:
        print(f"skipped: {reason}")
        failed = []
    if args.folder is None:
        shutil.rmtree(folder)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def _run(chosen: Sequence[str], folder: Path, args: argparse.Namespace) -> list[str]:
    """Run cases, and give those that failed."""
    if args.local:
        print(measure_cpu(folder, args.repeats, args.zmws, local=True), f"load {os.getloadavg()[0]:.1f}", sep="; ")
        return []
    failed = []
    with running(folder / "slurm", NODES, cpus=1, memory_mb=6000) as slurm:
        reads = Reads.simulated(folder / "reads", 600, (800, 1200), (3, 5)) if {*chosen} - {"cpu"} else None
        print("| case | seen | s | load |\n|---|---|---|---|")
        for name in chosen:
            begun = time.monotonic()
            if name == "cpu" or reads is None:
                well, seen = True, measure_cpu(folder, args.repeats, args.zmws, local=False)
            else:
                well, seen = CASES[name](slurm, reads)
            if not well:
                failed.append(name)
            row = (
                name,
                seen + ("" if well else " – FAILED"),
                f"{time.monotonic() - begun:.0f}",
                f"{os.getloadavg()[0]:.1f}",
            )
            print(f"| {' | '.join(row)} |", flush=True)
    return failed


if __name__ == "__main__":
    main()
