"""Small made files: subreads, drafts, and ways to damage them."""

from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pysam
import pytest

MOVIE = "m64011_190228_190319"
READ_TYPE = {"subreads": "SUBREAD", "drafts": "CCS"}
N_BASES = 60


def header(sort: str, references: Sequence[tuple[str, int]] = ()) -> pysam.AlignmentHeader:
    """A header with one read group of the sort of reads, and references where there are any."""
    sequences = "".join(f"@SQ\tSN:{name}\tLN:{length}\n" for name, length in references)
    read_group = f"@RG\tID:aaaa0000\tPL:PACBIO\tDS:READTYPE={READ_TYPE[sort]}\tPU:{MOVIE}\n"
    return pysam.AlignmentHeader.from_text(f"@HD\tVN:1.6\tSO:unknown\n{sequences}{read_group}@PG\tID:ccs\tPN:ccs\n")


def write(path: Path, head: pysam.AlignmentHeader, records: Iterable[dict[str, object]]) -> Path:
    """A BAM, SAM or CRAM of SAM-like records."""
    mode = {".bam": "wb", ".sam": "w", ".cram": "wc"}[path.suffix]
    with pysam.AlignmentFile(str(path), mode, header=head) as file:
        for fields in records:
            file.write(pysam.AlignedSegment.from_dict({**EMPTY, **fields}, head))
    return path


EMPTY = {
    "flag": "4",
    "ref_name": "*",
    "ref_pos": "0",
    "map_quality": "255",
    "cigar": "*",
    "next_ref_name": "*",
    "next_ref_pos": "0",
    "length": "0",
    "seq": "*",
    "qual": "*",
    "tags": [],
}


class Maker:
    """Makes files in one folder; a molecule's bases follow from its hole number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.movie = MOVIE

    def bases(self, hole: int, start: int = 0) -> str:
        """The bases of a molecule or of one of its passes."""
        return "".join(np.random.default_rng([hole, start]).choice(list("ACGT"), N_BASES))

    def subread(self, hole: int, number: int, *, tags: list[str] | None = None, **fields: str) -> dict[str, object]:
        """One pass; ``tags`` replace the kinetics."""
        start = 100 * number
        codes = ",".join(str((hole + start + i) % 256) for i in range(N_BASES))
        kinetics = [f"ip:B:C,{codes}", f"pw:B:C,{codes}", "sn:B:f,5,6,7,8"]
        return {
            "name": f"{self.movie}/{hole}/{start}_{start + N_BASES}",
            "seq": self.bases(hole, start + 1),
            "tags": [f"zm:i:{hole}", "cx:i:3", *(kinetics if tags is None else tags), "RG:Z:aaaa0000"],
            **fields,
        }

    def subreads(self, holes: Iterable[int], name: str = "subreads.bam", passes: int = 3) -> Path:
        """Raw subreads of molecules."""
        records = (self.subread(hole, number) for hole in holes for number in range(passes))
        return self.records(records, name)

    def records(self, records: Iterable[dict[str, object]], name: str = "made.bam") -> Path:
        """Raw subreads, as given."""
        return write(self.folder / name, header("subreads"), records)

    def aligned(self, names: Sequence[str], name: str = "aligned.bam", passes: int = 3) -> Path:
        """Subreads aligned to drafts, strands alternating, with a pass unmapped and a secondary one after each."""
        references = [(f"{self.movie}/{draft}", N_BASES) for draft in names]
        records = []
        for draft, _ in references:
            place = {"ref_name": draft, "ref_pos": "1", "map_quality": "60", "cigar": f"{N_BASES}="}
            hole = int(draft.split("/")[1])
            records += [self.subread(hole, i, flag=str(16 * (i % 2)), **place) for i in range(passes)]
            records += [self.subread(hole, passes), self.subread(hole, passes + 1, flag="256", **place)]
        return write(self.folder / name, header("subreads", references), records)

    def drafts(self, names: Iterable[int | str], name: str = "ccs.bam") -> Path:
        """Drafts: hole numbers, or names after the movie."""
        full = [f"{self.movie}/{draft}" + ("/ccs" if isinstance(draft, int) else "") for draft in names]
        sequences = [(read, self.bases(int(read.split("/")[1]) if read.count("/") > 1 else 0)) for read in full]
        path = self.folder / name
        if path.suffix == ".bam":
            records = [{"name": n, "seq": s, "qual": "I" * N_BASES, "tags": ["np:i:3"]} for n, s in sequences]
            return write(path, header("drafts"), records)
        path.write_text("".join(f"@{n} comment\n{s}\n+\n{'I' * N_BASES}\n" for n, s in sequences))
        return path


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    """A maker of files in the test's own folder."""
    return Maker(tmp_path)


@pytest.fixture
def tag_of_every_type() -> tuple[tuple[str, object, str], ...]:
    """One tag of each BAM type and array element type, and an empty array."""
    whole = [("AA", "x", "A"), ("ff", 1.5, "f"), ("zz", "two words", "Z"), ("hh", "1AFF", "H")]
    numbers = [(f"i{code}", 5, code) for code in "cCsSiI"]
    arrays = [(f"b{code}", array(code, [1, 2, 3]), "B") for code in "bBhHiIf"]
    return (*whole, *numbers, *arrays, ("fi", array("B"), "B"))
