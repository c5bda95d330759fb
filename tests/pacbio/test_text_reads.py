"""FASTQ and FASTA: what is wrong with a read is that read's, and a file that cannot be read through is one sentence."""

from pathlib import Path

import numpy as np
import pytest

from deepconsensus_py.errors import InputError, MoleculeError
from deepconsensus_py.pacbio.drafts import draft_entries
from deepconsensus_py.pacbio.text_reads import text_reads

GOOD = b"@m/2/ccs\nACGT\n+\n!I~5\n"


@pytest.fixture
def fastq(tmp_path: Path) -> Path:
    return tmp_path / "x.fastq"


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (b"@m/1/ccs\nAC\xfcT\n+\nIIII\n", "bases must be letters"),
        (b"@m/1/ccs\nAC-T\n+\nIIII\n", "bases must be letters"),
        (b"@m/1/ccs\nA\tGT\n+\nIIII\n", "bases must be letters"),
        (b"@m/1/ccs\nACGT\n+\nII\xfcI\n", "qualities must be from 0 (!) to 93 (~)"),
        (b"@m/1/ccs\nACGT\n+\nII\x01I\n", "qualities must be from 0 (!) to 93 (~)"),
        (b"@m/1/ccs\nACGT\n+\nII\x7fI\n", "qualities must be from 0 (!) to 93 (~)"),
    ],
)
def test_a_read_that_cannot_be_decoded_is_its_molecules_fault(fastq: Path, read: bytes, reason: str) -> None:
    fastq.write_bytes(read + GOOD)
    bad, good = draft_entries(fastq)
    with pytest.raises(MoleculeError) as error:
        bad.read()
    assert str(error.value) == f"{fastq}: read m/1/ccs: {reason}"
    assert good.read().qualities.tolist() == [0, 40, 93, 20]


@pytest.mark.parametrize("read", [b"@m/1/ccs\nACGT\n+\nII\n", b"@m/1/ccs\nACGT\n+\nIIIIII\n", b"@m/1/ccs\nACGT\n"])
def test_qualities_of_another_length_are_a_damaged_file(fastq: Path, read: bytes) -> None:
    fastq.write_bytes(read + GOOD)
    with pytest.raises(InputError, match=rf"^{fastq}: .*(is|the file is) truncated or damaged"):
        list(draft_entries(fastq))


@pytest.mark.parametrize(
    ("title", "name", "comment"),
    [
        (b"", "", ""),
        (b"m\xfc/1/ccs", r"m\xfc/1/ccs", ""),
        (b"m/1/ccs caf\xe9", "m/1/ccs", "caf\udce9"),
        ("mü/1".encode(), r"m\xc3\xbc/1", ""),
    ],
)
def test_a_title_of_any_bytes_is_read(fastq: Path, title: bytes, name: str, comment: str) -> None:
    fastq.write_bytes(b"@" + title + b"\nACGT\n+\nIIII\n")
    (read,) = text_reads(fastq)
    assert (read.name, read.comment) == (name, comment)


def test_the_last_line_needs_no_end(fastq: Path) -> None:
    fastq.write_bytes(GOOD.rstrip(b"\n"))
    (read,) = text_reads(fastq)
    np.testing.assert_array_equal(read.qualities(), [0, 40, 93, 20])
