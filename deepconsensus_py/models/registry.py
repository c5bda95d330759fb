"""Load models by name: the method at once; the network, and torch for those that need it, when needed."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepconsensus_py.corrector import Arrays, Corrector, Method, Network
from deepconsensus_py.errors import ModelError
from deepconsensus_py.methods import METHODS, MethodRow, imported
from deepconsensus_py.models.header import damaged, find_method, find_model, read_arrays, read_header, require_shapes
from deepconsensus_py.options import AUTO, BF16, DEVICE, FP32, INSERTION_TRIM, PRECISION, TRIAGE, require_understood


class Loading:
    """A ``corrector.Network`` loaded by a thread, so that molecules can be encoded meanwhile.

    Uses block until it is loaded, and raise any error of loading.

    Args:
        read: loads the network.
        precision: its numeric precision, if that is known before it is loaded.
        blank: makes an item that it computes once it is loaded, which loads its compiled code; None for no item.
    """

    def __init__(
        self, read: Callable[[], Network], precision: str | None = None, blank: Callable[[], Arrays] | None = None
    ) -> None:
        self._network: Future[Network] = Future()
        self._precision = precision
        Thread(target=self._fill, args=(read, blank), name="model", daemon=True).start()

    @property
    def precision(self) -> str:
        """The precision in use; ``--resume`` compares it, so that it may not depend on the number of threads."""
        return self._precision or str(getattr(self._network.result(), "precision", FP32))

    @property
    def batch(self) -> int:
        """Items of a full batch."""
        return self._network.result().batch

    @property
    def streams(self) -> int:
        """Concurrent batches."""
        return self._network.result().streams

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """As the network does."""
        return self._network.result().forward(inputs)

    def _fill(self, read: Callable[[], Network], blank: Callable[[], Arrays] | None) -> None:
        try:
            network = read()
        except BaseException as fault:  # noqa: BLE001 - raised where the network is needed
            self._network.set_exception(fault)
            return
        self._network.set_result(network)
        if blank:
            with suppress(Exception):  # any fault recurs with the first molecule, where it can be reported
                network.forward(blank())


class Replicas:
    """A ``corrector.Network`` that passes each batch to one of several replicas with a free stream.

    Args:
        networks: of one model, each on its own device.
    """

    def __init__(self, networks: Sequence[Network]) -> None:
        self.batch = networks[0].batch
        self.precision = "+".join(sorted({str(getattr(network, "precision", FP32)) for network in networks}))
        self.streams = sum(network.streams for network in networks)
        self._free: SimpleQueue[Network] = SimpleQueue()
        for stream in range(max(network.streams for network in networks)):
            for network in networks:
                if stream < network.streams:
                    self._free.put(network)

    def forward(self, inputs: Arrays) -> NDArray[np.float32]:
        """Probabilities of a batch, from the device that has been idle longest."""
        network = self._free.get()
        try:
            return network.forward(inputs)
        finally:
            self._free.put(network)


def load_model(
    name_or_path: str | Path,
    device: str | None = None,
    *,
    threads: int | None = None,
    insertion_trim: int | None = None,
    precision: str | None = None,
    triage: bool | None = None,
    wait: bool = True,
) -> Corrector:
    """Find a model by its name or its file; only networks import torch, and not those of ``MethodRow.inference``.

    Args:
        name_or_path: ``"vote"``, ``"pairhmm"``, the name of a bundled network, or the path of a ``.safetensors`` file.
        device: device of a network: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…; several, separated by commas, share the
            batches; default ``"cpu"``.
        threads: CPU cores for a network, one batch each, so that results do not depend on their number; None computes
            one batch at a time with torch's threads.
        insertion_trim: longest insertion kept, bp; None for the model's own.
        precision: numeric precision of a network: ``"fp32"``, ``"bf16"``, or ``"auto"``, the default, for bfloat16
            where the device supports it and the model was validated for it.
        triage: whether positions where the passes support the draft are skipped, the default; False shows the network
            everything.
        wait: False loads a network in a thread, so that encoding can start at once; unless its device may be
            unsuitable.

    Raises:
        ModelError: there is no such model or device, the device does not support the precision, the file is not one of
            ours, or an option has no effect with this model.
    """
    given = {INSERTION_TRIM: insertion_trim, DEVICE: device, PRECISION: precision, TRIAGE: triage}
    row, method, header = _method(name_or_path, given)
    if not row.network:
        return Corrector.of(method)
    read = _Networks(name_or_path, device or "cpu", precision or AUTO, threads)
    may_fail = device not in {None, "cpu"} or precision == BF16
    if wait or may_fail:
        return Corrector(method, read())
    # Without a measured agreement, "auto" is float32 on every device (``models.device.choose_precision``).
    known = FP32 if precision == FP32 or BF16 not in header.get("agreement", {}) else None
    return Corrector(method, Loading(read, known, imported(row.blank) if row.blank else None))


def load_method(name_or_path: str | Path, *, insertion_trim: int | None = None, **given: object) -> Method:
    """The method of a model alone: enough to encode molecules without torch.

    Args:
        name_or_path: see ``load_model``.
        insertion_trim: see ``load_model``.
        given: further options (``options.OPTIONS``), which are only checked; None for those that are not given.

    Raises:
        ModelError: there is no such model, the file is not one of ours, or an option has no effect with it.
    """
    method: Method = _method(name_or_path, {INSERTION_TRIM: insertion_trim} | given)[1]
    return method


def _method(name_or_path: str | Path, given: Mapping[str, Any]) -> tuple[MethodRow, Any, Mapping[str, Any]]:
    row, header = find_method(name_or_path)
    kind = imported(row.method)
    require_understood(header.get("name", str(name_or_path)), kind.options, given)
    try:
        return row, kind.of(header, given), header
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(Path(name_or_path), error) from error


@dataclass(frozen=True, slots=True)
class _Networks:
    """Loads a network on each device; takes the arguments of ``load_model``."""

    name_or_path: str | Path
    devices: str
    precision: str
    threads: int | None

    def __call__(self) -> Network:
        networks = [self._on(device) for device in self.devices.split(",")]
        return networks[0] if len(networks) == 1 else Replicas(networks)

    def _on(self, device: str) -> Network:
        if device == "cpu" and self.precision != BF16 and (network := self._without_torch()):
            return network
        import torch  # noqa: PLC0415 - takes a second

        from deepconsensus_py.models.device import DeviceNetwork  # noqa: PLC0415 - imports torch
        from deepconsensus_py.models.weights import read_model  # noqa: PLC0415

        if self.threads is not None:
            torch.set_num_threads(1)
        model = read_model(self.name_or_path)
        try:
            network = DeviceNetwork(model.network, device=device, precision=self.precision, agreement=model.agreement)
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"device {device!r} cannot be used ({error}); use --device cpu") from error
        if device == "cpu" and self.threads is not None:
            network.streams = self.threads
        return network

    def _without_torch(self) -> Network | None:
        """The network if its method computes it in NumPy and compiled code, which starts sooner and is faster."""
        path = find_model(self.name_or_path)
        header = read_header(path)
        row = METHODS[header["family"]]
        if not row.inference or not (kind := imported(row.inference)).supports(header["spec"], header["config"]):
            return None
        if (arrays := read_arrays(path)) is None:
            return None
        require_shapes(kind.shapes(header["config"]), {name: a.shape for name, a in arrays.items()}, str(path))
        network: Network = kind(header["config"], arrays, self.threads or 1)
        return network
