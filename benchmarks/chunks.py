"""What a chunk, or the rest of a run, costs to read with and without indexes: CPU seconds, records and megabytes.

``python benchmarks/chunks.py FOLDER`` reads ``subreads.bam`` and ``ccs.bam`` of a folder that
``deepconsensus-py simulate`` has made; indexes are written to a folder of their own.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.pbi import pbi_path
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.zmws import read_zmws

CHUNKS = 8
REPEATS = 5


def cpu_seconds(work: Callable[[], object]) -> float:
    """Of the fastest of several runs."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(REPEATS))


def count_records(work: Callable[[], object]) -> int:
    """Records that are read from files."""
    original, read = RecordFile.__iter__, 0

    def counting(self: RecordFile) -> Any:
        nonlocal read
        for record in original(self):
            read += 1
            yield record

    RecordFile.__iter__ = counting  # type: ignore[method-assign]
    try:
        work()
    finally:
        RecordFile.__iter__ = original  # type: ignore[method-assign]
    return read


def main() -> None:
    """Print one row for each choice of molecules."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    source = parser.parse_args().folder.resolve()
    with tempfile.TemporaryDirectory() as folder:
        subreads, drafts = (Path(folder) / name for name in ("subreads.bam", "ccs.bam"))
        for path in (subreads, drafts):
            path.symlink_to(source / path.name)
        molecules = sum(1 for _ in read_zmws([subreads], drafts))
        choices: dict[str, dict[str, Any]] = {f"chunk {i}/{CHUNKS}": {"chunk": (i, CHUNKS)} for i in (1, 7, CHUNKS)}
        choices |= {f"all but the first {molecules * 7 // 8}": {"skip": molecules * 7 // 8}, "all": {}}

        def costs() -> list[tuple[float, int]]:
            works = [lambda choice=choice: list(read_zmws([subreads], drafts, **choice)) for choice in choices.values()]
            return [(cpu_seconds(work), count_records(work)) for work in works]

        without = costs()
        seconds = {path.name: cpu_seconds(lambda path=path: index_bam(path)) for path in (subreads, drafts)}
        with_index = costs()
        print(f"{molecules} molecules")
        print(f"{'':24}{'without index':>24}{'with':>24}")
        for name, (cpu, records), (less, fewer) in zip(choices, without, with_index, strict=True):
            print(f"{name:24}{cpu:10.3f} s {records:6} records{less:10.3f} s {fewer:6} records")
        for path in (subreads, drafts):
            sizes = (path.stat().st_size, pbi_path(path).stat().st_size)
            print(f"index of {path.name}: {seconds[path.name]:.3f} s, {sizes[1]} bytes for {sizes[0]}")


if __name__ == "__main__":
    main()
