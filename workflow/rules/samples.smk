# The sample sheet: a tab-separated table with a row for each movie of a sample.

import csv

SOURCES = ("subreads", "hifi")
FILES = ("subreads", "ccs")
LISTS = (*FILES, "hifi")
CHOICES = {
    "kinetics": ("", "auto", "on", "off"),
    "by_strand": ("", "true", "false"),
    "aligned": ("", "true", "false"),
}


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
    return lines or refuse(f"is empty; the first line names the columns (sample, subreads, ccs, ...)")


def sheet_rows():
    """Every row of the sheet as a dictionary, with its line number."""
    (_, head), *lines = sheet_lines()
    names = [name.strip() for name in next(csv.reader([head], delimiter="\t"))]
    if "sample" not in names:
        refuse("has no column 'sample'" + ("; separate columns by tabs, not commas" if "," in head else ""))
    if not set(SOURCES) & set(names):
        refuse("has no column 'subreads', nor 'hifi'")
    if len(set(names)) < len(names):
        refuse(f"has several columns {max(names, key=names.count)!r}; give each column its own name")
    for number, line in lines:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter="\t"))]
        if len(cells) > len(names):
            refuse(f"line {number} has {len(cells)} cells, but there are {len(names)} columns")
        yield number, dict(zip(names, cells + [""] * (len(names) - len(cells))))


def checked(number, row):
    """A row whose values can be used."""
    row = dict.fromkeys(("ccs", "truth", *SOURCES), "") | row
    if not row["sample"]:
        refuse(f"line {number} has nothing in column 'sample'")
    given = [name for name in SOURCES if row[name]]
    if not given:
        refuse(f"line {number} has nothing in column 'subreads', nor in 'hifi'")
    if row["hifi"] and (row["subreads"] or row["ccs"]):
        refuse(f"line {number} has 'hifi' reads to correct, and others to polish; use two samples")
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_.-]*", row["sample"]):
        refuse(
            f"line {number}: sample {row['sample']!r} is part of file names; use letters, digits, '.', '_' and '-', and "
            "begin with a letter or digit"
        )
    for name, choices in CHOICES.items():
        row[name] = row.get(name, "").lower()
        if row[name] not in choices:
            refuse(f"line {number}: {name} is {row[name]!r}; it may be {', '.join(choices[1:])} or empty")
    if row["hifi"] and (row["kinetics"] or row["by_strand"] == "true"):
        refuse(f"line {number}: kinetics and by_strand are of reads to polish; 'hifi' reads keep the kinetics they have")
    if row["aligned"] == "true" and not row["hifi"]:
        refuse(f"line {number}: aligned is of 'hifi' reads, of which it has none")
    return row


def read_samples():
    """The samples by name: lists of subreads and CCS files, and the other columns, which all rows of a sample share."""
    samples = {}
    for number, row in sheet_rows():
        row = checked(number, row)
        sample = samples.setdefault(row["sample"], row | {name: [] for name in LISTS})
        for name in row.keys() - LISTS:
            if row[name] != sample[name]:
                refuse(f"line {number}: {name} of sample {row['sample']} is {row[name]!r}, and {sample[name]!r} before")
        for name in LISTS:
            if row[name] in sample[name]:
                refuse(f"line {number}: {row[name]} is there twice; give each file once")
            sample[name] += [row[name]] if row[name] else []
        if sample["hifi"] and sample["subreads"]:
            refuse(f"line {number}: sample {row['sample']} has HiFi reads of some movies only; use two samples")
        if sample["ccs"] and len(sample["ccs"]) < len(sample["subreads"]):
            refuse(f"line {number}: sample {row['sample']} has CCS reads of some movies only; give all or none")
        if sample["ccs"] and sample["by_strand"] == "true":
            refuse(f"line {number}: by_strand builds drafts from the subreads; leave 'ccs' of {row['sample']} empty")
    return samples or refuse("has no samples; add a row for each movie")


SAMPLES = read_samples()
CORRECTED = [name for name, sample in SAMPLES.items() if sample["hifi"]]
POLISHED = [name for name in SAMPLES if name not in CORRECTED]
WITH_TRUTH = [name for name, sample in SAMPLES.items() if sample["truth"]]


def one_of(samples):
    """What a wildcard of these samples has to match."""
    return "|".join(map(re.escape, samples)) or "(?!)"


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
