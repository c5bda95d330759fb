"""The measures have the values that were published or worked out by hand, and the bounds that they must have."""

import numpy as np
import pytest

from deepconsensus_py.lab.houses import shortest_distances
from deepconsensus_py.lab.systems.instruction_fidelity import (
    cls,
    coverage,
    length_score,
    path_length,
    spl,
    success,
)

WIDTH, HEIGHT = 4, 3
CELLS = np.array([(x, y) for x in range(WIDTH) for y in range(HEIGHT)])
GRID = np.abs(CELLS[:, None] - CELLS).sum(axis=2).astype(np.float64)


def path(*cells: tuple[int, int]) -> list[int]:
    return [x * HEIGHT + y for x, y in cells]


REFERENCE = path((0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (3, 2))
BESIDE = path((0, 0), (0, 1), (1, 1), (2, 1), (3, 1), (3, 2))
SHORT = path((0, 1), (1, 1), (2, 1), (3, 1))


def test_the_values_of_the_grid() -> None:
    assert cls(prediction=REFERENCE, reference=REFERENCE, distance=GRID) == 1.0
    assert cls(prediction=BESIDE, reference=REFERENCE, distance=GRID) == pytest.approx(0.8199491512586388, abs=1e-15)
    assert coverage(prediction=BESIDE, reference=REFERENCE, distance=GRID) == pytest.approx(0.90551, abs=5e-6)
    assert cls(prediction=SHORT, reference=REFERENCE, distance=GRID) == pytest.approx(0.6435694620652272, abs=1e-15)
    assert coverage(prediction=SHORT, reference=REFERENCE, distance=GRID) == pytest.approx(0.81102, abs=5e-6)


def test_arguments_the_other_way_round_have_another_value() -> None:
    assert cls(prediction=REFERENCE, reference=SHORT, distance=GRID) == pytest.approx(0.4420, abs=5e-5)
    with pytest.raises(TypeError):
        cls(SHORT, REFERENCE, distance=GRID)  # type: ignore[misc]


def test_the_shortest_way_has_the_better_spl_and_the_worse_cls() -> None:
    there_and_back = path((0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (2, 2), (1, 2), (0, 2), (0, 1))
    direct = path((0, 0), (0, 1))
    both = {"reference": there_and_back, "distance": GRID}
    assert spl(prediction=direct, **both) == 1.0
    assert spl(prediction=there_and_back, **both) == pytest.approx(1 / 9)
    assert cls(prediction=there_and_back, **both) == 1.0
    assert cls(prediction=direct, **both) < 0.4


def test_success_is_the_end_within_three_metres() -> None:
    ends = {
        cell: success(prediction=path((0, 0), cell), reference=path((0, 0)), distance=GRID) for cell in [(3, 0), (3, 1)]
    }
    assert ends == {(3, 0): True, (3, 1): False}
    assert spl(prediction=path((3, 2)), reference=path((0, 0)), distance=GRID) == 0.0
    assert spl(prediction=path((0, 0)), reference=path((0, 0)), distance=GRID) == 1.0


def test_scores_lie_between_nothing_and_one() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        one, other = (generator.integers(len(CELLS), size=generator.integers(1, 8)).tolist() for _ in range(2))
        named = {"prediction": one, "reference": other, "distance": GRID}
        assert 0 < coverage(**named) <= 1
        assert 0 <= length_score(**named) <= 1
        assert cls(**named) == pytest.approx(coverage(**named) * length_score(**named))
        assert coverage(prediction=[*one, *other], reference=other, distance=GRID) == 1.0
        assert path_length([*one, *one[::-1]], distance=GRID) == 2 * path_length(one, distance=GRID)


def test_shortest_distances_of_the_grid() -> None:
    lengths = np.where(GRID == 1, 1.0, np.inf)
    assert (shortest_distances(lengths) == GRID).all()
    assert np.isinf(shortest_distances(np.array([[0.0, np.inf], [np.inf, 0.0]]))[0, 1])
