"""Two choices of the engine, measured: how arrays come back from workers, and how a network uses several cores.

    python benchmarks/engine.py SUBREADS_TO_CCS.bam CCS.bam [--models vote runs] [--network runs] [--cores 2] [--busy]

- Molecules go to a worker process and their features come back, pickled through a pipe, or with their arrays in shared
  memory (``workers/channel.py``): processor milliseconds of both ends, and of the clock, for each molecule.
- The same batches go through a network one after the other on all cores, and on one core each (streams): seconds. With
  ``--busy`` another process keeps a core busy meanwhile, as workers do.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch

from deepconsensus_py.corrector import Arrays, Features
from deepconsensus_py.models.registry import load_method, load_model
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.workers.channel import Channel, anonymous_memory

ROUNDS, REPEATS = 100, 3
BATCHES = 16
CONTEXT = multiprocessing.get_context("forkserver")

End = tuple[Callable[[object], None], Callable[[], object]]
"""What sends and what receives."""


def end(connection: Connection | Channel) -> End:
    receive = connection.receive if isinstance(connection, Channel) else connection.recv
    return connection.send, receive


def serve(connection: Connection | Channel, features: Features) -> None:
    """A worker that answers every molecule with the same features, and at last with its processor seconds."""
    send, receive = end(connection)
    start = time.process_time()
    while receive() is not None:
        send(features)
    send(time.process_time() - start)


def exchanged(zmw: Zmw, features: Features, *, shared: bool) -> tuple[float, float, float]:
    """Milliseconds for each molecule: of this process, of the worker, of the clock."""
    own, other = CONTEXT.Pipe()
    memory = anonymous_memory()
    send, receive = end(Channel(own, memory) if shared else own)
    worker = CONTEXT.Process(target=serve, args=(Channel(other, memory) if shared else other, features))
    worker.start()
    send(zmw)
    receive()
    cpu, clock = time.process_time(), time.perf_counter()
    for _ in range(ROUNDS):
        send(zmw)
        receive()
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    send(None)
    theirs = receive()
    worker.join()
    assert isinstance(theirs, float)
    return 1000 * cpu / ROUNDS, 1000 * theirs / ROUNDS, 1000 * clock / ROUNDS


def print_transport(zmws: Sequence[Zmw], models: Sequence[str]) -> None:
    print("| features | kB | way | main ms | worker ms | clock ms |\n|---|---|---|---|---|---|")
    for model in models:
        encoded = [load_method(model).encode(zmw) for zmw in zmws]
        kilobytes = np.mean([sum(a.nbytes for a in (*f.inputs.values(), *f.layout.values())) for f in encoded]) / 1000
        for shared in (False, True):
            best = [
                np.min([exchanged(zmw, features, shared=shared) for _ in range(REPEATS)], axis=0)
                for zmw, features in zip(zmws, encoded, strict=True)
            ]
            main, worker, clock = np.mean(best, axis=0)
            way = "shared memory" if shared else "pipe"
            print(f"| {model} | {kilobytes:.0f} | {way} | {main:.2f} | {worker:.2f} | {clock:.2f} |", flush=True)


def spin() -> None:
    while True:
        pass


@contextmanager
def company(wanted: bool) -> Iterator[None]:
    """Another process that keeps a core busy."""
    process = CONTEXT.Process(target=spin, daemon=True)
    if wanted:
        process.start()
    yield
    if wanted:
        process.kill()
        process.join()


def batches(zmws: Sequence[Zmw], model: str) -> tuple[Callable[[Arrays], object], list[Arrays]]:
    """A network's forward, and full batches of one molecule."""
    corrector = load_model(model, threads=1)
    inputs = max(
        (corrector.method.encode(zmw).inputs for zmw in zmws), key=lambda found: len(next(iter(found.values())))
    )
    items = np.arange(corrector.network.batch) % len(next(iter(inputs.values())))
    return corrector.network.forward, [{name: array[items] for name, array in inputs.items()}] * BATCHES


def print_lanes(zmws: Sequence[Zmw], model: str, cores: int) -> None:
    forward, given = batches(zmws, model)

    def seconds(threads: int, streams: int) -> float:
        torch.set_num_threads(threads)
        with ThreadPoolExecutor(streams) as pool:
            list(pool.map(forward, given[:streams]))
            start = time.perf_counter()
            list(pool.map(forward, given))
            return time.perf_counter() - start

    print(f"\n| {model}: {BATCHES} batches | seconds |\n|---|---|")
    for words, threads, streams in (
        ("one core", 1, 1),
        (f"one batch on {cores} cores", cores, 1),
        (f"{cores} batches on a core each", 1, cores),
    ):
        print(f"| {words} | {min(seconds(threads, streams) for _ in range(REPEATS)):.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subreads", type=Path)
    parser.add_argument("ccs", type=Path)
    parser.add_argument("--models", nargs="*", default=["vote", "edits"])
    parser.add_argument("--network", default="edits")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--busy", action="store_true")
    args = parser.parse_args()
    zmws = [zmw for zmw in read_zmws([args.subreads], args.ccs) if isinstance(zmw, Zmw) and len(zmw.passes) > 4]
    print_transport(zmws, args.models)
    with company(args.busy):
        print_lanes(zmws, args.network, args.cores)


if __name__ == "__main__":
    main()
