"""Every draft comes with its own passes, in the order of the drafts, whatever the order of the subreads."""

import random
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio import drafts as drafts_module
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.record_file import RecordFile
from deepconsensus_py.pacbio.zmws import Fault, match, read_subreads, read_zmws

any_files = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def holes(items: Iterable[Zmw | Fault]) -> list[int]:
    return [int(item.name.split("/")[1]) for item in items]


def assert_own_passes(items: Iterable[Zmw | Fault], passes: int = 3) -> None:
    for item in items:
        assert isinstance(item, Zmw), item
        assert len(item.passes) == passes
        start = item.name.split("/ccs")[0] + "/"
        assert all(subread.name.startswith(start) for subread in item.passes)
        begins = [int(subread.name.split("/")[2].split("_")[0]) for subread in item.passes]
        assert begins == [100 * i for i in range(passes)]


@pytest.fixture
def seeks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every seek that is made."""
    made: list[int] = []
    original = RecordFile.seek
    monkeypatch.setattr(RecordFile, "seek", lambda self, offset: (made.append(offset), original(self, offset)))
    return made


def test_files_in_the_same_order_are_read_through_once(make, seeks: list[int]) -> None:
    """Molecules without a draft are passed over; that is no disagreement."""
    items = list(read_zmws([make.subreads(range(50))], make.drafts(range(0, 50, 3))))
    assert holes(items) == list(range(0, 50, 3))
    assert_own_passes(items)
    assert seeks == []


@any_files
@given(random_state=st.randoms(use_true_random=False), n=st.integers(1, 40), files=st.integers(1, 3))
def test_any_order_any_number_of_files(make, random_state: random.Random, n: int, files: int) -> None:
    present = random_state.sample(range(100), n)
    wanted = random_state.sample(present, random_state.randint(1, n))
    parts = [make.subreads(present[i::files], f"part{i}.bam") for i in range(min(files, n))]
    items = list(read_zmws(parts, make.drafts(wanted)))
    assert holes(items) == wanted
    assert_own_passes(items)


def test_a_shuffled_file_longer_than_its_blocks(make, seeks: list[int]) -> None:
    order = random.Random(3).sample(range(1000), 1000)
    items = list(read_zmws([make.subreads(range(1000), passes=2)], make.drafts(order)))
    assert holes(items) == order
    assert_own_passes(items, passes=2)
    assert seeks


@any_files
@given(n=st.integers(1, 20), chunks=st.integers(1, 25))
def test_chunks_are_the_whole_and_even(make, n: int, chunks: int) -> None:
    order = random.Random(n).sample(range(n), n)
    subreads, drafts = make.subreads(range(n)), make.drafts(order)
    parts = [list(read_zmws([subreads], drafts, chunk=(i, chunks))) for i in range(1, chunks + 1)]
    assert [hole for part in parts for hole in holes(part)] == order
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    for part in parts:
        assert_own_passes(part)


def test_limit_counts_from_the_start_of_the_chunk(make) -> None:
    subreads, drafts = make.subreads(range(10)), make.drafts(range(10))
    assert holes(read_zmws([subreads], drafts, limit=3)) == [0, 1, 2]
    assert holes(read_zmws([subreads], drafts, chunk=(2, 2), limit=2)) == [5, 6]
    assert holes(read_zmws([subreads], drafts, chunk=(2, 2), limit=9)) == [5, 6, 7, 8, 9]
    assert holes(read_zmws([subreads], drafts, limit=0)) == []


@pytest.mark.parametrize("order", [list(range(10)), [7, 2, 3, 9, 1, 0, 8, 4, 6, 5]])
@pytest.mark.parametrize("aligned", [False, True])
def test_skipped_molecules_leave_the_tail_of_the_whole(make, order: list[int], aligned: bool) -> None:
    """They count towards the limit, and are neither searched for nor built."""
    subreads = make.aligned([f"{hole}/ccs" for hole in range(10)]) if aligned else make.subreads(range(10))
    drafts = make.drafts(order)
    for choice in ({}, {"chunk": (2, 2)}, {"limit": 4}, {"chunk": (1, 2), "limit": 3}):
        whole = holes(read_zmws([subreads], drafts, **choice))
        for skip in range(len(whole) + 2):
            items = list(read_zmws([subreads], drafts, skip=skip, **choice))
            assert holes(items) == whole[skip:]
            assert_own_passes(items)


def test_a_draft_that_came_among_the_skipped_ones_is_reported_when_it_comes_again(make) -> None:
    drafts = make.drafts([1, 2, 1])
    (late,) = read_zmws([make.subreads([1, 2])], drafts, skip=2)
    assert isinstance(late, Fault)


def test_skipped_molecules_without_drafts(make) -> None:
    subreads = make.subreads(range(5))
    assert [molecule.hole for molecule, _ in read_subreads([subreads], skip=3)] == [3, 4]
    assert list(read_subreads([subreads], skip=9)) == []


@pytest.mark.parametrize("chunk", [(0, 3), (4, 3), (1, 0)])
def test_an_impossible_chunk(make, chunk: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="the first number must be from 1"):
        read_zmws([make.subreads([1])], make.drafts([1]), chunk=chunk)


def test_drafts_without_subreads_have_no_passes(make) -> None:
    items = list(read_zmws([make.subreads([1, 3])], make.drafts([0, 1, 2, 3, 4])))
    assert holes(items) == [0, 1, 2, 3, 4]
    assert [len(item.passes) for item in items] == [0, 3, 0, 3, 0]
    assert items[0].aligned


def test_drafts_without_subreads_do_not_make_the_files_be_read_again(make, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    original = drafts_module._from_records
    monkeypatch.setattr(drafts_module, "_from_records", lambda path, _: (opened.append(path), original(path, _))[1])
    drafts = make.drafts([5, 6, 7, 1, 8])
    assert holes(read_zmws([make.subreads([1, 2])], drafts)) == [5, 6, 7, 1, 8]
    # Once for the molecules, and once to see whether any is in both files.
    assert opened == [drafts, drafts]


def test_drafts_aligned_to_a_genome_count_once(make) -> None:
    drafts = make.drafts([1, 2])
    with pysam.AlignmentFile(str(drafts), check_sq=False) as file:
        head, records = file.header.to_dict() | {"SQ": [{"SN": "chr1", "LN": 1000}]}, list(file)
    with pysam.AlignmentFile(str(drafts), "wb", header=head) as file:
        for record in records:
            for flag in (0, 0x100, 0x800):
                copy = pysam.AlignedSegment.from_dict(record.to_dict(), file.header)
                copy.flag, copy.reference_id, copy.reference_start, copy.cigarstring = flag, 0, 7, "60="
                file.write(copy)
    assert [type(item) for item in read_zmws([make.subreads([1, 2])], drafts)] == [Zmw, Zmw]


def test_a_draft_that_comes_twice_is_reported_once(make) -> None:
    drafts = make.drafts([1, 2, 1, 3])
    items = list(read_zmws([make.subreads(range(4))], drafts))
    assert [type(item) for item in items] == [Zmw, Zmw, Fault, Zmw]
    assert items[2].reason.endswith(f"/1/ccs: occurs twice, as read 1 of {drafts} and read 3")
    (late,) = list(read_zmws([make.subreads(range(4))], drafts, chunk=(3, 4)))
    assert isinstance(late, Fault)


def test_a_misnamed_draft_is_reported(make) -> None:
    items = list(read_zmws([make.subreads([1, 2])], make.drafts([1, "2/consensus", 2])))
    assert [type(item) for item in items] == [Zmw, Fault, Zmw]
    assert "not a CCS read name (movie/zmw/ccs)" in items[1].reason


def test_damaged_kinetics_are_one_molecules_fault(make) -> None:
    good, bad = make.subread(1, 0), make.subread(2, 0, tags=["pw:B:C,1,2"])
    path = make.records([good, bad, make.subread(3, 0)])
    items = list(read_zmws([path], make.drafts([1, 2, 3])))
    assert [type(item) for item in items] == [Zmw, Fault, Zmw]
    assert "tag 'pw' has 2 values for 60 bases" in items[1].reason
    assert [type(passes) for _, passes in read_subreads([path])] == [tuple, MoleculeError, tuple]


def test_passes_without_kinetics_and_with_n_are_read_without_fuss(make) -> None:
    path = make.records([make.subread(1, 0, tags=[], seq="N" * 60), make.subread(1, 1)])
    (item,) = read_zmws([path], make.drafts([1]))
    assert isinstance(item, Zmw)
    assert item.passes[0].pulse_widths is None
    assert (item.passes[0].bases == 5).all()
    assert item.passes[1].pulse_widths is not None


def test_none_of_the_molecules(make) -> None:
    subreads, drafts = make.subreads(range(7)), make.drafts([11, 12])
    sentence = f"none of the 7 ZMWs of {subreads} is in {drafts}"
    for chunk in (None, (2, 2)):
        with pytest.raises(InputError, match=re.escape(sentence)):
            next(read_zmws([subreads], drafts, chunk=chunk))


def test_a_chunk_that_matches_nothing_is_no_error_where_another_one_does(make) -> None:
    subreads, drafts = make.subreads([1, 2]), make.drafts([1, 2, 8, 9])
    assert [len(item.passes) for item in read_zmws([subreads], drafts, chunk=(2, 2))] == [0, 0]


def test_the_same_hole_of_another_movie_is_another_molecule(make) -> None:
    drafts = make.drafts([1, 2])
    make.movie = "m84004_220919_222401_s1"
    with pytest.raises(InputError, match="none of the 2 ZMWs"):
        list(read_zmws([make.subreads([1, 2])], drafts))


@pytest.mark.parametrize("orders", [[1, 2, 1], [5, 1, 2, 5, 3]])
def test_a_molecule_in_two_places(make, orders: list[int]) -> None:
    path = make.subreads(orders)
    with pytest.raises(InputError, match=rf"{path}: the subreads of .*/{orders[0]} are in two separate places"):
        list(read_subreads([path]))


def test_a_molecule_in_two_files(make) -> None:
    one, two = make.subreads([1, 2], "one.bam"), make.subreads([2, 3], "two.bam")
    with pytest.raises(InputError, match=rf"{two}: the subreads of .*/2 are in .* too; merge"):
        list(read_zmws([one, two], make.drafts([3])))


def test_raw_subreads_serve_both_strands(make) -> None:
    drafts = make.drafts(["1/ccs/fwd", "1/ccs/rev", "2/ccs/rev", "3/ccs", "2/ccs/fwd"])
    items = list(read_zmws([make.subreads([1, 2, 3])], drafts))
    assert [item.name.split("/", 1)[1] for item in items] == [
        "1/ccs/fwd", "1/ccs/rev", "2/ccs/rev", "3/ccs", "2/ccs/fwd",
    ]  # fmt: skip
    assert_own_passes(items)


def test_aligned_subreads_go_to_their_own_draft_and_strand(make) -> None:
    names = ["1/ccs/fwd", "1/ccs/rev", "2/ccs"]
    for order in (names, names[::-1]):
        items = list(read_zmws([make.aligned(names)], make.drafts(order)))
        assert [item.name.split("/", 1)[1] for item in items] == order
        # The unmapped and the secondary record of each molecule are left out.
        assert_own_passes(items)
        assert all(item.aligned and [p.reverse for p in item.passes] == [False, True, False] for item in items)


def test_aligned_to_another_molecule(make) -> None:
    path = make.aligned(["1/ccs", "2/ccs"])
    with pysam.AlignmentFile(str(path)) as file:
        head, records = file.header, list(file.fetch(until_eof=True))
    records[0].reference_id = 1
    with pysam.AlignmentFile(str(path), "wb", header=head) as file:
        file.write(records[0])
    first, second = read_zmws([path], make.drafts([1, 2]))
    assert isinstance(first, Fault)
    assert first.reason == (
        f"{path}: record {make.movie}/1/0_60: is aligned to {make.movie}/2/ccs, not to the CCS read of its own ZMW"
    )
    assert second.passes == ()


def test_aligned_and_raw_ones_are_not_mixed(make) -> None:
    with pytest.raises(InputError, match="some subreads files are aligned and others are not"):
        read_zmws([make.subreads([1]), make.aligned(["2/ccs"])], make.drafts([1, 2]))


def test_no_aligned_subread_at_all(make) -> None:
    path = make.aligned(["1/ccs"], passes=0)
    with pytest.raises(InputError, match=r"no aligned \(2 unaligned\) subreads found"):
        list(read_zmws([path], make.drafts([1])))


def test_hifi_reads_given_as_subreads(make) -> None:
    drafts = make.drafts([1, 2])
    with pytest.raises(InputError, match=f"^{drafts}: contains HiFi .CCS. reads .*1/ccs., but subreads are needed"):
        read_zmws([drafts], drafts)
    # The same without a read group that says so.
    path = make.records([make.subread(1, 0, name="m/1/ccs")])
    with pytest.raises(InputError, match=f"^{path}: contains HiFi .CCS. reads"):
        list(read_zmws([path], drafts))


def test_a_read_name_that_is_none(make) -> None:
    path = make.records([make.subread(1, 0, name="read1")])
    with pytest.raises(InputError, match="read read1: the read name is not a subread's"):
        list(read_subreads([path]))


@pytest.mark.parametrize("ending", ["sam", "cram"])
def test_sam_and_cram_are_read_in_order_only(make, ending: str) -> None:
    subreads = make.subreads([1, 2, 3], f"subreads.{ending}")
    items = list(read_zmws([subreads], make.drafts([1, 3])))
    assert holes(items) == [1, 3]
    assert_own_passes(items)
    with pytest.raises(InputError, match=f"{subreads}: its ZMWs are in another order.*convert it to BAM"):
        list(read_zmws([subreads], make.drafts([3, 1])))


@pytest.mark.real
@pytest.mark.parametrize("name", ["subreads.bam", "subreads_to_ccs.bam"])
def test_real_molecules_in_any_order(human_1m: Path, make, name: str) -> None:
    with pysam.AlignmentFile(str(human_1m / "ccs.bam"), check_sq=False) as file:
        head, records = file.header, list(file.fetch(until_eof=True))
    shuffled = make.folder / "shuffled.bam"
    with pysam.AlignmentFile(str(shuffled), "wb", header=head) as file:
        for record in random.Random(1).sample(records, len(records)):
            file.write(record)
    items = list(read_zmws([human_1m / name], shuffled))
    in_order = {item.name: item for item in read_zmws([human_1m / name], human_1m / "ccs.bam")}
    assert [item.name for item in items] != list(in_order)
    assert sum(len(item.passes) for item in items) == 93
    for item in items:
        twin = in_order[item.name]
        assert [p.name for p in item.passes] == [p.name for p in twin.passes]
        assert all(np.array_equal(p.bases, q.bases) for p, q in zip(item.passes, twin.passes, strict=True))


@pytest.mark.real
def test_real_subreads_that_mostly_have_no_ccs(shared: Path) -> None:
    folder = shared / "data" / "actc_sequel2"
    items = list(read_zmws([folder / "tiny.clr.bam"], folder / "tiny.ccs.bam"))
    aligned = list(read_zmws([folder / "tiny.subreads_to_ccs.bam"], folder / "tiny.ccs.bam"))
    assert [len(item.passes) for item in items] == [len(item.passes) for item in aligned]
    assert len(items) == 6
    assert sum(len(item.passes) for item in items) == 68


@pytest.mark.real
def test_real_subreads_in_three_files(shared: Path) -> None:
    paths = sorted((shared / "data" / "lambda_rs2").glob("m150404_*.subreads.bam"))
    assert len([molecule for molecule, _ in read_subreads(paths)]) == 90


@pytest.mark.real
def test_real_alignments_to_something_else(shared: Path) -> None:
    aligned = shared / "data" / "misc" / "all4mer.aligned_subreads.bam"
    with pytest.raises(InputError, match="is aligned to All4mer"):
        list(read_zmws([aligned], shared / "data" / "misc" / "all4mer.insert.fa"))
    with pytest.raises(InputError, match="aligned already; give the CCS reads"):
        list(read_subreads([aligned]))


@pytest.mark.parametrize("orders", [[1, 2, 3, 1], [1, 2, 1, 3], [3, 1, 2, 3]])
@pytest.mark.parametrize("wanted", [[1, 2], [2], [1, 2, 3]])
def test_passes_in_two_places_are_found_however_far_drafts_reach(make, orders: list[int], wanted: list[int]) -> None:
    with pytest.raises(InputError, match="are in two separate places"):
        list(read_zmws([make.subreads(orders)], make.drafts(wanted)))


def test_passes_in_two_files_are_found_however_far_drafts_reach(make) -> None:
    parts = [make.subreads([1, 2], "one.bam"), make.subreads([2, 3], "two.bam")]
    with pytest.raises(InputError, match=r"two.bam: the subreads of .*/2 are in .*one.bam too; merge"):
        list(read_zmws(parts, make.drafts([1])))


def test_a_limit_is_said_to_leave_passes_unsought(make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    subreads, drafts = make.subreads(range(9)), make.drafts(range(9))
    assert len(list(read_zmws([subreads], drafts, limit=2))) == 2
    assert "not read to the end" in caplog.text
    index_bam(subreads)
    caplog.clear()
    assert len(list(read_zmws([subreads], drafts, limit=2))) == 2
    assert caplog.text == ""


def test_a_subread_that_is_there_twice_is_its_molecules_fault(make) -> None:
    twice = make.records([make.subread(1, 0), make.subread(2, 0), make.subread(2, 1), make.subread(2, 0)])
    sound, faulty = read_zmws([twice], make.drafts([1, 2]))
    assert isinstance(sound, Zmw)
    assert isinstance(faulty, Fault)
    assert re.search(r"record .*/2/0_\d+: occurs twice", faulty.reason)
    (_, sound_passes), (_, error) = read_subreads([twice])
    assert len(sound_passes) == 1
    assert isinstance(error, MoleculeError)


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_molecules_without_a_draft_follow_once(make, indexed: bool, chunks: int) -> None:
    subreads, drafts = make.subreads([5, 1, 2, 3, 9, 4]), make.drafts([3, 1, 2])
    if indexed:
        index_bam(subreads)
        index_bam(drafts)
    found = [
        item
        for chunk in range(1, chunks + 1)
        for item in match([subreads], DraftPart(drafts, chunk=(chunk, chunks)), undrafted=True)
    ]
    assert holes(found) == [3, 1, 2, 5, 9, 4]
    assert [isinstance(item, Fault) and item.outcome for item in found] == [False] * 3 + ["no_draft"] * 3
    assert holes(match([subreads], DraftPart(drafts, limit=3), undrafted=True)) == [3, 1, 2]
    for skip in range(7):
        part = DraftPart(drafts, skip=skip)
        assert holes(match([subreads], part, undrafted=True, skip=skip)) == [3, 1, 2, 5, 9, 4][skip:]


@pytest.mark.parametrize("indexed", [False, True])
def test_a_draft_of_either_strand_is_one(make, indexed: bool) -> None:
    subreads, drafts = make.subreads([1, 2, 3]), make.drafts(["1/ccs/rev", "3/ccs/rev"])
    if indexed:
        index_bam(subreads)
        index_bam(drafts)
    assert holes(match([subreads], DraftPart(drafts), undrafted=True)) == [1, 3, 2]
