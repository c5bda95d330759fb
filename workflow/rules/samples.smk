# The sample sheet: a tab-separated table with a row for each movie of a sample.

import csv

REQUIRED = ("sample", "subreads")
FILES = ("subreads", "ccs")
CHOICES = {"kinetics": ("", "auto", "on", "off"), "by_strand": ("", "true", "false")}


def refuse(what):
    """End with what is wrong with the sample sheet."""
    raise WorkflowError(f"{config['samples']}: {what}")


def sheet_lines():
    """Numbered lines of the sheet, without blank lines and those that begin with #."""
    try:
        text = Path(config["samples"]).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        refuse("is not text in UTF-8; save the sample sheet as tab-separated text")
    except OSError as fault:
        refuse(f"cannot be read ({fault.strerror.lower()}); 'samples' of the configuration names the sample sheet")
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    return lines or refuse(f"is empty; the first line names the columns ({', '.join(REQUIRED)}, ccs, ...)")


def sheet_rows():
    """Every row of the sheet as a dictionary, with its line number."""
    (_, head), *lines = sheet_lines()
    names = [name.strip() for name in next(csv.reader([head], delimiter="\t"))]
    for name in REQUIRED:
        if name not in names:
            refuse(f"has no column {name!r}" + ("; separate columns by tabs, not commas" if "," in head else ""))
    if len(set(names)) < len(names):
        refuse(f"has several columns {max(names, key=names.count)!r}; give each column its own name")
    for number, line in lines:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter="\t"))]
        if len(cells) > len(names):
            refuse(f"line {number} has {len(cells)} cells, but there are {len(names)} columns")
        yield number, dict(zip(names, cells + [""] * (len(names) - len(cells))))


def checked(number, row):
    """A row whose values can be used."""
    for name in REQUIRED:
        if not row[name]:
            refuse(f"line {number} has nothing in column {name!r}")
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_.-]*", row["sample"]):
        refuse(
            f"line {number}: sample {row['sample']!r} is part of file names; use letters, digits, '.', '_' and '-', and "
            "begin with a letter or digit"
        )
    for name, choices in CHOICES.items():
        row[name] = row.get(name, "").lower()
        if row[name] not in choices:
            refuse(f"line {number}: {name} is {row[name]!r}; it may be {', '.join(choices[1:])} or empty")
    return {"ccs": "", "truth": ""} | row


def read_samples():
    """The samples by name: lists of subreads and CCS files, and the other columns, which all rows of a sample share."""
    samples = {}
    for number, row in sheet_rows():
        row = checked(number, row)
        sample = samples.setdefault(row["sample"], row | {name: [] for name in FILES})
        for name in row.keys() - FILES:
            if row[name] != sample[name]:
                refuse(f"line {number}: {name} of sample {row['sample']} is {row[name]!r}, and {sample[name]!r} before")
        for name in FILES:
            if row[name] in sample[name]:
                refuse(f"line {number}: {row[name]} is there twice; give each file once")
            sample[name] += [row[name]] if row[name] else []
        if sample["ccs"] and len(sample["ccs"]) < len(sample["subreads"]):
            refuse(f"line {number}: sample {row['sample']} has CCS reads of some movies only; give all or none")
        if sample["ccs"] and sample["by_strand"] == "true":
            refuse(f"line {number}: by_strand builds drafts from the subreads; leave 'ccs' of {row['sample']} empty")
    return samples or refuse("has no samples; add a row for each movie")


SAMPLES = read_samples()
WITH_TRUTH = [name for name, sample in SAMPLES.items() if sample["truth"]]


def sheet(column):
    """What the sample sheet has in a column, as an input function."""
    return lambda wildcards: SAMPLES[wildcards.sample][column]


# Looked for once, here: with remote storage, functions of rules cannot ask for files.
INDEXED = {
    path
    for sample in SAMPLES.values()
    for column in FILES
    for path in sample[column]
    if path.endswith(".bam") and exists(f"{path}.pbi")
}


def indexes(column):
    """The indexes of a sample's BAM files, as an input function: those beside them, or else made by the workflow."""

    def index(wildcards, number, path):
        own = results(f"{wildcards.sample}/index/{column}.{number}.bam.pbi")
        return f"{path}.pbi" if path in INDEXED else own

    return lambda wildcards: [
        index(wildcards, number, path)
        for number, path in enumerate(SAMPLES[wildcards.sample][column], 1)
        if path.endswith(".bam")
    ]
