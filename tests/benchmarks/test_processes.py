"""What commands cost is counted over all their processes."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MIB = 2**20

IN_A_CHILD = """
import subprocess, sys
held = bytearray({size} * 2**20)
program = "import pathlib, time; held = bytearray({size} * 2**20); pathlib.Path({held!r}).touch()\\n"
program += "while not pathlib.Path({seen!r}).exists(): time.sleep(0.01)"
subprocess.run([sys.executable, "-c", program], check=True)
"""


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import processes

    return processes


def python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]


def test_memory_is_that_of_the_whole_tree(processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def peak(size: int) -> int:
        held, seen, looks = tmp_path / f"held{size}", tmp_path / f"seen{size}", []

        def look(*given) -> None:
            looks.extend([1] if held.exists() else [])
            # Whole looks at both since they hold what they are to hold; one alone once missed the child.
            if len(looks) == 5:
                seen.touch()
            wait(*given)

        with monkeypatch.context() as patch:
            patch.setattr(processes, "_wait", look)
            return processes.measure(python(IN_A_CHILD.format(size=size, held=str(held), seen=str(seen)))).peak_bytes

    wait = processes._wait
    small, large = peak(1), peak(64)
    assert 2 * 60 * MIB < large - small < 2 * 66 * MIB


def test_processor_seconds_are_those_of_the_commands(processes) -> None:
    busy = python("import time\nwhile time.process_time() < 0.3: pass")
    assert 0.3 < processes.measure(busy).cpu_seconds < 0.8
    assert 0.6 < processes.measure(busy, busy).cpu_seconds < 1.6


def test_processor_seconds_include_processes_that_nobody_waited_for(processes) -> None:
    burn = "import time\nwhile time.process_time() < 0.6: pass"
    leaves = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', {burn!r}]); time.sleep(0.3)"
    assert processes.measure(python(leaves)).cpu_seconds > 0.6


def test_commands_run_side_by_side(processes, tmp_path: Path) -> None:
    wait = "import pathlib, sys, time\npathlib.Path({own!r}).touch()\n"
    wait += "while not pathlib.Path({other!r}).exists(): time.sleep(0.01)"
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    processes.measure(python(wait.format(own=one, other=two)), python(wait.format(own=two, other=one)))


def test_lines_come_in_order_with_their_time(processes) -> None:
    write = (
        "import sys, time\nprint('one', file=sys.stderr, flush=True)\ntime.sleep(0.3)\nprint('two', file=sys.stderr)"
    )
    (first, one), (second, two) = processes.measure(python(write)).log
    assert (one, two) == ("one", "two")
    assert 0 < first <= second
    assert second > 0.3


def test_what_fails_stops_with_its_last_lines(processes) -> None:
    with pytest.raises(SystemExit, match="status 1:\nno such thing"):
        processes.measure(python("raise SystemExit('no such thing')"))
