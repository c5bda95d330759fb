# Shared by the rules: the validated configuration, names of results, and resources.

import math
import re
import shlex
from pathlib import Path

from snakemake.utils import validate

try:
    validate(config, "../schemas/config.schema.yaml")
except WorkflowError as fault:
    what = fault.__cause__ or fault.__context__
    names = ".".join(map(str, getattr(what, "absolute_path", ())))
    raise WorkflowError(f"configuration: {names}{': ' if names else ''}{getattr(what, 'message', fault)}") from None

FOR_OTHERS = [
    ".ccs_report.json",
    ".ccs_report.txt",
    *(f".deepconsensus_{name}_mqc.json" for name in ("general", "quality", "yield", "passes", "lengths")),
]
"""What stands beside reads for laboratory systems and MultiQC."""

INDEX_IN_MEMORY = 2
"""Bytes of memory for each byte of an index; 1 was measured, of an index of 5 million subreads."""


wildcard_constraints:
    sample="[A-Za-z0-9][A-Za-z0-9_.-]*",
    scatteritem=r"\d+-of-\d+",


def results(path):
    """The path of a result."""
    return f"{config['results']}/{path}"


def chunk(wildcards):
    """The chunk of a scattered job, e.g. 2/7."""
    return wildcards.scatteritem.replace("-of-", "/")


def more_each_time(amount, attempt):
    """A resource that doubles with each attempt, so that a job that was killed for exceeding it passes later."""
    return math.ceil(amount * 2 ** (attempt - 1))


def memory(base, per_thread=0):
    """MB of memory as a resource function; all that read an index hold it."""

    def needed(wildcards, input, threads, attempt):
        indexes = sum(size for path, size in zip(input, input.size_files_mb) if path.endswith(".pbi"))
        return more_each_time(base + per_thread * threads + INDEX_IN_MEMORY * indexes, attempt)

    return needed


def minutes(base, seconds_per_mb=0):
    """Minutes as a resource function.

    base: what a job takes whatever its input, in minutes.
    seconds_per_mb: CPU seconds for each MB of its share of the input, divided among its threads.
    """

    def needed(wildcards, input, threads, attempt):
        chunks = int(wildcards.scatteritem.split("-of-")[1]) if "scatteritem" in wildcards.keys() else 1
        work = seconds_per_mb * input.size_mb / chunks / threads / 60 if seconds_per_mb else 0
        return more_each_time(base + work, attempt)

    return needed
