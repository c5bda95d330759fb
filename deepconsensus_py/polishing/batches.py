"""The network stage: items of all ZMWs in batches, computed in streams, with the ZMWs returned in order.

Batches form across ZMWs, because one ZMW may have only a few items. A stream is a thread with its own batch: several
small batches side by side keep the cores busier than torch's threads within one batch, which spin while they wait.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import PASS_BIN, Arrays, Corrector
from deepconsensus_py.errors import DeepConsensusError
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.read import Encoded
from deepconsensus_py.reports.outcomes import Outcome


@dataclass(slots=True, eq=False)
class Pending:
    """A ZMW with items that wait for the network.

    Attributes:
        molecule: the molecule.
        items: ``bool[n]`` which of its items the network must see.
        count: how many these are.
        missing: how many of them have no result yet.
        probabilities: the results, in item order; without shape before the first.
        fault: why the network failed on some of them; empty if it did not.
    """

    molecule: Encoded
    items: NDArray[np.bool_]
    count: int = field(init=False)
    missing: int = field(init=False)
    probabilities: NDArray[np.float32] = field(init=False, default_factory=lambda: np.empty(0, np.float32))
    fault: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.count = self.missing = int(self.items.sum())

    def fill(self, start: int, results: NDArray[np.float32]) -> None:
        """Store the results of the items from ``start`` on."""
        if not len(self.probabilities):
            self.probabilities = np.empty((self.count, *results.shape[1:]), np.float32)
        self.probabilities[start : start + len(results)] = results
        self.missing -= len(results)


def pending(molecule: Encoded, corrector: Corrector, skip_above: float) -> Pending:
    """A ZMW with the items that the network must see; none if it has no features."""
    none = np.zeros(0, np.bool_)
    if molecule.features is None:
        return Pending(molecule, none)
    try:
        return Pending(molecule, corrector.method.select(molecule.features, skip_above))
    except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
        reason = f"{molecule.draft.name}: {type(fault).__name__}: {fault}"
        return Pending(Encoded(molecule.draft, None, Outcome.ERROR, reason, molecule.passes), none)


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """Neighbouring items of the n-th molecule, from ``start`` on."""

    of: Pending
    molecule: int
    start: int
    inputs: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def split(self, at: int) -> tuple["_Slice", "_Slice"]:
        first = {name: array[:at] for name, array in self.inputs.items()}
        rest = {name: array[at:] for name, array in self.inputs.items()}
        return _Slice(self.of, self.molecule, self.start, first), _Slice(self.of, self.molecule, self.start + at, rest)


@dataclass(frozen=True, slots=True, eq=False)
class NetworkBatch:
    """Items of one shape, of one or more molecules."""

    slices: tuple[_Slice, ...]

    def inputs(self) -> Arrays:
        """The network's input; second axes padded with zeros."""
        return {name: _joined([part.inputs[name] for part in self.slices]) for name in self.slices[0].inputs}

    def run(self, forward: Callable[[Arrays], NDArray[np.float32]]) -> "Ran":
        """Run the network; if it fails, run each ZMW's items separately, so that only the faulty ZMW is lost.

        Raises:
            DeepConsensusError: the model or the device cannot be used at all.
        """
        try:
            results = forward(self.inputs())
        except DeepConsensusError:
            raise
        except Exception as fault:  # noqa: BLE001 - one molecule must never stop a run
            if len(self.slices) == 1:
                return Ran(((self.slices[0], f"the network failed: {type(fault).__name__}: {fault}"),))
            alone = [NetworkBatch((part,)).run(forward) for part in self.slices]
            return Ran(tuple(done for one in alone for done in one.done))
        ends = np.cumsum([len(part) for part in self.slices])
        return Ran(tuple(zip(self.slices, np.split(results, ends[:-1]), strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Ran:
    """The slices of a batch with their results, or with the error message."""

    done: tuple[tuple[_Slice, NDArray[np.float32] | str], ...]

    def give_back(self) -> None:
        """Store the results with their ZMWs."""
        for part, result in self.done:
            if isinstance(result, str):
                part.of.fault = result
                part.of.missing -= len(part)
            else:
                part.of.fill(part.start, result)


class Backlog:
    """Items that wait for the network, in order; only items of one shape share a batch.

    Padding to another number of passes changes how sums are rounded, so a base could depend on the other ZMWs in its
    batch. Items share a batch only if their numbers of passes fall in the same bin (``PASS_BIN``).
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, ...], deque[_Slice]] = {}
        self._molecules = self._items = 0

    def __len__(self) -> int:
        return self._items

    def add(self, molecule: Pending) -> None:
        """Append a ZMW's items."""
        if not molecule.count or molecule.molecule.features is None:
            return
        inputs = dict(molecule.molecule.features.inputs)
        if molecule.count < len(molecule.items):
            inputs = {name: array[molecule.items] for name, array in inputs.items()}
        shape = tuple(array.shape[1] // PASS_BIN for array in inputs.values() if array.ndim > 1)
        self._waiting.setdefault(shape, deque()).append(_Slice(molecule, self._molecules, 0, inputs))
        self._molecules += 1
        self._items += molecule.count

    def take(self, most: int) -> NetworkBatch:
        """Up to ``most`` items of the shape of the oldest one, so that no ZMW waits forever for its shape."""
        shape = min(self._waiting, key=lambda shape: self._waiting[shape][0].molecule)
        waiting, slices, room = self._waiting[shape], [], most
        while waiting and room:
            part = waiting.popleft()
            if len(part) > room:
                part, rest = part.split(room)
                waiting.appendleft(rest)
            slices.append(part)
            room -= len(part)
        if not waiting:
            del self._waiting[shape]
        self._items -= most - room
        return NetworkBatch(tuple(slices))


def _joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
    """Items concatenated, shorter second axes padded with zeros."""
    if arrays[0].ndim < 2:
        return np.concatenate(arrays)
    longest = max(array.shape[1] for array in arrays)
    joined = np.zeros((sum(map(len, arrays)), longest, *arrays[0].shape[2:]), arrays[0].dtype)
    start = 0
    for array in arrays:
        joined[start : start + len(array), : array.shape[1]] = array
        start += len(array)
    return joined


MOLECULES_IN_FLIGHT = 64
"""Most ZMWs held in this stage; without it, drafts with hardly any items would pile up until a batch is full."""


def in_turn(
    molecules: Iterable[Encoded], corrector: Corrector, skip_above: float, clock: StageClock
) -> Iterator[Pending]:
    """Run the network whenever a batch is full, in the caller's thread.

    Args:
        molecules: encoded for this corrector.
        corrector: the model.
        skip_above: see ``corrector.Method.select``.
        clock: times the stage ``network``.

    Yields:
        Every molecule, with all its results.
    """
    backlog, order = Backlog(), deque[Pending]()
    for molecule in molecules:
        order.append(pending(molecule, corrector, skip_above))
        backlog.add(order[-1])
        while len(backlog) >= corrector.network.batch or (backlog and len(order) >= MOLECULES_IN_FLIGHT):
            _run(backlog.take(corrector.network.batch), corrector, clock)
        while order and not order[0].missing:
            yield order.popleft()
    while order:
        while order[0].missing:
            _run(backlog.take(corrector.network.batch), corrector, clock)
        yield order.popleft()


def _run(batch: NetworkBatch, corrector: Corrector, clock: StageClock) -> None:
    with clock.stage("network"):
        batch.run(corrector.network.forward).give_back()


def in_streams(
    molecules: Iterable[Encoded], corrector: Corrector, skip_above: float, clock: StageClock
) -> Iterator[Pending]:
    """Run the network in ``corrector.network.streams`` threads beside the caller's.

    Args and yields as for ``in_turn``.
    """
    stage = _Stage(corrector, skip_above, clock)
    with stage.running(molecules):
        yield from stage.done()


class _Stage:
    """The state that the threads share, behind one lock: ZMWs in order, and their items that wait for a stream."""

    def __init__(self, corrector: Corrector, skip_above: float, clock: StageClock) -> None:
        self._corrector, self._skip_above, self._clock = corrector, skip_above, clock
        self._changed = Condition()
        self._order, self._backlog = deque[Pending](), Backlog()
        self._all_read = self._left = False
        self._reading_fault: BaseException | None = None
        self._network_fault: BaseException | None = None

    @contextmanager
    def running(self, molecules: Iterable[Encoded]) -> Iterator[None]:
        """Run a thread that reads and one for each stream, until the block ends."""
        threads = [Thread(target=self._read, args=(molecules,), name="encoded", daemon=True)]
        threads[0].start()
        try:
            # The number of streams may be known only once the weights are loaded; reading starts before that.
            for _ in range(self._corrector.network.streams):
                threads.append(Thread(target=self._run_stream, name="network", daemon=True))
                threads[-1].start()
            yield
        finally:
            with self._changed:
                self._left = True
                self._changed.notify_all()
            for thread in threads:
                thread.join()

    def done(self) -> Iterator[Pending]:
        """ZMWs in order, each as soon as it is done.

        Raises:
            BaseException: what reading or the network raised.
        """
        while (molecule := self._next()) is not None:
            yield molecule
        if self._reading_fault:
            raise self._reading_fault

    def _next(self) -> Pending | None:
        with self._changed:
            self._changed.wait_for(self._has_next)
            if self._network_fault:
                raise self._network_fault
            if not self._order:
                return None
            self._changed.notify_all()
            return self._order.popleft()

    def _has_next(self) -> bool:
        if self._network_fault:
            return True
        return not self._order[0].missing if self._order else self._all_read

    def _read(self, molecules: Iterable[Encoded]) -> None:
        """Read ZMWs while there is room for them."""
        try:
            # Closed in this thread: a generator cannot be closed from another one while it runs.
            with closing(_generator(molecules)) as source:
                for molecule in source:
                    found = pending(molecule, self._corrector, self._skip_above)
                    with self._changed:
                        self._changed.wait_for(self._has_room)
                        if self._left:
                            return
                        self._order.append(found)
                        self._backlog.add(found)
                        self._changed.notify_all()
        except BaseException as fault:  # noqa: BLE001 - raised where the molecules are asked for
            self._reading_fault = fault
        finally:
            with self._changed:
                self._all_read = True
                self._changed.notify_all()

    def _has_room(self) -> bool:
        waiting = self._corrector.network.batch * self._corrector.network.streams
        return self._left or (len(self._backlog) < waiting and len(self._order) < MOLECULES_IN_FLIGHT)

    def _run_stream(self) -> None:
        """Run batches until nothing is left."""
        try:
            while (batch := self._taken()) is not None:
                with self._clock.stage("network"):
                    ran = batch.run(self._corrector.network.forward)
                with self._changed:
                    ran.give_back()
                    self._changed.notify_all()
        except BaseException as fault:  # noqa: BLE001 - raised where the molecules are asked for
            with self._changed:
                self._network_fault = fault
                self._changed.notify_all()

    def _taken(self) -> NetworkBatch | None:
        with self._changed:
            self._changed.wait_for(lambda: self._backlog or self._all_read or self._left)
            if self._left or not self._backlog:
                return None
            self._changed.notify_all()
            return self._backlog.take(self._corrector.network.batch)


def _generator(molecules: Iterable[Encoded]) -> Generator[Encoded, None, None]:
    yield from molecules
