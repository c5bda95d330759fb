"""Longer inputs from a short one: the same molecules several times over, under other hole numbers.

    python benchmarks/copies.py SUBREADS.bam CCS.bam -n 5 -o FOLDER

writes FOLDER/SUBREADS.bam and FOLDER/CCS.bam. The first copy is the input itself; each other one follows in the same
order with its hole numbers raised by as much as the input spans, so that all numbers differ and rise where they rose.
"""

import argparse
from collections.abc import Collection, Iterator
from pathlib import Path

import pysam

from deepconsensus_py.pacbio.records import set_tags


def write_copies(
    subreads: Path, ccs: Path, copies: int, folder: Path, holes: Collection[int] | None = None
) -> tuple[Path, Path]:
    """Write a pair of files several times over.

    Args:
        subreads: BAM of subreads, aligned to their drafts or not.
        ccs: BAM of their drafts.
        copies: how many times each molecule stands in the outputs; with 1 they equal the inputs.
        folder: where the two outputs go, under the inputs' names; not the inputs' own.
        holes: the molecules to copy; None for all.

    Returns:
        The two outputs: subreads, drafts.

    Raises:
        ValueError: the outputs would replace the inputs, or a copy needs a hole number beyond 32 bits.
    """
    present = [hole for path in (subreads, ccs) for hole in hole_numbers(path)]
    step = max(present) - min(present) + 1
    if max(present) + step * (copies - 1) > 2**31 - 1:
        raise ValueError(f"{subreads}: {copies} copies need hole numbers beyond 32 bits; ask for fewer")
    folder.mkdir(parents=True, exist_ok=True)
    outputs = folder / subreads.name, folder / ccs.name
    if {path.resolve() for path in outputs} & {subreads.resolve(), ccs.resolve()} or outputs[0] == outputs[1]:
        raise ValueError(f"{folder} has the inputs; choose another folder")
    for source, target in zip((subreads, ccs), outputs, strict=True):
        _write(source, target, [step * copy for copy in range(copies)], set(present if holes is None else holes))
    return outputs


def hole_numbers(path: Path) -> Iterator[int]:
    """The hole number of every record."""
    with _opened(path) as records:
        yield from (record.get_tag("zm") for record in records)


def shortest(ccs: Path) -> int:
    """The hole number of the shortest draft."""
    with _opened(ccs) as records:
        return min((record.query_length, record.get_tag("zm")) for record in records)[1]


def renamed(name: str, shift: int) -> str:
    """A read name under another hole number: ``movie/zmw/rest``."""
    movie, hole, *rest = name.split("/")
    return "/".join((movie, str(int(hole) + shift), *rest))


def _write(source: Path, target: Path, shifts: list[int], holes: set[int]) -> None:
    with _opened(source) as records:
        own = records.header.to_dict()
    references = own.get("SQ", [])
    copied = [line | {"SN": renamed(line["SN"], shift)} for shift in shifts for line in references]
    header = pysam.AlignmentHeader.from_dict(own | {"SQ": copied} if references else own)
    with pysam.AlignmentFile(str(target), "wb", header=header) as out:
        for copy, shift in enumerate(shifts):
            with _opened(source) as records:
                for record in records:
                    if record.get_tag("zm") in holes:
                        out.write(_shifted(record, header, shift, copy * len(references)))


def _shifted(
    record: pysam.AlignedSegment, header: pysam.AlignmentHeader, shift: int, references: int
) -> pysam.AlignedSegment:
    """The same record of another hole, aligned to that hole's draft."""
    copy = pysam.AlignedSegment(header)
    copy.query_name, copy.flag = renamed(record.query_name, shift), record.flag
    copy.reference_id = -1 if record.reference_id < 0 else record.reference_id + references
    copy.reference_start, copy.mapping_quality = record.reference_start, record.mapping_quality
    copy.cigartuples = record.cigartuples
    copy.query_sequence = record.query_sequence
    copy.query_qualities = record.query_qualities
    tags = record.get_tags(with_value_type=True)
    numbered = [(tag, value + shift if tag == "zm" else value, code) for tag, value, code in tags]
    set_tags(copy, numbered)
    return copy


def _opened(path: Path) -> pysam.AlignmentFile:
    pysam.set_verbosity(0)  # Files of unaligned reads have no index, which is no news.
    return pysam.AlignmentFile(str(path), check_sq=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subreads", type=Path)
    parser.add_argument("ccs", type=Path)
    parser.add_argument("-n", "--copies", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    args = parser.parse_args()
    for path in write_copies(args.subreads, args.ccs, args.copies, args.output):
        print(path)


if __name__ == "__main__":
    main()
