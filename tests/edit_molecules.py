"""Molecules for the tests of homopolymers: random ones with known alignments, and the real ones with their truth."""

import re
from dataclasses import dataclass
from pathlib import Path

import edlib
import numpy as np
import pysam
from hypothesis import strategies as st
from support import alignment_of

from deepconsensus_py.align import cigar
from deepconsensus_py.pacbio.molecule import Alignment, Draft, Pass, Zmw, decode_bases, encode_bases
from deepconsensus_py.pacbio.zmws import read_zmws

_CODES = {"M": cigar.MATCH, "I": cigar.INSERTION, "D": cigar.DELETION}
_EDLIB = {"=": cigar.EQUAL, "X": cigar.DIFFERENT, "I": cigar.INSERTION, "D": cigar.DELETION}


@dataclass(frozen=True)
class Known:
    """A molecule with its true sequence."""

    zmw: Zmw
    truth: np.ndarray

    @property
    def alignment(self) -> Alignment:
        """Of the truth to the draft."""
        return global_alignment(self.truth, self.zmw.draft.bases)


def global_alignment(query: np.ndarray, target: np.ndarray) -> Alignment:
    """End to end at unit cost."""
    path = edlib.align(decode_bases(query), decode_bases(target), mode="NW", task="path")["cigar"]
    operations = [(_EDLIB[op], int(n)) for n, op in re.findall(r"(\d+)([=XID])", path)]
    codes, lengths = np.array(operations).T
    return Alignment(0, codes.astype(np.uint8), lengths.astype(np.int32))


def distance(one: np.ndarray, other: np.ndarray) -> int:
    return edlib.align(decode_bases(one), decode_bases(other))["editDistance"]


def known_molecules(folder: Path, fewest_passes: int) -> list[Known]:
    with pysam.FastxFile(str(folder / "truth.fasta")) as fasta:
        truths = {record.name.split("/")[1]: encode_bases(record.sequence.upper()) for record in fasta}
    zmws = read_zmws([folder / "subreads_to_ccs.bam"], folder / "ccs.bam")
    return [
        Known(zmw, truths[zmw.name.split("/")[1]])
        for zmw in zmws
        if len(zmw.passes) >= fewest_passes and zmw.name.split("/")[1] in truths
    ]


def make_pass(
    bases: str | np.ndarray,
    alignment: Alignment | None = None,
    *,
    draft: str | None = None,
    reverse: bool = False,
    kinetics: bool = True,
) -> Pass:
    """A pass, aligned as given or else end to end to a draft; its kinetics are different for each base."""
    codes = encode_bases(bases) if isinstance(bases, str) else bases
    if alignment is None:
        alignment = global_alignment(codes, encode_bases(draft))
    count = np.arange(len(codes))
    widths, waits = (count * 7 % 60 + 1).astype(np.uint8), (count * 11 % 200 + 1).astype(np.uint8)
    if not kinetics:
        return Pass("m/1/0_9", codes, None, None, None, alignment, reverse)
    return Pass("m/1/0_9", codes, widths, waits, None, alignment, reverse)


def make_zmw(draft: str, *passes: str | Pass, qualities: np.ndarray | None = None) -> Zmw:
    """A molecule of passes given as such or as sequences; the latter are of alternating strands."""
    made = [
        p if isinstance(p, Pass) else make_pass(p, draft=draft, reverse=bool(number % 2))
        for number, p in enumerate(passes)
    ]
    return Zmw(Draft("m/1/ccs", encode_bases(draft), qualities), tuple(made))


@st.composite
def zmws(draw: st.DrawFn, *, letters: str = "AAACCTN", fewest: int = 1) -> Zmw:
    """Molecules of a short draft and passes with many errors, clips and alignments to a part of the draft."""
    draft = draw(st.text(letters, min_size=6, max_size=30))
    passes = [draw(_aligned(len(draft), letters)) for _ in range(draw(st.integers(fewest, 4)))]
    qualities = draw(st.one_of(st.none(), st.lists(st.integers(1, 93), min_size=len(draft), max_size=len(draft))))
    codes = None if qualities is None else np.array(qualities, np.uint8)
    return Zmw(Draft("m/1/ccs", encode_bases(draft), codes), tuple(passes))


@st.composite
def _aligned(draw: st.DrawFn, draft_length: int, letters: str) -> Pass:
    start = draw(st.integers(0, draft_length - 3))
    span = draw(st.integers(2, draft_length - start))
    middle = draw(st.lists(st.sampled_from("MMMMMDIi"), min_size=span - 2, max_size=span - 2))
    # Lower case: inserted in front of an aligned base.
    columns = "".join("IM" if c == "I" else "IIM" if c == "i" else c for c in ["M", *middle, "M"])
    head, tail = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    n_bases = head + tail + sum(c != "D" for c in columns)
    bases = draw(st.text(letters, min_size=n_bases, max_size=n_bases))
    alignment = alignment_of(np.array([_CODES[c] for c in columns], np.uint8), start=start, head=head, tail=tail)
    return make_pass(bases, alignment, reverse=draw(st.booleans()), kinetics=draw(st.booleans()))
