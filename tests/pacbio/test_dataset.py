"""Dataset XML: which files it lists, which records its filters choose, and what is refused."""

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from support import content

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.dataset_output import write_dataset
from deepconsensus_py.pacbio.draft_parts import DraftPart
from deepconsensus_py.pacbio.indexing import index_bam
from deepconsensus_py.pacbio.inputs import expand_paths, read_dataset, record_filters
from deepconsensus_py.pacbio.zmws import read_subreads, read_zmws

BASE = "http://pacificbiosciences.com/PacBioBaseDataModel.xsd"
OF_KIND = {
    "SubreadSet": "PacBio.SubreadFile.SubreadBamFile",
    "ConsensusReadSet": "PacBio.ConsensusReadFile.ConsensusReadBamFile",
}


def properties(*words: str) -> str:
    """A filter: ``zm == 4`` and the like; further words are attributes as they are."""
    found = ""
    for word in words:
        name, operator, value, *more = word.split(" ")
        found += f'<b:Property Name="{name}" Operator="{operator}" Value="{value}" {" ".join(more)}/>'
    return f"<Filter><b:Properties>{found}</b:Properties></Filter>"


def resource(name: str, kind: str, inner: str = "") -> str:
    return f'<b:ExternalResource MetaType="{kind}" ResourceId="{name}">{inner}</b:ExternalResource>'


def dataset(path: Path, *names: str, kind: str = "SubreadSet", filters: str = "", more: str = "") -> Path:
    """A data set of files with their scraps, and another one nested in it."""
    nested = f"<b:ExternalResources>{resource('x.scraps.bam', OF_KIND['SubreadSet'])}</b:ExternalResources>"
    indexes = '<b:FileIndices><b:FileIndex ResourceId="x.pbi" MetaType="PacBio.Index.PacBioIndex"/></b:FileIndices>'
    listed = "".join(resource(name, OF_KIND[kind], indexes + nested) for name in names)
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n<!-- made here -->\n<{kind} xmlns="urn:x" xmlns:b="{BASE}">'
        f"<b:ExternalResources>{resource('y.log', 'PacBio.FileTypes.log')}{listed}</b:ExternalResources>"
        f"<Filters>{filters}</Filters><DataSets><{kind}><b:ExternalResources>{resource('z.bam', OF_KIND[kind])}"
        f"</b:ExternalResources></{kind}></DataSets>{more}</{kind}>"
    )
    return path


def holes(*paths: Path) -> list[int]:
    return [molecule.hole for molecule, _ in read_subreads(paths)]


def test_its_own_bam_files_are_read_and_nothing_nested(make) -> None:
    one, two = make.subreads([3, 5], "a b.bam"), make.subreads([7], "two.bam")
    for names in (
        (f"file://{one}".replace(" ", "%20"), "two.bam"),
        (f"file:{one.name.replace(' ', '%20')}", f"file://localhost{two}"),
        ("a%20b.bam", str(two)),
        ("a b.bam", "./two.bam"),
    ):
        xml = dataset(make.folder / "movie.subreadset.xml", *names)
        assert [path.name for path in expand_paths([xml])] == ["a b.bam", "two.bam"]
        assert holes(xml) == [3, 5, 7]
        assert record_filters([xml]) == {}


def test_a_name_that_looks_encoded_is_that_of_a_file_if_there_is_one(make) -> None:
    make.subreads([4], "a%20b.bam")
    assert holes(dataset(make.folder / "s.xml", "a%20b.bam")) == [4]


@pytest.mark.parametrize("indexed", [False, True])
def test_records_are_those_of_its_files(make, indexed: bool) -> None:
    subreads, drafts = make.subreads(range(1, 9)), make.drafts([1, 2, 4, 7])
    if indexed:
        assert index_bam(subreads) == 24
        assert index_bam(drafts) == 4
    sets = (
        dataset(make.folder / "s.subreadset.xml", subreads.name),
        dataset(make.folder / "c.consensusreadset.xml", drafts.name, kind="ConsensusReadSet"),
    )
    assert content(read_zmws(*sets)) == content(read_zmws(subreads, drafts))
    assert content(read_zmws(*sets, chunk=(2, 3))) == content(read_zmws(subreads, drafts, chunk=(2, 3)))


@pytest.mark.parametrize(
    ("filters", "chosen"),
    [
        ((("zm == 4",),), [4]),
        ((("zm = 4",),), [4]),
        ((("zmw != 4",),), [1, 2, 3, 5, 6]),
        ((("zm &lt; 3",), ("ZM &gt;= 6",)), [1, 2, 6]),
        ((("zm &amp;gt; 2", "zm lte 4"),), [3, 4]),
        ((("zm == [2,5]",),), [2, 5]),
        ((("zm == (2, 5, 9)".replace(", ", ","),),), [2, 5]),
        ((('zm == 1 Modulo="3" Hash="Uint32Cast"',),), [1, 4]),
        ((("rq &gt;= 0.85",),), [3, 4, 5, 6]),
        ((("length &gt; 60",),), []),
        ((("querylength == 60", "zm &lt; 2"),), [1]),
    ],
)
@pytest.mark.parametrize("indexed", [False, True])
def test_filters_choose_records(make, filters: tuple[tuple[str, ...], ...], chosen: list[int], indexed: bool) -> None:
    records = [make.subread(hole, n, tags=[f"rq:f:{0.7 + hole * 0.05:.2f}"]) for hole in range(1, 7) for n in range(3)]
    subreads = make.records(records, "subreads.bam")
    drafts = make.drafts(range(1, 7))
    if indexed:
        index_bam(subreads)
        index_bam(drafts)
    xml = dataset(make.folder / "s.xml", subreads.name, filters="".join(properties(*words) for words in filters))
    if not chosen:
        with pytest.raises(InputError, match="no subreads found"):
            holes(xml)
        return
    assert holes(xml) == chosen
    assert [len(zmw.passes) for zmw in read_zmws(xml, drafts)] == [3 * (hole in chosen) for hole in range(1, 7)]
    # The same of drafts, whose records have no rq.
    if "rq" not in filters[0][0]:
        ccs = dataset(
            make.folder / "c.xml",
            drafts.name,
            kind="ConsensusReadSet",
            filters="".join(properties(*words) for words in filters),
        )
        assert [zmw.name.split("/")[1] for zmw in read_zmws(subreads, ccs)] == [str(hole) for hole in chosen]
        assert len(DraftPart(ccs)) == len(chosen)


def test_a_subread_may_be_chosen_by_its_name(make) -> None:
    subreads = make.subreads([1, 2])
    xml = dataset(make.folder / "s.xml", subreads.name, filters=properties(f"qname == {make.movie}/2/100_160"))
    (found,) = read_subreads([xml])
    assert [p.name for p in found[1]] == [f"{make.movie}/2/100_160"]


def test_damaged_records_are_reported_whatever_the_filter(make) -> None:
    records = [make.subread(1, 0), make.subread(1, 1, name="nonsense"), make.subread(2, 0)]
    xml = dataset(make.folder / "s.xml", make.records(records).name, filters=properties("zm == 1"))
    (found,) = read_subreads([xml])
    assert "the read name is not a subread's" in str(found[1])


@pytest.mark.parametrize(
    "words",
    [
        "bc == 4",
        "zm ~ 4",
        "zm == x",
        "zm == ",
        "zm != [1,2]",
        "rq == x",
        "length == [1,2]",
        "qname == names.txt",
        'zm == 1 Modulo="3"',
        'zm == 1 Modulo="0" Hash="Uint32Cast"',
        'zm == 1 Modulo="3" Hash="BoostHashCombine"',
        'rq == 1 Modulo="3" Hash="Uint32Cast"',
    ],
)
def test_a_filter_that_is_not_understood_is_refused_by_name(make, words: str) -> None:
    xml = dataset(make.folder / "s.xml", "a.bam", filters=properties("zm == 1", words))
    name = words.split(" ", maxsplit=1)[0]
    with pytest.raises(InputError, match=rf'^{xml}: filter property Name="{name}".* is not supported; give the BAM'):
        read_dataset(xml)


def test_an_empty_filter_is_refused(make) -> None:
    xml = dataset(make.folder / "s.xml", "a.bam", filters="<Filter/>")
    with pytest.raises(InputError, match="has a filter without properties"):
        read_dataset(xml)


BOMB = '<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not well-formed XML"),
        ("<SubreadSet>", "is not well-formed XML"),
        (f"{BOMB}<SubreadSet>&b;</SubreadSet>", "has a document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><SubreadSet/>', "has a document type"),
        ("<a>" * 70 + "</a>" * 70, "has more than 64 levels of elements"),
        ('<x:AlignmentSet xmlns:x="urn:x"/>', "is a AlignmentSet; give a SubreadSet or ConsensusReadSet"),
        ("<SubreadSet/>", "lists no file of type PacBio.SubreadFile.SubreadBamFile"),
    ],
)
def test_what_is_no_data_set_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    xml = tmp_path / "s.xml"
    xml.write_text(text)
    with pytest.raises(InputError, match=f"^{xml}: {reason}"):
        expand_paths([xml])


def test_a_file_elsewhere_a_list_in_a_list_and_too_much_are_refused(make) -> None:
    with pytest.raises(InputError, match="is on another machine"):
        expand_paths([dataset(make.folder / "s.xml", "file://elsewhere/a.bam")])
    with pytest.raises(InputError, match="given twice"):
        expand_paths([dataset(make.folder / "s.xml", "a.bam", "./a.bam")])
    fofn = make.folder / "all.fofn"
    fofn.write_text("s.xml\n")
    with pytest.raises(InputError, match=r"lists .*s\.xml, which is a list of files itself"):
        expand_paths([fofn])
    large = make.folder / "large.xml"
    with large.open("wb") as file:
        os.truncate(file.fileno(), (100 << 20) + 1)
    with pytest.raises(InputError, match="has more than 100 MB"):
        expand_paths([large])


def test_a_data_set_is_written_that_reads_as_its_file(make) -> None:
    drafts = make.drafts([1, 2, 5], "movie 1.hifi_reads.bam")
    run = '<Collections xmlns="urn:m"><CollectionMetadata Context="m1"><RunDetails>r</RunDetails></CollectionMetadata>'
    subreads = dataset(
        make.folder / "s.xml",
        "a.bam",
        more=f"<DataSetMetadata><TotalLength>1</TotalLength>{run}</Collections></DataSetMetadata>",
    )
    written = write_dataset(drafts, [subreads])
    assert written == make.folder / "movie 1.hifi_reads.consensusreadset.xml"
    again = read_dataset(written)
    assert (again.files, again.filter) == ((drafts,), None)
    assert [one.get("Context") for one in again.collections] == ["m1"]
    root = ET.fromstring(written.read_text())
    values = {element.tag.rpartition("}")[2]: element.text for element in root.iter()}
    assert (values["NumRecords"], values["TotalLength"], values["RunDetails"]) == ("3", "180", "r")
    (index,) = root.iter(f"{{{BASE}}}FileIndex")
    assert index.get("ResourceId") == "movie%201.hifi_reads.bam.pbi"
    assert (make.folder / "movie 1.hifi_reads.bam.pbi").exists()
    identifiers = [element.get("UniqueId") for element in root.iter() if element.get("UniqueId")]
    assert len(set(identifiers)) == len(identifiers) == 3
    before = written.read_bytes()
    write_dataset(drafts, [subreads])
    assert written.read_bytes() == before
    assert np.all([element.get("CreatedAt") is None for element in root.iter()])
