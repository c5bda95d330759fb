"""Models by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.column import encode_columns
from deepconsensus_py.models.header import RUN, bundled_models, find_model, read_header
from deepconsensus_py.models.interface import Corrector, Features
from deepconsensus_py.models.loading import Loading
from deepconsensus_py.models.names import AUTO, BF16, PAIR_HMM, VOTE
from deepconsensus_py.models.replicas import Replicas
from deepconsensus_py.models.vote import Vote
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pileup.features import FeatureSpec


def load_corrector(
    name_or_path: str | Path,
    device: str = "cpu",
    *,
    threads: int | None = None,
    insertion_trim: int | None = None,
    precision: str = AUTO,
    triage: bool = True,
    wait: bool = True,
) -> Corrector:
    """Find a corrector by its name or its file; only networks import torch.

    Args:
        name_or_path: ``"vote"``, ``"pairhmm"``, the name of a bundled network, or the path of a ``.safetensors`` file.
        device: where a network runs: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…; several, with commas between, share the
            batches.
        threads: processor cores for a network on the CPU, each with a batch of its own, so that what comes out does
            not depend on their number; None leaves one batch at a time to torch's threads.
        insertion_trim: longest insertion (bases) that is kept; None for what the model was made with.
        precision: what a network computes in: ``"fp32"``, ``"bf16"``, or ``"auto"`` for bfloat16 where the device is
            made for it and the model's file says that it changes next to nothing.
        triage: whether what nothing speaks against is left as it is; False lets the network see everything.
        wait: False lets a thread read a network, so that molecules can be encoded at once; not where its device may
            turn out to be unfit.

    Raises:
        ModelError: there is no such model or no such device, the device cannot compute so, or the file is not one of
            ours.
    """
    if str(name_or_path) == VOTE:
        return Vote(insertion_trim=insertion_trim)
    if str(name_or_path) == PAIR_HMM:
        return _pair_hmm(insertion_trim, triage=triage)
    if str(name_or_path) not in bundled_models() and not Path(name_or_path).is_file():
        known = ", ".join([VOTE, PAIR_HMM, *bundled_models()])
        raise ModelError(f"unknown model {str(name_or_path)!r}: no such file, and the known models are {known}")
    header = read_header(find_model(name_or_path))
    if header["family"] == RUN:
        _refuse_trim(header["name"], insertion_trim)
    network = _Network(name_or_path, device.split(","), threads, insertion_trim, precision, triage)
    if wait or device != "cpu" or precision == BF16:
        return network.load()
    return Loading(header["name"], header["calibration"], *_encoding(header, network), network.load)


@dataclass(frozen=True, slots=True)
class _Network:
    """A network, as it is asked for."""

    name_or_path: str | Path
    devices: list[str]
    threads: int | None
    insertion_trim: int | None
    precision: str
    triage: bool

    def load(self) -> Corrector:
        """Read it, once for each device."""
        import torch  # noqa: PLC0415 - takes a second

        if self.threads is not None:
            torch.set_num_threads(1)
        loaded = [self._on(device) for device in self.devices]
        return loaded[0] if len(loaded) == 1 else Replicas(loaded)

    def _on(self, device: str) -> Corrector:
        from deepconsensus_py.models.network_corrector import NetworkCorrector  # noqa: PLC0415 - imports torch
        from deepconsensus_py.models.run_corrector import RunCorrector  # noqa: PLC0415
        from deepconsensus_py.models.run_network import RunNetwork  # noqa: PLC0415
        from deepconsensus_py.models.weights import load_model  # noqa: PLC0415

        model = load_model(self.name_or_path)
        corrector: RunCorrector | NetworkCorrector
        try:
            if isinstance(model.network, RunNetwork):
                corrector = RunCorrector(model, device=device, precision=self.precision, triage=self.triage)
            else:
                corrector = NetworkCorrector(
                    model,
                    device=device,
                    insertion_trim=self.insertion_trim,
                    precision=self.precision,
                    triage=self.triage,
                )
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"device {device!r} cannot be used ({error}); use --device cpu") from error
        if device == "cpu" and self.threads is not None:
            corrector.lanes = self.threads
        return corrector


def _encoding(header: Mapping[str, Any], network: _Network) -> tuple[Mapping[str, Any], Callable[[Zmw], Features]]:
    """Spec and encoder of a network, for which its header is enough."""
    if header["family"] == RUN:
        from deepconsensus_py.models.run_encoder import encode_runs  # noqa: PLC0415 - its kernels take a moment to load

        return header["spec"], partial(encode_runs, triage=network.triage)
    features = FeatureSpec.from_dict(header["spec"])
    if network.insertion_trim is not None:
        features = replace(features, insertion_trim=network.insertion_trim)
    return features.to_dict(), partial(encode_columns, spec=features)


def _pair_hmm(insertion_trim: int | None, *, triage: bool) -> Corrector:
    from deepconsensus_py.models.pair_hmm import PairHmm  # noqa: PLC0415 - its kernels take a moment to load

    _refuse_trim(PAIR_HMM, insertion_trim)
    return PairHmm(triage=triage)


def _refuse_trim(name: str, insertion_trim: int | None) -> None:
    if insertion_trim is not None:
        raise ModelError(f"model {name!r} reads insertions of any length: leave --ins-trim out")
