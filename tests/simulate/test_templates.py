"""Templates: lengths, homopolymers, repeats, fragments."""

import numpy as np
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.molecule import encode_bases, reverse_complement
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import (
    Contig,
    draw_fragment,
    random_template,
    read_templates,
    tandem_repeats,
    template_homopolymers,
)


def test_homopolymers_rebuild_the_sequence() -> None:
    bases = encode_bases("AACGTTTTA")
    homopolymers = template_homopolymers(bases)
    assert homopolymers.lengths.tolist() == [2, 1, 1, 4, 1]
    np.testing.assert_array_equal(np.repeat(bases[homopolymers.starts], homopolymers.lengths), bases)
    np.testing.assert_array_equal(homopolymers.index, [0, 0, 1, 2, 3, 3, 3, 3, 4])


@pytest.mark.parametrize("length", [1, 50, 999, 1000, 60_000])
def test_random_template_has_the_length_and_only_bases(length: int) -> None:
    template = random_template(length, load_profile().passes.homopolymer_share, np.random.default_rng(0))
    assert template.dtype == np.uint8
    assert len(template) == length
    assert set(template.tolist()) <= {1, 2, 3, 4}


def test_random_template_has_the_homopolymer_lengths_of_the_profile() -> None:
    share = load_profile().passes.homopolymer_share.sum(axis=0)
    homopolymers = template_homopolymers(
        random_template(100_000, load_profile().passes.homopolymer_share, np.random.default_rng(0))
    )
    found = np.bincount(np.minimum(homopolymers.lengths, len(share)), minlength=len(share) + 1)[1:] / len(
        homopolymers.lengths
    )
    # Tandem repeats replace about 4 % of the bases, so the shares agree only nearly.
    np.testing.assert_allclose(found[:4], share[:4], rtol=0.1)
    assert homopolymers.lengths.max() >= 9


def test_long_homopolymers_are_mostly_of_a_and_t() -> None:
    template = random_template(200_000, load_profile().passes.homopolymer_share, np.random.default_rng(0))
    homopolymers = template_homopolymers(template)
    long = template[homopolymers.starts[homopolymers.lengths >= 6]]
    assert np.isin(long, [1, 2]).mean() > 0.75
    assert 0.5 < np.isin(template, [1, 2]).mean() < 0.62


def test_tandem_repeats_are_found() -> None:
    repeats = tandem_repeats(encode_bases("GTACACACGGGGGGTTATTATTCC"))
    found = zip(repeats.starts.tolist(), repeats.stops.tolist(), repeats.units.tolist(), strict=True)
    assert sorted(found) == [(2, 8, 2), (14, 22, 3)]


def templates(*lengths: int) -> list[Contig]:
    rng = np.random.default_rng(0)
    share = load_profile().passes.homopolymer_share
    return [Contig(f"c{n}", random_template(n, share, rng)) for n in lengths]


def test_fragments_come_from_both_strands_with_their_origin() -> None:
    rng = np.random.default_rng(1)
    contigs = {template.name: template.bases for template in templates(500, 2000)}
    fragments = [draw_fragment(templates(500, 2000), 300, rng) for _ in range(100)]
    for fragment in fragments:
        piece = contigs[fragment.contig][fragment.begin : fragment.begin + 300]
        np.testing.assert_array_equal(fragment.bases, reverse_complement(piece) if fragment.reverse else piece)
    assert 25 < sum(fragment.reverse for fragment in fragments) < 75
    assert 5 < sum(fragment.contig == "c500" for fragment in fragments) < 40


def test_a_short_sequence_is_taken_whole() -> None:
    sequence = encode_bases("ACGTT")
    fragment = draw_fragment([Contig("c", sequence)], 10, np.random.default_rng(0))
    assert fragment.bases.tolist() in (sequence.tolist(), reverse_complement(sequence).tolist())


def test_sequences_are_read_from_fasta(tmp_path) -> None:
    path = tmp_path / "t.fasta"
    path.write_text(">a\nACGTN\nAC\n>b\nGGTT\n")
    found = [(template.name, template.bases.tolist()) for template in read_templates(path, 4)]
    assert found == [(name, encode_bases(s).tolist()) for name, s in (("a", "ACGTNAC"), ("b", "GGTT"))]
    with pytest.raises(InputError, match="shorter than 5 bases"):
        read_templates(path, 5)


def test_a_template_file_without_sequences_is_refused(tmp_path) -> None:
    path = tmp_path / "t.fasta"
    path.write_text("")
    with pytest.raises(InputError, match="is empty"):
        read_templates(path, 1)
    with pytest.raises(InputError, match="no such file"):
        read_templates(tmp_path / "absent.fasta", 1)
