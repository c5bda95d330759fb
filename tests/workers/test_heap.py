"""Memory of large arrays goes back to the system."""

import subprocess
import sys

import pytest

from deepconsensus_py.workers.pool import keep_heap_small

HELD = """
import sys
import numpy as np
from deepconsensus_py.workers.pool import keep_heap_small
if sys.argv[1] == "small":
    keep_heap_small()
resident = lambda: int(open("/proc/self/statm").read().split()[1]) * 4096
np.ones(30 << 20, np.uint8)  # freed: without a bound, arrays of this size come from the heap from now on
before = resident()
arrays = [np.ones(6 << 20, np.uint8) for _ in range(20)]
last = np.ones(1 << 10, np.uint8)
del arrays[:-1]
print(resident() - before)
"""


def held(how: str) -> int:
    run = subprocess.run([sys.executable, "-c", HELD, how], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux") or not keep_heap_small(), reason="needs the GNU C library")
def test_freed_arrays_are_not_kept() -> None:
    assert held("small") < 16 << 20 < held("as it is")
