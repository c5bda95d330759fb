"""Models by name."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from deepconsensus_py.corrector import Corrector, Features
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.header import RUN, bundled_models, damaged, find_model, read_header
from deepconsensus_py.models.loading import Loading
from deepconsensus_py.models.replicas import Replicas
from deepconsensus_py.options import (
    AUTO,
    BF16,
    DEVICE,
    INSERTION_TRIM,
    OF_COLUMNS,
    OF_NETWORKS,
    PAIR_HMM,
    PRECISION,
    TRIAGE,
    VOTE,
    require_understood,
)
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pileup.features import FeatureSpec
from deepconsensus_py.pileup.method import encode_columns
from deepconsensus_py.pileup.vote import Vote


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
    """Find a corrector by its name or its file; only networks import torch.

    Args:
        name_or_path: ``"vote"``, ``"pairhmm"``, the name of a bundled network, or the path of a ``.safetensors`` file.
        device: where a network runs: ``"cpu"``, ``"cuda"``, ``"cuda:0"``…; several, with commas between, share the
            batches; None is ``"cpu"``.
        threads: processor cores for a network on the CPU, each with a batch of its own, so that what comes out does
            not depend on their number; None leaves one batch at a time to torch's threads.
        insertion_trim: longest insertion (bases) that is kept; None for what the model was made with.
        precision: what a network computes in: ``"fp32"``, ``"bf16"``, or ``"auto"``, the default, for bfloat16 where
            the device is made for it and the model's file says that it changes next to nothing.
        triage: whether what the passes agree with is left as it is, the default; False lets the network see everything.
        wait: False lets a thread read a network, so that molecules can be encoded at once; not where its device may
            turn out to be unfit.

    Raises:
        ModelError: there is no such model or no such device, the device cannot compute so, the file is not one of
            ours, or what is given has no effect with this model.
    """
    asked = _Asked(name_or_path, device, threads, insertion_trim, precision, triage)
    corrector = _encoding(asked)
    if not isinstance(corrector, Loading):
        return corrector
    if wait or device not in {None, "cpu"} or precision == BF16:
        return asked.load()
    corrector.begin()
    return corrector


def load_encoder(name_or_path: str | Path, *, insertion_trim: int | None = None) -> Corrector:
    """A corrector for its encoder: its network, and torch with it, is read only when it is needed after all.

    Args:
        name_or_path: see ``load_model``.
        insertion_trim: see ``load_model``.

    Raises:
        ModelError: there is no such model, the file is not one of ours, or its encoding has no use for the trim.
    """
    return _encoding(_Asked(name_or_path, insertion_trim=insertion_trim))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A model, as it is asked for: the arguments of ``load_model``."""

    name_or_path: str | Path
    device: str | None = None
    threads: int | None = None
    insertion_trim: int | None = None
    precision: str | None = None
    triage: bool | None = None

    def require_fit(self, name: str, understood: Set[str]) -> None:
        """Refuse what was given and has no effect.

        Raises:
            ModelError: it is so.
        """
        given = {option: getattr(self, option) for option in (INSERTION_TRIM, DEVICE, PRECISION, TRIAGE)}
        require_understood(name, understood, given)

    @property
    def triaged(self) -> bool:
        """Whether there is a triage."""
        return self.triage is not False

    def load(self) -> Corrector:
        """Read it, once for each device."""
        import torch  # noqa: PLC0415 - takes a second

        if self.threads is not None:
            torch.set_num_threads(1)
        loaded = [self._on(device) for device in (self.device or "cpu").split(",")]
        return loaded[0] if len(loaded) == 1 else Replicas(loaded)

    def _on(self, device: str) -> Corrector:
        from deepconsensus_py.models.edit_network import RunNetwork  # noqa: PLC0415
        from deepconsensus_py.models.network_corrector import NetworkCorrector  # noqa: PLC0415 - imports torch
        from deepconsensus_py.models.run_corrector import RunCorrector  # noqa: PLC0415
        from deepconsensus_py.models.weights import read_model  # noqa: PLC0415

        model, precision = read_model(self.name_or_path), self.precision or AUTO
        corrector: RunCorrector | NetworkCorrector
        try:
            if isinstance(model.network, RunNetwork):
                corrector = RunCorrector(model, device=device, precision=precision, triage=self.triaged)
            else:
                corrector = NetworkCorrector(
                    model,
                    device=device,
                    insertion_trim=self.insertion_trim,
                    precision=precision,
                    triage=self.triaged,
                )
        except (RuntimeError, AssertionError) as error:
            raise ModelError(f"device {device!r} cannot be used ({error}); use --device cpu") from error
        if device == "cpu" and self.threads is not None:
            corrector.lanes = self.threads
        return corrector


def _encoding(asked: _Asked) -> Corrector:
    """A model as far as it is there without torch: of networks the header, which is enough to encode."""
    name = str(asked.name_or_path)
    if name == VOTE:
        asked.require_fit(VOTE, Vote.options)
        return Vote(insertion_trim=asked.insertion_trim)
    if name == PAIR_HMM:
        from deepconsensus_py.edits.pair_hmm import PairHmm  # noqa: PLC0415 - its kernels take a moment to load

        asked.require_fit(PAIR_HMM, PairHmm.options)
        return PairHmm(triage=asked.triaged)
    if name not in bundled_models() and not Path(name).is_file():
        known = ", ".join([VOTE, PAIR_HMM, *bundled_models()])
        raise ModelError(f"unknown model {name!r}: no such file, and the known models are {known}")
    header = read_header(find_model(name))
    runs = header["family"] == RUN
    understood = OF_NETWORKS | {TRIAGE} | (frozenset() if runs else OF_COLUMNS)
    asked.require_fit(header["name"], understood)
    encoding = (_run_encoding if runs else _column_encoding)(header, asked)
    return Loading(header["name"], header["calibration"], *encoding, asked.load, options=understood)


_Encoding = tuple[Mapping[str, Any], Callable[[Zmw], Features]]
"""Spec and encoder."""


def _run_encoding(header: Mapping[str, Any], asked: _Asked) -> _Encoding:
    from deepconsensus_py.edits.method import encode_runs  # noqa: PLC0415 - its kernels take a moment to load

    return header["spec"], partial(encode_runs, triage=asked.triaged)


def _column_encoding(header: Mapping[str, Any], asked: _Asked) -> _Encoding:
    try:
        features = FeatureSpec.from_dict(header["spec"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(Path(asked.name_or_path), error) from error
    if asked.insertion_trim is not None:
        features = replace(features, insertion_trim=asked.insertion_trim)
    return features.to_dict(), partial(encode_columns, spec=features)
