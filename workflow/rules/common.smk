# Shared by the rules: the validated configuration and sample sheet, and functions that make file names and options.

from pathlib import Path
from shlex import quote

import pandas as pd
from snakemake.utils import validate

validate(config, "../schemas/config.schema.yaml")

SAMPLES = pd.read_csv(config["samples"], sep="\t", dtype=str, comment="#").set_index("sample", drop=False)
validate(SAMPLES, "../schemas/samples.schema.yaml")
if not SAMPLES.index.is_unique:
    raise WorkflowError(f"{config['samples']}: sample names must be unique")
FOR_OTHERS = [
    ".ccs_report.json",
    ".ccs_report.txt",
    *(f".deepconsensus_{name}_mqc.json" for name in ("general", "quality", "yield", "passes", "lengths")),
]
"""What stands beside reads for laboratory systems and MultiQC."""

WITH_TRUTH = SAMPLES.index[SAMPLES["truth"].notna()] if "truth" in SAMPLES else []


wildcard_constraints:
    sample="[A-Za-z0-9_.-]+",
    scatteritem=r"\d+-of-\d+",


def results(path):
    """The path of a result."""
    return f"{config['results']}/{path}"


def sheet(column):
    """The file of a sample in a column of the sample sheet, as an input function."""
    return lambda wildcards: SAMPLES.at[wildcards.sample, column]


def indexed(column):
    """The file of a sample in a column of the sample sheet, with its index, as an input function.

    A BAM file without an index is linked into the results and indexed there; other formats have no index.
    """

    def files(wildcards):
        path = sheet(column)(wildcards)
        if not path.endswith(".bam"):
            return [path]
        if not Path(f"{path}.pbi").exists():
            path = results(f"{wildcards.sample}/indexed/{column}.bam")
        return [path, f"{path}.pbi"]

    return files


def given(name):
    """An option of polish if the configuration sets it; else polish uses its own default."""
    return f"--{name} {quote(config[name])}" if name in config else ""


def chunk(wildcards):
    """The chunk of a scattered job, e.g. 2/7."""
    return wildcards.scatteritem.replace("-of-", "/")
