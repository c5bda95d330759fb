"""The benchmark on SLURM: where it cannot run it says why, and what it reads from the accounting."""

import sys
from pathlib import Path

import pytest

CLUSTER = Path(__file__).resolve().parents[2] / "benchmarks" / "cluster"


@pytest.fixture
def cases(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(CLUSTER))
    import cases

    return cases


@pytest.mark.parametrize(
    ("user", "programs", "reason"),
    [(1000, "/usr/bin/{}", "SLURM's nodes run as root; this is not root"), (0, None, "there is no apt-get")],
)
def test_where_it_cannot_run_it_says_why(cases, monkeypatch, capsys, tmp_path, user: int, programs, reason) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    monkeypatch.setattr("shutil.which", lambda name: programs and programs.format(name))
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(sys, "argv", ["cases.py", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        cases.main()
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("skipped: ")
    assert out.endswith(f"{reason}\n")
    assert not list(tmp_path.iterdir())


def test_times_of_the_accounting(cases) -> None:
    assert [cases.seconds(text) for text in ("00:01.952", "01:30.5", "02:00:00", "1-00:00:01")] == [
        1.952,
        90.5,
        7200,
        86401,
    ]


def test_the_first_attempt_asks_for_what_the_case_assumes(cases) -> None:
    rule = (cases.REPOSITORY / "workflow" / "rules" / "polish.smk").read_text()
    assert "mem_mb=memory(700, per_thread=300)" in rule
    assert cases.OF_FIRST_ATTEMPT_MB == 700 + 300
