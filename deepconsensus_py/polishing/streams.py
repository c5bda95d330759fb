"""The network's stage: molecules go in encoded and come out with the network's results, in the same order.

In several lanes it overlaps with all before and behind it. Whoever is free takes what there is: where the network is
slower than the encoding, batches are full, and where it is faster, it does not wait for them to fill.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from threading import Condition, Thread

from deepconsensus_py.corrector import Corrector
from deepconsensus_py.polishing.batches import Backlog, NetworkBatch, Pending, pending
from deepconsensus_py.polishing.progress import StageClock
from deepconsensus_py.polishing.read import Encoded

MOLECULES_IN_FLIGHT = 64
"""Bound on the molecules in this stage, for drafts so good that the network sees little of them."""


def in_turn(
    molecules: Iterable[Encoded], corrector: Corrector, skip_above: float, clock: StageClock
) -> Iterator[Pending]:
    """Run the network whenever a batch is full, in the caller's thread.

    Args:
        molecules: encoded for this corrector.
        corrector: the model.
        skip_above: see ``corrector.Method.select``.
        clock: counts the stage ``network``.

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


def in_lanes(
    molecules: Iterable[Encoded], corrector: Corrector, skip_above: float, clock: StageClock
) -> Iterator[Pending]:
    """Run the network in ``corrector.network.lanes`` threads, while the caller does something else.

    Args and yields as for ``in_turn``.
    """
    stage = _Stage(corrector, skip_above, clock)
    with stage.running(molecules):
        yield from stage.done()


class _Stage:
    """What the threads share, behind one lock: the molecules in order, and their items that wait for a lane."""

    def __init__(self, corrector: Corrector, skip_above: float, clock: StageClock) -> None:
        self._corrector, self._skip_above, self._clock = corrector, skip_above, clock
        self._changed = Condition()
        self._order, self._backlog = deque[Pending](), Backlog()
        self._all_read = self._left = False
        self._reading_fault: BaseException | None = None
        self._network_fault: BaseException | None = None

    @contextmanager
    def running(self, molecules: Iterable[Encoded]) -> Iterator[None]:
        """Keep a thread at reading and one in each lane; leaving ends them."""
        threads = [Thread(target=self._read, args=(molecules,), name="encoded", daemon=True)]
        threads[0].start()
        try:
            # How many there are, a model may know only when it has been read: what comes before need not wait for that.
            for _ in range(self._corrector.network.lanes):
                threads.append(Thread(target=self._lane, name="network", daemon=True))
                threads[-1].start()
            yield
        finally:
            with self._changed:
                self._left = True
                self._changed.notify_all()
            for thread in threads:
                thread.join()

    def done(self) -> Iterator[Pending]:
        """Molecules in order, each when it is done; at the end, what kept more from being read."""
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
        """Let molecules in as long as there is room."""
        try:
            # Closed in this thread: no other may, while this one waits for it.
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
        waiting = self._corrector.network.batch * self._corrector.network.lanes
        return self._left or (len(self._backlog) < waiting and len(self._order) < MOLECULES_IN_FLIGHT)

    def _lane(self) -> None:
        """Run what waits."""
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
