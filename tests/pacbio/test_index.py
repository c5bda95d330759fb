"""The index is a dictionary that takes 16 bytes an entry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepconsensus_py.pacbio import index
from deepconsensus_py.pacbio.index import MoleculeKeys, OffsetIndex
from deepconsensus_py.pacbio.names import MAX_HOLE, MoleculeId, Strand

entries = st.dictionaries(st.integers(0, 2**62), st.integers(0, 2**62), max_size=60)


@given(entries, st.lists(st.integers(0, 2**62), max_size=10), st.integers(1, 5))
def test_it_finds_what_a_dictionary_finds(content: dict[int, int], others: list[int], unsorted: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "_UNSORTED", unsorted)
        places = OffsetIndex()
        for key, value in content.items():
            places.add(key, value)
        assert len(places) == len(content)
        assert {key: places.find(key) for key in [*content, *others]} == {
            k: content.get(k) for k in [*content, *others]
        }


def test_sixteen_bytes_an_entry_in_few_runs() -> None:
    keys = np.random.default_rng(1).permutation(200_000)
    places = OffsetIndex()
    for key in keys.tolist():
        places.add(key, key + 1)
    assert places.nbytes <= 16 * len(places)
    assert len(places._segments) <= 10
    assert [places.find(key) for key in (0, 77, 199_999, 200_000)] == [1, 78, 200_000, None]


molecules = st.builds(
    MoleculeId, st.sampled_from(["m1", "m2", "m3"]), st.integers(0, MAX_HOLE), st.sampled_from([None, *Strand])
)


@given(st.lists(molecules, unique=True, max_size=30))
def test_molecules_have_keys_of_their_own(some: list[MoleculeId]) -> None:
    keys = MoleculeKeys()
    assert len({keys.key(molecule) for molecule in some}) == len(some)
    assert all(0 <= keys.key(molecule) < 2**63 for molecule in some)
