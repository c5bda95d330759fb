"""Models by name."""

from pathlib import Path

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.header import bundled_models
from deepconsensus_py.models.interface import Corrector
from deepconsensus_py.models.names import AUTO, PAIR_HMM, VOTE
from deepconsensus_py.models.vote import Vote


def load_corrector(
    name_or_path: str | Path,
    device: str = "cpu",
    *,
    threads: int | None = None,
    insertion_trim: int | None = None,
    precision: str = AUTO,
    triage: bool = True,
) -> Corrector:
    """Find a corrector by its name or its file; only networks import torch.

    Args:
        name_or_path: ``"vote"``, ``"pairhmm"``, the name of a bundled network, or the path of a ``.safetensors`` file.
        device: where a network runs: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…
        threads: processor cores that a network on the CPU uses; None leaves it to torch.
        insertion_trim: longest insertion (bases) that is kept; None for what the model was made with.
        precision: what a network computes in: ``"fp32"``, ``"bf16"``, or ``"auto"`` for bfloat16 where the device is
            made for it and the model's file says that it changes next to nothing.
        triage: whether what nothing speaks against is left as it is; False lets the network see everything.

    Raises:
        ModelError: there is no such model or no such device, the device cannot compute so, or the file is not one of
            ours.
    """
    if str(name_or_path) == VOTE:
        return Vote(insertion_trim=insertion_trim)
    if str(name_or_path) == PAIR_HMM:
        return _pair_hmm(insertion_trim)
    import torch  # noqa: PLC0415

    from deepconsensus_py.models.network_corrector import NetworkCorrector  # noqa: PLC0415
    from deepconsensus_py.models.run_corrector import RunCorrector  # noqa: PLC0415
    from deepconsensus_py.models.run_network import RunNetwork  # noqa: PLC0415
    from deepconsensus_py.models.weights import load_model  # noqa: PLC0415

    if str(name_or_path) not in bundled_models() and not Path(name_or_path).is_file():
        known = ", ".join([VOTE, PAIR_HMM, *bundled_models()])
        raise ModelError(f"unknown model {str(name_or_path)!r}: no such file, and the known models are {known}")
    if threads is not None:
        torch.set_num_threads(threads)
    model = load_model(name_or_path)
    try:
        if isinstance(model.network, RunNetwork):
            _refuse_trim(model.name, insertion_trim)
            return RunCorrector(model, device=device)
        return NetworkCorrector(model, device=device, insertion_trim=insertion_trim, precision=precision, triage=triage)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {device!r} cannot be used ({error}); use --device cpu") from error


def _pair_hmm(insertion_trim: int | None) -> Corrector:
    from deepconsensus_py.models.pair_hmm import PairHmm  # noqa: PLC0415 - its kernels take a moment to load

    _refuse_trim(PAIR_HMM, insertion_trim)
    return PairHmm()


def _refuse_trim(name: str, insertion_trim: int | None) -> None:
    if insertion_trim is not None:
        raise ModelError(f"model {name!r} reads insertions of any length: leave --ins-trim out")
