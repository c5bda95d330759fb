"""Houses are connected and planar, descriptions lead one way only, and joined ways are about twice the shortest."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from deepconsensus_py.lab.houses import (
    APART,
    THRESHOLD,
    WORDS,
    House,
    Way,
    describe,
    follow,
    house,
    join,
    joins,
    shortest_path,
    ways,
)
from deepconsensus_py.lab.systems.instruction_fidelity import cls, path_length, spl


@pytest.fixture(scope="module")
def home() -> House:
    return house(60, seed=0)


@pytest.fixture(scope="module")
def walks(home: House) -> list[Way]:
    return ways(home, 40, seed=0)


def crosses(first: np.ndarray, second: np.ndarray) -> bool:
    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    (a, b), (c, d) = first, second
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


@pytest.mark.parametrize("rooms", [40, 60, 80])
def test_houses_are_connected_and_planar(rooms: int) -> None:
    at = house(rooms, seed=rooms)
    assert np.isfinite(at.distance).all()
    assert (at.adjacency == at.adjacency.T).all()
    assert not at.adjacency.diagonal().any()
    doors = np.argwhere(np.triu(at.adjacency)).tolist()
    for one, other in combinations(doors, 2):
        if not set(one) & set(other):
            assert not crosses(at.position[one], at.position[other])
    straight = np.linalg.norm(at.position[:, None] - at.position, axis=2)
    assert straight[~np.eye(rooms, dtype=np.bool_)].min() >= APART
    assert (at.distance >= straight - 1e-9).all()
    assert at.distance[at.adjacency] == pytest.approx(straight[at.adjacency])


def test_a_shortest_path_goes_through_doors_and_is_as_long_as_it_is_said_to_be(home: House) -> None:
    for start, end in np.random.default_rng(0).integers(60, size=(100, 2)).tolist():
        path = shortest_path(home, start, end)
        assert (path[0], path[-1]) == (start, end)
        assert all(home.adjacency[pair] for pair in pairwise(path))
        assert path_length(path, distance=home.distance) == pytest.approx(home.distance[start, end])


def test_rooms_near_one_room_have_different_names(home: House) -> None:
    for near in home.adjacency | (home.distance <= THRESHOLD):
        assert len(set(home.kind[near].tolist())) == near.sum()


def test_a_description_leads_along_its_path(home: House, walks: list[Way]) -> None:
    joined = joins(home, walks)
    for way in [*walks, *joined]:
        for instruction in way.instructions:
            assert follow(home, way.path[0], instruction) == way.path
    assert len(set(walks[0].instructions)) == 3
    far = int(home.distance[walks[0].path[0]].argmax())
    with pytest.raises(ValueError, match="rooms near room"):
        follow(home, far, walks[0].instructions[0])


def test_any_walk_through_doors_can_be_described(home: House) -> None:
    generator = np.random.default_rng(1)
    path = [0]
    for _ in range(50):
        path.append(int(generator.choice(np.nonzero(home.adjacency[path[-1]])[0])))
    instruction = describe(home, path, generator)
    assert follow(home, 0, instruction) == tuple(path)
    assert WORDS[instruction[-1]] == "stop"


def test_a_join_is_one_way_the_shortest_between_and_the_other(home: House, walks: list[Way]) -> None:
    joined = joins(home, walks)
    assert len(joined) > 20
    for way in joined:
        assert all(home.adjacency[pair] for pair in pairwise(way.path))
        assert len(way.instructions) == 9
    one = Way((0,), ((1, 2), (3,)))
    other = Way((5,), ((7,), (8, 9)))
    both = join(home, one, other)
    assert both.path == shortest_path(home, 0, 5)
    assert both.instructions == ((1, 2, 7), (1, 2, 8, 9), (3, 7), (3, 8, 9))


def test_joined_ways_are_about_twice_the_shortest_and_spl_ranks_them_the_wrong_way() -> None:
    lengths, shortest = [], []
    for seed in range(10):
        at = house(60, seed=seed)
        for way in joins(at, ways(at, 40, seed=seed)):
            lengths.append(path_length(way.path, distance=at.distance))
            shortest.append(at.distance[way.path[0], way.path[-1]])
    assert 1.8 <= np.mean(lengths) / np.mean(shortest) <= 2.1
    named = {"reference": way.path, "distance": at.distance}
    direct = shortest_path(at, way.path[0], way.path[-1])
    assert spl(prediction=direct, **named) == 1.0 >= spl(prediction=way.path, **named)
    assert cls(prediction=direct, **named) <= 1.0 == cls(prediction=way.path, **named)


def test_the_seed_is_the_house_and_the_ways(home: House, walks: list[Way]) -> None:
    again = house(60, seed=0)
    assert (again.position == home.position).all()
    assert (again.kind == home.kind).all()
    assert ways(again, 40, seed=0) == walks
    assert ways(again, 40, seed=1) != walks
    assert all(4 <= home.distance[way.path[0], way.path[-1]] <= 10 for way in walks)
