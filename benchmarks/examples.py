"""Training examples: bytes for each window of 100 columns, and CPU milliseconds for each molecule and batch.

``python benchmarks/examples.py FILE`` measures an example file; molecules of more than 10 passes are measured with
their first 10, too. Files of DeepConsensus v1.2.0 take 35 kB for each window, 3.1 kB compressed (its own test set).
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from deepconsensus_py.examples.example import Example
from deepconsensus_py.examples.file import ExampleFile, write_examples
from deepconsensus_py.examples.windows import WindowSampler, window_examples
from deepconsensus_py.pileup.features import FeatureSpec

REPEATS = 7
BATCH = 256
PASSES = 10


def cpu_ms(work: Callable[[], object]) -> float:
    """Milliseconds of the fastest of several runs."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return 1000 * min(once() for _ in range(REPEATS))


def bytes_per_window(path: Path) -> tuple[float, float]:
    """Bytes for 100 columns, and passes in them on average."""
    entries = ExampleFile(path).entries
    columns = sum(entry.columns for entry in entries)
    return 100 * path.stat().st_size / columns, sum(entry.columns * entry.passes for entry in entries) / columns


def with_passes(example: Example, passes: int) -> Example:
    return Example(replace(example.zmw, passes=example.zmw.passes[:passes]), example.truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    file, spec = ExampleFile(path), FeatureSpec(required=())
    examples = list(file)
    print("{:.0f} bytes for 100 columns at {:.1f} passes".format(*bytes_per_window(path)))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        deep = [with_passes(example, PASSES) for example in examples if len(example.zmw.passes) >= PASSES]
        write_examples(copy, deep)
        print("{:.0f} bytes for 100 columns at {:.1f} passes".format(*bytes_per_window(copy)))
        print(f"write {cpu_ms(lambda: write_examples(copy, examples)) / len(file):.1f} ms a molecule")
    print(f"read {cpu_ms(lambda: list(file)) / len(file):.1f} ms a molecule")
    print(f"cut and label {cpu_ms(lambda: [window_examples(e, spec) for e in examples]) / len(file):.1f} ms a molecule")
    for augment in (None, lambda example, rng: example):  # noqa: ARG005 - a change that changes nothing
        sampler = WindowSampler([file], spec, augment=augment)
        milliseconds = cpu_ms(lambda sampler=sampler: sampler.draw(np.random.default_rng(1), BATCH))
        print(f"batch of {BATCH} windows {milliseconds:.1f} ms, molecules {'changed' if augment else 'as they are'}")


if __name__ == "__main__":
    main()
