"""What workers are forked from has the encoder's code, and nothing that a model does not need."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from deepconsensus_py.workers.ordered import ordered_map
from deepconsensus_py.polishing.prepare import prepare_workers
from support import has_modules

prepare_workers({model!r})
names = ["deepconsensus_py.polishing.encode", "deepconsensus_py.edits.compiled", "torch"]
print(*next(ordered_map(has_modules, [names], 2, processes=True)))
"""


@pytest.mark.parametrize("model", ["edits", "pairhmm", "vote", "file", "nonsense"])
def test_workers_begin_with_what_their_model_needs(model: str, tiny_model: Path) -> None:
    name = str(tiny_model) if model == "file" else model
    program = PROGRAM.format(tests=str(Path(__file__).parents[1]), model=name)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    expected = {"nonsense": "False False False", "edits": "True True False", "pairhmm": "True True False"}
    assert done.stdout.strip() == expected.get(model, "True False False")
