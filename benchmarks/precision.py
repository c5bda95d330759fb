"""What lower precision gains and what it changes: items/s of one core, and reads against those of float32.

    python benchmarks/precision.py MODEL [MODEL …] [--shared DIR] [--rounds 5]

Items are windows of column networks and undecided runs of run networks, of all molecules of human_1m. "as trained" is
the network as torch runs it; the others are laid out for inference (``models/device.py``). "int8" stands for
dynamic quantisation of the trunk's linear layers by torch and is offered nowhere: networks.md says why. Seconds are
those of the processor, the least of several rounds taken by turns.
"""

import argparse
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

from deepconsensus_py.corrector import Arrays, Corrector
from deepconsensus_py.models.device import for_inference, has_bf16
from deepconsensus_py.models.registry import load_model
from deepconsensus_py.models.weights import read_model
from deepconsensus_py.options import BF16, FP32
from deepconsensus_py.pacbio.molecule import Zmw
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.agreement import compare_correctors

SHARED = Path(os.environ.get("DCPY_SHARED", "../shared"))
AS_TRAINED = "as trained"
BATCHES = 8
"""Full batches of a round: half a second."""


def variants(model: str) -> Iterator[tuple[str, Corrector]]:
    """The model's corrector, with its network in each way."""
    network = read_model(model).network
    networks: dict[str, nn.Module] = {FP32: for_inference(network, FP32), AS_TRAINED: network}
    if has_bf16(torch.device("cpu")):
        networks[BF16] = for_inference(network, BF16)
    networks["int8"] = in_int8(read_model(model).network)
    for name, variant in networks.items():
        corrector = load_model(model, threads=1, precision=FP32, triage=False)
        corrector.network._network = variant
        yield name, corrector


def in_int8(network: nn.Module) -> nn.Module:
    """A network whose trunk's linear layers quantise their inputs as they come."""
    torch.backends.quantized.engine = "onednn"
    linear = {name for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    wanted = {name: per_channel_dynamic_qconfig for name in linear if name.startswith("trunk.")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return quantize_dynamic(network, wanted, dtype=torch.qint8)


def some_batches(corrector: Corrector, zmws: list[Zmw]) -> list[Arrays]:
    """The first full batches of the molecules with most passes."""
    zmws = sorted(zmws, key=lambda zmw: -len(zmw.passes))
    features = [corrector.method.encode(zmw).inputs for zmw in zmws[:BATCHES]]
    alike = [f for f in features if all(f[name].shape[1:] == features[0][name].shape[1:] for name in f)]
    joined = {name: np.concatenate([f[name] for f in alike]) for name in features[0]}
    starts = range(0, max(len(next(iter(joined.values()))) - corrector.network.batch, 0) + 1, corrector.network.batch)
    return [
        {name: values[i : i + corrector.network.batch] for name, values in joined.items()} for i in starts[:BATCHES]
    ]


def speeds(correctors: Mapping[str, Corrector], batches: list[Arrays], rounds: int) -> dict[str, float]:
    """Items per second of the processor."""
    items = sum(len(next(iter(batch.values()))) for batch in batches)
    least = dict.fromkeys(correctors, np.inf)
    for _ in range(rounds):
        for name, corrector in correctors.items():
            start = time.process_time()
            for batch in batches:
                corrector.network.forward(batch)
            least[name] = min(least[name], time.process_time() - start)
    return {name: items / seconds for name, seconds in least.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME|FILE")
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    folder = args.shared / "data" / "human_1m"
    found = read_zmws([folder / "subreads_to_ccs.bam"], folder / "ccs.bam")
    zmws = [zmw for zmw in found if isinstance(zmw, Zmw)]
    for model in args.models:
        correctors = dict(variants(model))
        speed = speeds(correctors, some_batches(correctors[FP32], zmws), args.rounds)
        print(f"\n{Path(model).stem}: {read_model(model).network.summary()}")
        print(f"{'':12}{'items/s':>10}  against {FP32}")
        for name, corrector in correctors.items():
            agreement = "" if name == FP32 else compare_correctors(correctors[FP32], corrector, zmws)
            print(f"{name:12}{speed[name]:10.0f}  {agreement}", flush=True)


if __name__ == "__main__":
    main()
