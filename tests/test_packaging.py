"""Recipes of packages and images agree with the project; the wheel itself is tried by .ci/run."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from deepconsensus_py import __version__

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGING = REPOSITORY / "packaging"
PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]

CONDA_NAMES = {"edlib": "python-edlib", "matplotlib": "matplotlib-base"}
"""Names that differ in conda-forge and bioconda."""


@pytest.fixture
def recipe() -> dict[str, Any]:
    """The recipe as conda-build renders it."""
    template = jinja2.Template((PACKAGING / "meta.yaml").read_text(), undefined=jinja2.StrictUndefined)
    return yaml.safe_load(template.render(PYTHON="python", pin_subpackage=lambda name, max_pin: f"{name} {max_pin}"))


def bounds(requirements: list[str]) -> dict[str, str]:
    pairs = [re.fullmatch(r"([\w-]+) *(\S*)", line.strip()) for line in requirements]
    return {pair[1]: pair[2] for pair in pairs if pair}


def test_the_recipe_has_the_version_and_the_dependencies_of_the_project(recipe: dict[str, Any]) -> None:
    assert recipe["package"] == {"name": PROJECT["name"], "version": __version__}
    asked = bounds(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["report"])
    wanted = {CONDA_NAMES.get(name, name): bound for name, bound in asked.items()}
    assert bounds(recipe["requirements"]["run"]) == {"python": PROJECT["requires-python"], **wanted}
    assert recipe["build"]["entry_points"] == [" = ".join(script) for script in PROJECT["scripts"].items()]
    assert recipe["about"]["license"] == PROJECT["license"]


def test_images_are_made_of_files_that_there_are() -> None:
    dockerfile, definition = ((PACKAGING / name).read_text() for name in ("Dockerfile", "deepconsensus-py.def"))
    (copied,) = re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE)
    files = definition.partition("%files\n")[2].partition("\n\n")[0].splitlines()
    sources = {*copied.split(), *(line.split()[0] for line in files)}
    assert sources == {"dist/deepconsensus_py-*.whl", "dist", "constraints.txt", "packaging/install_wheel.sh"}
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == re.findall(r"^From: (\S+)", definition, re.MULTILINE)


def test_make_installs_for_the_demo_what_it_runs_and_for_tests_everything(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)

    def extras(*targets: str) -> list[list[str]]:
        done = subprocess.run(["make", "-n", *targets], cwd=tmp_path, capture_output=True, text=True, check=True)
        return [found.split(",") for found in re.findall(r"-e '\.\[(.*?)\]'", done.stdout)]

    assert extras("demo") == [["workflow", "report"]]
    (everything,) = extras("test")
    # SLURM's plugin is tested where it is installed by hand.
    assert sorted(everything) == sorted(PROJECT["optional-dependencies"].keys() - {"cluster"})
    (tmp_path / ".venv").mkdir()
    for stamp in ("created", "for_demo"):
        (tmp_path / ".venv" / stamp).touch()
    assert extras("demo") == []
    assert extras("test") == [everything]
    (tmp_path / ".venv" / "for_tests").touch()
    assert extras("demo", "test") == []
    os.utime(tmp_path / "constraints.txt", (2**32, 2**32))
    assert extras("demo") == [["workflow", "report"]]
