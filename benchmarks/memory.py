"""Peak memory of ``polish`` against the length of its input: the same molecules once and many times over.

    python benchmarks/memory.py SUBREADS.bam CCS.bam [--copies 1 5 25] [--models runs pairhmm] [--threads N]
                                [--json FILE] [--plot docs/developers/memory.svg]

Memory is that of the whole process tree, sampled (``processes.py``). It must not grow with the input: what is in work
is bounded, and nothing is kept of what is done but counts.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from copies import write_copies
from matplotlib.figure import Figure
from processes import measure

from deepconsensus_py.evaluate.charts import line_chart, save_chart

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Point:
    """One run.

    Attributes:
        model: that corrected.
        copies: how many times over the input had its molecules.
        molecules: in all.
        peak_bytes: of the process tree (PSS).
        seconds: from start to end.
    """

    model: str
    copies: int
    molecules: int
    peak_bytes: int
    seconds: float


def peak_of(model: str, inputs: tuple[Path, Path], copies: int, threads: int | None) -> Point:
    """Polish an input; outputs lie beside it."""
    program = shutil.which("deepconsensus-py", path=str(Path(sys.executable).parent)) or "deepconsensus-py"
    output = inputs[0].with_name(f"{model.rpartition('/')[2]}.polished.bam")
    command = [program, "polish", str(inputs[0]), "--ccs", str(inputs[1]), "-o", str(output), "--model", model]
    run = measure([*command, *([] if threads is None else ["--threads", str(threads)])])
    report = json.loads(output.with_suffix(".report.json").read_text())
    return Point(model, copies, report["counts"]["molecules"], run.peak_bytes, run.seconds)


def points(
    subreads: Path, ccs: Path, copies: Sequence[int], models: Sequence[str], threads: int | None
) -> Iterable[Point]:
    """One point for each model and number of copies; the longer inputs are written to a temporary folder."""
    with tempfile.TemporaryDirectory() as scratch:
        for number in copies:
            inputs = write_copies(subreads, ccs, number, Path(scratch) / str(number))
            for model in models:
                yield peak_of(model, inputs, number, threads)


def growth(found: Sequence[Point], point: Point) -> float:
    """By how much a peak is above that of the shortest input of the same model, as a share of it."""
    shortest = min((other for other in found if other.model == point.model), key=lambda other: other.copies)
    return point.peak_bytes / shortest.peak_bytes - 1


def plot(found: Sequence[Point]) -> Figure:
    """Peak memory of ``polish``, process tree."""
    models = list(dict.fromkeys(point.model for point in found))
    lines = {m: [(p.molecules, p.peak_bytes / MIB) for p in found if p.model == m] for m in models}
    return line_chart(lines, ("molecules", "peak memory, MiB"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subreads", type=Path)
    parser.add_argument("ccs", type=Path)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 5, 25])
    parser.add_argument("--models", nargs="+", default=["edits", "pairhmm"])
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    args = parser.parse_args()
    found: list[Point] = []
    print("| model | copies | molecules | peak MiB | growth | seconds |\n|---|---|---|---|---|---|")
    for point in points(args.subreads, args.ccs, args.copies, args.models, args.threads):
        found.append(point)
        peak, above = point.peak_bytes / MIB, growth(found, point)
        row = f"| {point.model} | {point.copies} | {point.molecules} | {peak:.0f} | {above:+.1%} |"
        print(f"{row} {point.seconds:.1f} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps([asdict(point) for point in found], indent=1) + "\n")
    if args.plot:
        save_chart(plot(found), args.plot)


if __name__ == "__main__":
    main()
