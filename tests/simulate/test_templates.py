"""Templates: lengths, runs, repeats, fragments."""

import numpy as np
import pytest

from deepconsensus_py.errors import InputError
from deepconsensus_py.pacbio.molecule import encode_bases, reverse_complement
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import draw_fragment, homopolymer_runs, random_template, read_sequences


def test_runs_rebuild_the_sequence() -> None:
    bases = encode_bases("AACGTTTTA")
    runs = homopolymer_runs(bases)
    assert runs.lengths.tolist() == [2, 1, 1, 4, 1]
    np.testing.assert_array_equal(np.repeat(bases[runs.starts], runs.lengths), bases)
    np.testing.assert_array_equal(runs.index, [0, 0, 1, 2, 3, 3, 3, 3, 4])


@pytest.mark.parametrize("length", [1, 50, 999, 1000, 60_000])
def test_random_template_has_the_length_and_only_bases(length: int) -> None:
    template = random_template(length, load_profile().passes.run_length_share, np.random.default_rng(0))
    assert template.dtype == np.uint8
    assert len(template) == length
    assert set(template.tolist()) <= {1, 2, 3, 4}


def test_random_template_has_the_run_lengths_of_the_profile() -> None:
    share = load_profile().passes.run_length_share
    runs = homopolymer_runs(random_template(100_000, share, np.random.default_rng(0)))
    found = np.bincount(np.minimum(runs.lengths, len(share)), minlength=len(share) + 1)[1:] / len(runs.lengths)
    # Tandem repeats replace about 4 % of the bases, so the shares agree only nearly.
    np.testing.assert_allclose(found[:4], share[:4], rtol=0.1)
    assert runs.lengths.max() >= len(share)


def test_fragments_come_from_both_strands_of_the_sequences() -> None:
    rng = np.random.default_rng(0)
    sequences = [random_template(n, load_profile().passes.run_length_share, rng) for n in (500, 2000)]
    texts = [s.tobytes() for s in sequences]
    reversed_texts = [reverse_complement(s).tobytes() for s in sequences]
    fragments = [draw_fragment(sequences, 300, rng) for _ in range(100)]
    assert all(len(f) == 300 for f in fragments)
    forward = sum(any(f.tobytes() in text for text in texts) for f in fragments)
    reverse = sum(any(f.tobytes() in text for text in reversed_texts) for f in fragments)
    assert forward + reverse == 100
    assert 25 < forward < 75


def test_a_short_sequence_is_taken_whole() -> None:
    sequence = encode_bases("ACGTT")
    fragment = draw_fragment([sequence], 10, np.random.default_rng(0))
    assert fragment.tolist() in (sequence.tolist(), reverse_complement(sequence).tolist())


def test_sequences_are_read_from_fasta(tmp_path) -> None:
    path = tmp_path / "t.fasta"
    path.write_text(">a\nACGTN\nAC\n>b\nGGTT\n")
    assert [s.tolist() for s in read_sequences(path, 4)] == [encode_bases(s).tolist() for s in ("ACGTNAC", "GGTT")]
    with pytest.raises(InputError, match="under 5 bases"):
        read_sequences(path, 5)


def test_a_template_file_without_sequences_is_refused(tmp_path) -> None:
    path = tmp_path / "t.fasta"
    path.write_text("")
    with pytest.raises(InputError, match="no sequence"):
        read_sequences(path, 1)
    with pytest.raises(InputError, match="cannot be read"):
        read_sequences(tmp_path / "absent.fasta", 1)
