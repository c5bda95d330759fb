"""How tests run the workflow."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
RULES = REPOSITORY / "workflow" / "rules"
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
SNAKEMAKE = [sys.executable, "-m", "snakemake"]


def sheet_of(rows: Sequence[Mapping[str, object]]) -> str:
    """A sample sheet; every row has the same columns."""
    lines = [rows[0].keys(), *(row.values() for row in rows)]
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


def configured(folder: Path, rows: Sequence[Mapping[str, object]], **settings: Any) -> list[str]:
    """Write a configuration and its sample sheet into a folder, and give the command that runs the workflow there."""
    (folder / "samples.tsv").write_text(sheet_of(rows))
    (folder / "run.json").write_text(json.dumps({"samples": "samples.tsv"} | settings))
    snakefile = str(REPOSITORY / "workflow" / "Snakefile")
    return [*SNAKEMAKE, "-s", snakefile, "-d", str(folder), "--configfile", f"{folder}/run.json"]


def run(
    command: Sequence[str], *options: str, cwd: Path | None = None, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command; programs in the folder ``path`` come first."""
    environment = ENVIRONMENT | ({"PATH": f"{path}{os.pathsep}{ENVIRONMENT['PATH']}"} if path else {})
    return subprocess.run([*command, *options], capture_output=True, text=True, env=environment, check=False, cwd=cwd)


def run_well(command: Sequence[str], *options: str, **places: Path) -> str:
    """What a command prints that has to succeed."""
    done = run(command, *options, **places)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
