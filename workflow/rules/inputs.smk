# The files that commands read: those of a sample, with their indexes, or feature shards.

READS = {
    "subreads": sheet("subreads"),
    "subreads_indexes": indexes("subreads"),
    "ccs": sheet("ccs"),
    "ccs_indexes": indexes("ccs"),
}
"""The reads of a sample, as input functions."""


def reads(wildcards):
    """The reads of a sample, as inputs by name."""
    return {name: of(wildcards) for name, of in READS.items()}


def linked(input, folder):
    """The files of a sample as they are given to a command, and the links that this needs.

    An index must be beside its file, and folders of inputs may be read-only: a file whose index was made by the workflow
    is given as a link, beside one to its index.

    input: has the reads.
    folder: for links.

    Returns the files by column, and pairs of a file and its link.
    """
    files, links = {}, []
    for column in FILES:
        made = iter(input[f"{column}_indexes"])
        files[column] = []
        for number, path in enumerate(input[column], 1):
            index = next(made) if path.endswith(".bam") else None
            if index and index != f"{path}.pbi":
                link = f"{folder}/{column}.{number}.bam"
                links += [path, link, index, f"{link}.pbi"]
                path = link
            files[column].append(path)
    return files, links


def from_reads(files):
    """The words that give files to a command."""
    return [*files["subreads"], *(word for path in files["ccs"] for word in ("--ccs", path))]


LINK_INPUTS = (
    "set -- {params.links:q}; while [ $# -gt 0 ];"
    ' do mkdir -p "$(dirname "$2")"; ln -sfn "$(realpath "$1")" "$2"; shift 2; done; '
)
"""Shell code that makes the links of params.links, pairs of a file and its link."""


def counted_from(wildcards):
    """What the ZMWs or reads of a sample are counted in."""
    hifi = SAMPLES[wildcards.sample]["hifi"]
    return {"hifi": hifi} if hifi else reads(wildcards)


def counted(wildcards, input, output):
    """The command that counts them, with its links."""
    if wildcards.sample in CORRECTED:
        return ["correct", *input.hifi, *aligned(wildcards)], []
    files, links = linked(input, f"{output[0]}.inputs")
    return ["polish", *from_reads(files)], links


def one_file_before(wildcards):
    """The reads of a sample before polishing or correction, where they are in one file."""
    files = SAMPLES[wildcards.sample]["ccs"] + SAMPLES[wildcards.sample]["hifi"]
    return files * (len(files) == 1)


def aligned(wildcards):
    """The option for HiFi reads that are aligned to a reference."""
    return ["--aligned"] * (SAMPLES[wildcards.sample]["aligned"] == "true")


def overlaps(wildcards):
    """The overlaps of a sample's HiFi reads; none where their alignments tell."""
    return [] if aligned(wildcards) else chunks(results("{sample}/chunks/{scatteritem}.paf.gz"))(wildcards)


def order(wildcards):
    """The files whose order gathered reads have, where chunks are in another one."""
    return [] if aligned(wildcards) else SAMPLES[wildcards.sample]["hifi"]


def polished_from(wildcards):
    """A chunk's feature shard, or the reads of its sample."""
    if encoded_apart(wildcards.sample):
        return {"shard": results(f"{wildcards.sample}/chunks/{wildcards.scatteritem}.shard")}
    return reads(wildcards)


def polish_source(wildcards, input, output):
    """The words that give a chunk's shard or reads to polish."""
    if encoded_apart(wildcards.sample):
        return ["--features", input.shard]
    return from_reads(linked(input, f"{output.bam}.inputs")[0])


def polish_links(wildcards, input, output):
    """The links that polish needs, pairs of a file and its link."""
    return [] if encoded_apart(wildcards.sample) else linked(input, f"{output.bam}.inputs")[1]
