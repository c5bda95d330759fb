"""Whether an environment of the original gives the reads that it is known to give.

    python benchmarks/original/check.py ENV_DIR [--shared DIR]

runs it on ten human molecules (half a minute on two cores) and compares. The reads need not be equal to the letter on
every processor: 1 base in 10,000 may differ, and 1 quality in 100 by more than 1.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from program import QUIET, Agreement, Inputs, agreement, command, program

MAX_CHANGED, MIN_CLOSE = 1e-4, 0.99
SKIPPED = 77


def right(found: Agreement) -> bool:
    """Whether the reads are those that were expected."""
    return (
        found.reads == found.expected_reads and found.changed <= MAX_CHANGED and found.close >= MIN_CLOSE * found.bases
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environment", type=Path, metavar="ENV_DIR")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("DCPY_SHARED", "../shared")))
    args = parser.parse_args()
    reads, golden = args.shared / "data" / "human_1m", args.shared / "golden"
    for needed in (program(args.environment), reads, golden):
        if not needed.exists():
            print(f"skipped: {needed} is absent", file=sys.stderr)
            return SKIPPED
    inputs = Inputs(reads / "subreads_to_ccs.bam", reads / "ccs.bam")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.fastq"
        run = command(args.environment, inputs, golden / "ckpt_default", output, skip=0, cpus=2)
        subprocess.run(run, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | QUIET)
        found = agreement(output, golden / "run_default_skip0_minq0.fastq.txt.gz")
    print(found)
    return 0 if right(found) else 1


if __name__ == "__main__":
    sys.exit(main())
