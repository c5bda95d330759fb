"""``doctor``: what an installation consists of, and whether it works."""

import importlib.metadata
import sys

import pytest
from support import Commands

from deepconsensus_py import __version__


def facts(out: str) -> dict[str, str]:
    return dict(line.split("\t") for line in out.splitlines())


def test_it_shows_versions_machine_models_and_cache(run: Commands) -> None:
    done = run("doctor")
    assert (done.status, done.err) == (0, "")
    found = facts(done.out)
    assert found["deepconsensus-py"].startswith(f"{__version__}, ")
    libraries = ("edlib", "numba", "numpy", "pysam", "pyyaml", "torch", "jinja2", "snakemake")
    assert {name: found[name] for name in libraries} == {name: importlib.metadata.version(name) for name in libraries}
    assert found.keys() >= {"python", "system", "cores", "memory", "device", "compiled code"}
    assert [line for line in done.out.splitlines() if line.startswith("model\t")] == [
        "model\tedits (default)",
        "model\tpairhmm",
        "model\tvote",
    ]


def test_a_library_that_cannot_be_imported_is_named(run: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "edlib", None)
    done = run("doctor")
    assert done.status == 1
    assert "cannot be imported: ModuleNotFoundError" in facts(done.out)["edlib"]


def test_missing_libraries_fail_only_where_all_commands_need_them(
    run: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = importlib.metadata.version

    def without(*missing: str) -> None:
        def version(name: str) -> str:
            if name in missing:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions(name)

        monkeypatch.setattr(importlib.metadata, "version", version)

    without("snakemake")
    done = run("doctor")
    assert done.status == 0
    assert facts(done.out)["snakemake"] == "not installed (pip install 'deepconsensus-py[workflow]' installs it)"
    without("pysam")
    done = run("doctor")
    assert done.status == 1
    assert facts(done.out)["pysam"].startswith("not installed")
