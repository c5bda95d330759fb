"""Peak memory and processor time of ``correct --aligned`` against the number of reads.

    python benchmarks/correct_memory.py [--copies 1 4] [--block-bases 2300000] [--rounds 3] [--threads 1] [--shared DIR]

The reads are 114 of CHM13, 2.4 million bases, and the same several times over, each copy on a reference of its own.
Memory is that of the whole process tree, sampled (``processes.py``). A block of as many bases as one copy has is in
memory at a time, so that the peak must not grow with the copies.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import pysam
from haplotypes import CHM13
from processes import measure
from reads import SHARED

from deepconsensus_py.overlaps.blocks import BLOCK_BASES
from deepconsensus_py.overlaps.correction import ROUNDS
from deepconsensus_py.overlaps.run import CorrectRun, correct_files
from deepconsensus_py.overlaps.work import Options

MIB = 1 << 20


def write_copies(source: Path, copies: int, target: Path) -> None:
    """Write the reads of an aligned file several times over, each time on another reference and with other names."""
    with pysam.AlignmentFile(str(source)) as file:
        reads = [read for read in file if not (read.is_secondary or read.is_supplementary)]
        length = file.get_reference_length(str(reads[0].reference_name))
        header = file.header.to_dict() | {"SQ": [{"SN": f"copy{copy}", "LN": length} for copy in range(copies)]}
    with pysam.AlignmentFile(str(target), "wb", header=header) as out:
        for copy in range(copies):
            for read in reads:
                fields = read.to_dict() | {"ref_name": f"copy{copy}", "next_ref_name": "*", "next_ref_pos": "0"}
                fields["name"] = f"copy{copy}_{read.query_name}"
                out.write(pysam.AlignedSegment.from_dict(fields, out.header))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--block-bases", type=int, default=BLOCK_BASES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--run", type=Path, nargs=2, metavar=("READS", "OUT"), help="correct a file, in this process")
    args = parser.parse_args()
    if args.run:
        options, block = Options(rounds=args.rounds), args.block_bases
        correct_files(
            CorrectRun(
                (args.run[0],), args.run[1], aligned=True, options=options, threads=args.threads, block_bases=block
            )
        )
        return
    print("| copies | reads | Mb | peak MiB | CPU s | CPU s for each Mb |\n" + "|---" * 6 + "|")
    with tempfile.TemporaryDirectory() as scratch:
        for copies in args.copies:
            source, output = (Path(scratch) / f"{copies}.{what}.bam" for what in ("reads", "corrected"))
            write_copies(args.shared / f"{CHM13}_dc.to_truth.bam", copies, source)
            given = [
                f"--{name}={getattr(args, name.replace('-', '_'))}" for name in ("block-bases", "rounds", "threads")
            ]
            run = measure([sys.executable, __file__, *given, "--run", str(source), str(output)])
            counts = json.loads(output.with_suffix(".report.json").read_text())["counts"]
            bases = counts["bases_in"] / 1e6
            cells = (copies, counts["zmws"], f"{bases:.1f}", run.peak_bytes // MIB, round(run.cpu_seconds))
            print("|", " | ".join(map(str, (*cells, f"{run.cpu_seconds / bases:.1f}"))), "|", flush=True)


if __name__ == "__main__":
    main()
