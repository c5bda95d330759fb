"""Time from the start of ``polish`` to the end of a run of one ZMW, of one or more installations in turns.

    python benchmarks/start.py SUBREADS.bam CCS.bam [PROGRAM...] [--threads 1 2] [--repeats 9]

PROGRAM is a ``deepconsensus-py`` (default: of this environment). The first run of each is not counted: it compiles,
and reads files from the disk. Python keeps the bytecode of an installed package; of a checkout it does only where
``PYTHONDONTWRITEBYTECODE`` is not set, so that this is ignored here.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from processes import Run, measure


def runs(
    inputs: tuple[Path, Path], programs: Sequence[str], threads: Sequence[int], repeats: int
) -> Iterator[tuple[str, int, list[Run]]]:
    """The counted runs of each program with each number of threads."""
    found: dict[tuple[str, int], list[Run]] = {(program, n): [] for n in threads for program in programs}
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats + 1):
            for (program, n), done in found.items():
                command = [program, "polish", str(inputs[0]), "--ccs", str(inputs[1]), "--limit", "1"]
                run = measure([*command, "--threads", str(n), "--quiet", "-o", f"{folder}/polished.bam"])
                if repeat:
                    done.append(run)
    for (program, n), done in found.items():
        yield program, n, done


def row(program: str, threads: int, done: Sequence[Run]) -> str:
    """Seconds and processor seconds, least and median."""
    cells = [program, str(threads)]
    for values in ([run.seconds for run in done], [run.cpu_seconds for run in done]):
        cells += [f"{min(values):.2f}", f"{statistics.median(values):.2f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a row for each program and number of threads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subreads", type=Path)
    parser.add_argument("ccs", type=Path)
    parser.add_argument("programs", nargs="*")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args()
    own = shutil.which("deepconsensus-py", path=str(Path(sys.executable).parent))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print("| program | threads | s, least | median | CPU s, least | median |\n|---|---|---|---|---|---|")
    for program, threads, done in runs(
        (args.subreads, args.ccs), args.programs or [own or "deepconsensus-py"], args.threads, args.repeats
    ):
        print(row(program, threads, done))
    print(f"\nload {os.getloadavg()[0]:.1f} at the end, on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
