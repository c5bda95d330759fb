"""A polished read keeps the tags of its draft that are true of it."""

from array import array

import numpy as np
import pytest

from deepconsensus_py.hifi.kinetics import KINETICS_TAGS
from deepconsensus_py.hifi.tags import ALIGNMENT_TAGS, CLIPPED_TAGS, MODIFICATIONS, PER_BASE_TAGS, kept_tags
from deepconsensus_py.pacbio.bam_tags import Tags
from deepconsensus_py.pacbio.molecule import Draft

KEPT: Tags = (
    ("RG", "aaaa0000", "Z"),
    ("zm", 7, "i"),
    ("np", 5, "i"),
    ("HP", 1, "i"),
    ("bc", array("H", [1, 2]), "B"),
    ("sn", array("f", [1, 2, 3, 4]), "B"),
)


def draft(tags: Tags) -> Draft:
    return Draft("m/1/ccs", np.ones(100, np.uint8), None, tags)


def test_what_describes_an_alignment_or_single_bases_is_left_out() -> None:
    dropped = [(tag, 1, "i") for tag in sorted(ALIGNMENT_TAGS | PER_BASE_TAGS | KINETICS_TAGS | {*MODIFICATIONS})]
    assert {"NM", "MD", "SA", "AS", "cs", "mg", "mc", "mi", "rm", "tp", "cm", "s1", "s2", "de", "rl"} <= ALIGNMENT_TAGS
    assert {"sa", "sm", "sx", "qs", "qe"} <= PER_BASE_TAGS
    assert {"fi", "fp", "fn", "ri", "rp", "rn", "ip", "pw"} == KINETICS_TAGS
    assert kept_tags(draft((*KEPT[:2], *dropped, ("rq", 0.9, "f"), *KEPT[2:])), 100) == KEPT


@pytest.mark.parametrize("length", [99, 100, 101])
def test_what_was_clipped_is_known_only_of_a_read_of_the_same_length(length: int) -> None:
    clipped = tuple((tag, "AC", "Z") for tag in sorted(CLIPPED_TAGS))
    assert kept_tags(draft((*KEPT, *clipped)), length) == KEPT + clipped * (length == 100)
