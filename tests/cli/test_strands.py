"""Reads by strand, and heteroduplexes: what is planted comes out on its strand."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pysam
import pytest
from numpy.typing import NDArray
from restarts import run_until
from support import Commands, record_lines, records

from deepconsensus_py.align.passes import align_passes
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw, decode_bases, encode_bases, reverse_complement
from deepconsensus_py.pacbio.names import MoleculeId, Strand, read_group_id
from deepconsensus_py.polishing.engine import PolishSettings
from deepconsensus_py.polishing.filters import ReadFilter
from deepconsensus_py.polishing.run import PolishRun, polish_files
from deepconsensus_py.polishing.sources import Reads
from deepconsensus_py.polishing.strands import StrandOptions
from deepconsensus_py.simulate.molecules import SimulatedMolecule, simulate_molecule
from deepconsensus_py.simulate.movies import write_movie
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import Fragment, random_template

FAST = ("--model", "vote", "--min-quality", 0, "--threads", 1)
LENGTH, PLANTED, AROUND = 500, (150, 250, 350), 6
PROFILE = load_profile("sequel2")
MOVIE = PROFILE.instrument.movie
SAME, DIFFERENT, FEW_OF_ONE = 11, 12, 13
"""Holes of a molecule whose strands are equal, of two whose strands differ; one strand of the last has four passes,
one of which errs at one of three places."""

Bases = NDArray[np.uint8]


class Movie(NamedTuple):
    folder: Path
    truth: Bases
    other: Bases

    @property
    def subreads(self) -> Path:
        return self.folder / "subreads.bam"


def passes_of(template: Bases, *, reverse: bool, count: int, rng: np.random.Generator) -> Iterator[Pass]:
    """Full passes of one strand of a molecule, in sequencing orientation."""
    zmw = simulate_molecule(
        template, movie=MOVIE, hole=1, full_passes=2 * count, profile=PROFILE, rng=rng, partial_ends=False
    ).zmw
    aligned = align_passes(Draft("m/1/ccs", template, None), zmw.passes)
    of_strand = [p for p, found in zip(zmw.passes, aligned, strict=True) if found and found.reverse is reverse]
    assert len(of_strand) == count
    yield from of_strand


def molecule(hole: int, strands: tuple[Bases, Bases], counts: tuple[int, int]) -> SimulatedMolecule:
    rng, passes, start = np.random.default_rng(hole), list[Pass](), 0
    snr = np.full(4, 8, np.float32)
    both = [passes_of(strands[k], reverse=bool(k), count=counts[k], rng=rng) for k in range(2)]
    for p in [p for strand in both for p in strand]:
        end = start + len(p.bases)
        known = {"qs": start, "qe": end, "zm": hole}
        tags = tuple((tag, known.get(tag, value), code) for tag, value, code in p.tags)
        passes.append(replace(p, name=f"{MOVIE}/{hole}/{start}_{end}", tags=tags, snr=snr))
        start = end + 50
    draft = Draft(f"{MOVIE}/{hole}/ccs", strands[0], np.full(LENGTH, 40, np.uint8), ())
    whole = Fragment(f"{MOVIE}/{hole}/truth", 0, False, strands[0])
    return SimulatedMolecule(strands[0], Zmw(draft, tuple(passes)), whole)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Movie:
    truth = random_template(LENGTH, PROFILE.passes.homopolymer_share, np.random.default_rng(3))
    other = truth.copy()
    for position in PLANTED:
        neighbours = truth[position - 1 : position + 2].tolist()
        other[position] = next(base for base in range(1, 5) if base not in neighbours)
    folder = tmp_path_factory.mktemp("strands")
    molecules = [
        molecule(SAME, (truth, truth), (9, 9)),
        molecule(DIFFERENT, (truth, other), (9, 9)),
        molecule(FEW_OF_ONE, (truth, other), (14, 4)),
    ]
    write_movie(molecules, folder, "", PROFILE.instrument)
    return Movie(folder, truth, other)


def table(output: Path) -> dict[str, dict[str, str]]:
    lines = gzip.decompress(output.with_suffix(".zmws.tsv.gz").read_bytes()).decode().splitlines()
    head, *rows = (line.split("\t") for line in lines)
    return {row[0].partition("/")[2]: dict(zip(head, row, strict=True)) for row in rows}


def counts(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.with_suffix(".report.json").read_text())["counts"]
    return found


def names(output: Path) -> list[str]:
    return [str(read.query_name).partition("/")[2] for read in records(output)]


def alleles(sequence: str, movie: Movie) -> list[str]:
    """What a read has at each planted place: ``truth``, ``other`` or both strands of it nowhere."""
    found = []
    for position in PLANTED:
        around = slice(position - AROUND, position + AROUND + 1)
        shown = [
            name
            for name, template in (("truth", movie.truth), ("other", movie.other))
            if any(decode_bases(turn(template[around])) in sequence for turn in (np.asarray, reverse_complement))
        ]
        found.append("".join(shown))
    return found


def test_each_strand_of_a_heteroduplex_has_its_own_bases(movie: Movie, tmp_path: Path, run: Commands) -> None:
    output = tmp_path / "out.bam"
    result = run("polish", movie.subreads, "-o", output, *FAST, "--hd-finder", "split", "--min-passes", 3)
    assert "ZMWs whose strands differ: 2" in result.err
    own = (f"{DIFFERENT}/ccs/fwd", f"{DIFFERENT}/ccs/rev", f"{FEW_OF_ONE}/ccs/fwd", f"{FEW_OF_ONE}/ccs/rev")
    assert names(output) == [f"{SAME}/ccs", *own]
    reads = {name: str(read.query_sequence) for name, read in zip(names(output), records(output), strict=True)}
    assert alleles(reads[f"{SAME}/ccs"], movie) == ["truth"] * 3
    shown = {name.rpartition("/")[2]: alleles(reads[name], movie) for name in own[:2]}
    assert sorted(shown.values()) == [["other"] * 3, ["truth"] * 3]
    rows = table(output)
    assert [rows[name]["hd_sites"] for name in names(output)] == ["0", "3", "3", "2", "2"]
    assert {name: counts(output)[name] for name in ("zmws", "molecules", "heteroduplexes")} == {
        "zmws": 3,
        "molecules": 5,
        "heteroduplexes": 2,
    }


def test_a_heteroduplex_with_too_few_passes_of_one_strand_has_no_read(
    movie: Movie, tmp_path: Path, run: Commands
) -> None:
    output = tmp_path / "out.bam"
    result = run("polish", movie.subreads, "-o", output, *FAST, "--hd-finder", "split", "--min-passes", 5)
    assert result.status == 0
    assert f"{FEW_OF_ONE}/ccs: its strands differ at 2 positions" in result.err
    assert names(output) == [f"{SAME}/ccs", f"{DIFFERENT}/ccs/fwd", f"{DIFFERENT}/ccs/rev"]
    row = table(output)[f"{FEW_OF_ONE}/ccs"]
    assert (row["outcome"], row["hd_sites"]) == ("heteroduplex", "2")
    assert counts(output)["heteroduplexes"] == 2


def test_the_report_changes_no_read(movie: Movie, tmp_path: Path, run: Commands) -> None:
    without, with_it = tmp_path / "without.bam", tmp_path / "with.bam"
    run("polish", movie.subreads, "-o", without, *FAST)
    run("polish", movie.subreads, "-o", with_it, *FAST, "--hd-finder", "report")
    assert record_lines(without) == record_lines(with_it)
    assert [row["hd_sites"] for row in table(without).values()] == ["."] * 3
    assert [row["hd_sites"] for row in table(with_it).values()] == ["0", "3", "2"]
    assert (counts(without)["heteroduplexes"], counts(with_it)["heteroduplexes"]) == (0, 2)


def test_ccs_reads_of_heteroduplexes_are_split_too_even_with_aligned_subreads(
    movie: Movie, tmp_path: Path, run: Commands
) -> None:
    drafts, aligned = movie.folder / "ccs.bam", tmp_path / "aligned.bam"
    run("align", movie.subreads, "--ccs", drafts, "-o", aligned)
    written = []
    for number, subreads in enumerate((movie.subreads, aligned)):
        output = tmp_path / f"{number}.bam"
        run("polish", subreads, "--ccs", drafts, "-o", output, *FAST, "--hd-finder", "split")
        written.append(record_lines(output))
    assert written[0] == written[1]
    assert len(written[0]) == 5


def test_by_strand_every_zmw_has_two_reads_in_their_own_directions(movie: Movie, tmp_path: Path, run: Commands) -> None:
    output = tmp_path / "out.bam"
    run("polish", movie.subreads, "-o", output, *FAST, "--by-strand", "--kinetics", "on")
    assert names(output) == [f"{h}/ccs/{s.value}" for h in (SAME, DIFFERENT, FEW_OF_ONE) for s in Strand]
    reads = records(output)
    for forward, reverse in zip(reads[::2], reads[1::2], strict=True):
        turned = reverse_complement_text(str(reverse.query_sequence))
        hit = align_passes(*as_draft_and_pass(str(forward.query_sequence), turned))[0]
        assert hit is not None
        assert not hit.reverse
        for read, strand in ((forward, Strand.FORWARD), (reverse, Strand.REVERSE)):
            tags = dict(read.get_tags())
            assert tags["RG"] == read_group_id(MoleculeId(MOVIE, 1, strand))
            assert len(tags["ip"]) == len(tags["pw"]) == read.query_length
            assert not {"fi", "fp", "ri", "rp", "fn", "rn"} & set(tags)
    assert [read.get_tag("np") for read in reads] == [9, 9, 9, 9, 14, 4]
    with pysam.AlignmentFile(str(output), check_sq=False) as file:
        groups = {group["ID"]: group["DS"] for group in file.header.to_dict()["RG"]}
    assert [ds.rpartition("STRAND=")[2] for ds in groups.values()][1:] == ["FORWARD", "REVERSE"]
    found = counts(output)
    assert (found["zmws"], found["molecules"]) == (3, 6)


def reverse_complement_text(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def as_draft_and_pass(draft: str, sequence: str) -> tuple[Draft, list[Pass]]:
    return Draft("m/1/ccs", encode_bases(draft), None), [Pass("p", encode_bases(sequence), None, None, None)]


def test_a_strand_with_too_few_passes_fails_by_itself(movie: Movie, tmp_path: Path, run: Commands) -> None:
    output = tmp_path / "out.bam"
    result = run("polish", movie.subreads, "-o", output, *FAST, "--by-strand", "--min-passes", 5)
    assert result.status == 0
    outcomes = {name: row["outcome"] for name, row in table(output).items() if name.startswith(str(FEW_OF_ONE))}
    assert outcomes == {f"{FEW_OF_ONE}/ccs/fwd": "success", f"{FEW_OF_ONE}/ccs/rev": "too_few_passes"}


def test_a_zmw_that_fails_before_its_strands_are_known_has_one_line(
    movie: Movie, tmp_path: Path, run: Commands
) -> None:
    output = tmp_path / "out.bam"
    run("polish", movie.subreads, "-o", output, *FAST, "--by-strand", "--min-passes", 19)
    assert {name: row["outcome"] for name, row in table(output).items()} == {
        f"{hole}/ccs": "too_few_passes" for hole in (SAME, DIFFERENT, FEW_OF_ONE)
    }


@pytest.mark.parametrize("options", [StrandOptions(by_strand=True), StrandOptions(hd_finder="split")])
def test_resumed_anywhere_and_with_any_threads_the_records_are_equal(
    options: StrandOptions, movie: Movie, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def job(name: str, **changes: Any) -> PolishRun:
        given: dict[str, Any] = {
            "reads": Reads((movie.subreads,), None, strands=options),
            "shards": (),
            "output": tmp_path / name,
            "model": "vote",
            "settings": PolishSettings(filter=ReadFilter(min_quality=0)),
            "checkpoint": 1,
        }
        return PolishRun(**(given | changes))

    def left(name: str) -> tuple[list[str], bytes, Any]:
        output, found = tmp_path / name, counts(tmp_path / name)
        return record_lines(output), gzip.decompress(output.with_suffix(".zmws.tsv.gz").read_bytes()), found

    polish_files(job("whole.bam"))
    polish_files(job("threads.bam", threads=2, checkpoint=128))
    assert left("threads.bam") == left("whole.bam")
    for number in (1, 2, 3):
        again = job(f"resumed{number}.bam", resume=True)
        run_until(number, again, monkeypatch)
        polish_files(again)
        assert left(f"resumed{number}.bam") == left("whole.bam")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--by-strand", "--ccs", "ccs.bam"), "--by-strand builds drafts from the subreads; remove --ccs"),
        (("--by-strand", "--hd-finder", "split"), "remove --hd-finder"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: tuple[str, ...], said: str, tmp_path: Path, run: Commands
) -> None:
    result = run("polish", "subreads.bam", "-o", tmp_path / "out.bam", *options)
    assert result.status == 2
    assert said in result.err


def test_shards_have_no_passes_to_divide(tmp_path: Path, run: Commands) -> None:
    for option in (["--by-strand"], ["--hd-finder", "report"]):
        result = run("polish", "--features", "shard", "-o", tmp_path / "out.bam", *option)
        assert result.status == 2
        assert "need SUBREADS" in result.err


@pytest.mark.real
def test_real_molecules_without_heteroduplexes_stay_whole(human_1m: Path, tmp_path: Path, run: Commands) -> None:
    output = tmp_path / "out.bam"
    subreads, drafts = human_1m / "subreads_to_ccs.bam", human_1m / "ccs.bam"
    run("polish", subreads, "--ccs", drafts, "-o", output, *FAST, "--hd-finder", "split")
    assert counts(output)["heteroduplexes"] == 0
    assert all(name.endswith("/ccs") for name in table(output))
