"""Movies: the same seed gives the same records; the files are what an instrument and ccs write."""

from pathlib import Path

import numpy as np
import pysam
import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.pacbio.molecule import encode_bases, reverse_complement
from deepconsensus_py.pacbio.names import MoleculeId, read_group_id
from deepconsensus_py.simulate.movies import MovieSettings, simulate_movie, simulate_zmws, write_movie
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import Contig

FILES = ("subreads.bam", "ccs.bam")
PROFILE = load_profile()
INSTRUMENT = PROFILE.instrument


def _records(path: Path) -> list[str]:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return [record.to_string() for record in file]


def _header(path: Path) -> dict:
    with pysam.AlignmentFile(str(path), check_sq=False) as file:
        return file.header.to_dict()


def test_testdata_is_what_its_command_makes(testdata: Path, tmp_path: Path) -> None:
    command = next(line for line in (testdata / "README.md").read_text().splitlines() if "-o testdata" in line)
    arguments = command.split()[1:]
    arguments[arguments.index("testdata")] = str(tmp_path)
    assert main(arguments) == 0
    for name in FILES:
        assert _records(tmp_path / name) == _records(testdata / name)
    for name in ("truth.fasta", "truth.bed"):
        assert (tmp_path / name).read_text() == (testdata / name).read_text()


def test_testdata_is_small(testdata: Path) -> None:
    assert sum(path.stat().st_size for path in testdata.iterdir()) < 400_000


def test_molecules_do_not_depend_on_their_number() -> None:
    few = list(simulate_movie(MovieSettings(molecules=1, seed=7), PROFILE))
    many = list(simulate_movie(MovieSettings(molecules=2, seed=7), PROFILE))
    np.testing.assert_array_equal(few[0].zmw.draft.bases, many[0].zmw.draft.bases)
    np.testing.assert_array_equal(few[0].zmw.passes[-1].pulse_widths, many[0].zmw.passes[-1].pulse_widths)
    assert many[0].truth.tobytes() != many[1].truth.tobytes()


def test_another_seed_gives_other_molecules() -> None:
    one, other = (next(simulate_movie(MovieSettings(seed=seed), PROFILE)) for seed in (1, 2))
    assert one.truth.tobytes() != other.truth.tobytes()


def test_molecules_are_cut_out_of_given_sequences() -> None:
    sequence = encode_bases("ACCGTTTGAC" * 30)
    settings = MovieSettings(molecules=3, length=(60, 60))
    for molecule in simulate_movie(settings, PROFILE, [Contig("c", sequence)]):
        reverse = encode_bases("GTCAAACGGT" * 30)
        assert molecule.truth.tobytes() in sequence.tobytes() + bytes(1) + reverse.tobytes()


def test_headers_name_read_groups_as_pacbio_does(testdata: Path) -> None:
    for name, read_type in zip(FILES, ("SUBREAD", "CCS"), strict=True):
        header = _header(testdata / name)
        (group,) = header["RG"]
        assert f"READTYPE={read_type};" in group["DS"]
        with pysam.AlignmentFile(str(testdata / name), check_sq=False) as file:
            assert {record.get_tag("RG") for record in file} == {group["ID"]}
        assert header["PG"][-1]["PN"] == "deepconsensus-py"
    assert group["ID"] == read_group_id(MoleculeId(group["PU"], 1))


def test_subreads_of_a_molecule_are_contiguous_and_unaligned(testdata: Path) -> None:
    with pysam.AlignmentFile(str(testdata / "subreads.bam"), check_sq=False) as file:
        records = list(file)
    holes = [record.get_tag("zm") for record in records]
    assert holes == sorted(holes)
    assert all(record.flag == 4 and set(record.query_qualities) == {0} for record in records)
    assert all({"cx", "ip", "pw", "qs", "qe", "rq", "sn", "np", "zm"} <= set(dict(r.get_tags())) for r in records)


@pytest.mark.parametrize(
    "options",
    [{"molecules": 0}, {"length": (10, 20)}, {"length": (300, 200)}, {"passes": (0, 3)}, {"seed": -1}],
)
def test_settings_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        MovieSettings(**options)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        write_movie(simulate_movie(MovieSettings(molecules=1), PROFILE), tmp_path / "file" / "in", "x", INSTRUMENT)


def test_molecules_come_in_memory_too() -> None:
    found = list(simulate_zmws(PROFILE, 3, np.random.default_rng(4), length=(200, 300), passes=(3, 4)))
    assert all(200 <= len(molecule.truth) <= 300 for molecule in found)
    assert all(3 <= molecule.zmw.draft.tag("np") <= 4 for molecule in found)
    assert len({molecule.zmw.name for molecule in found}) == 3


def test_the_bed_file_has_the_origin_of_molecules(tmp_path: Path) -> None:
    sequence = encode_bases("ACCGTTTGACCAGTTCA" * 40)
    movie = simulate_movie(MovieSettings(molecules=4, length=(90, 90)), PROFILE, [Contig("chr9", sequence)])
    assert write_movie(movie, tmp_path, "x", INSTRUMENT) == 4
    rows = [line.split("\t") for line in (tmp_path / "truth.bed").read_text().splitlines()]
    with pysam.FastxFile(str(tmp_path / "truth.fasta")) as file:
        truths = [encode_bases(record.sequence) for record in file]
    for (contig, begin, end, name, _, strand), truth in zip(rows, truths, strict=True):
        assert contig == "chr9"
        assert name.endswith("/ccs")
        piece = sequence[int(begin) : int(end)]
        np.testing.assert_array_equal(truth, reverse_complement(piece) if strand == "-" else piece)


def test_each_profile_has_its_own_instrument(tmp_path: Path) -> None:
    assert main(["simulate", "-o", str(tmp_path), "--num-zmws", "1", "--profile", "sequel2"]) == 0
    (group,) = _header(tmp_path / "subreads.bam")["RG"]
    assert group["PM"] == "SEQUELII"
    assert group["PU"].startswith("m64")
