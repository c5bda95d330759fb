"""Mechanisms of attention compared as parts of one corrector, on the same windows with the same training."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.config import AttentionConfig, PerHeadConfig, RoutingConfig, TrunkConfig
from deepconsensus_py.attention.cost import LayerCost, layer_cost
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.attention.tokens import Tokens
from deepconsensus_py.errors import InputError, OutputError
from deepconsensus_py.heads.columns import error_probabilities
from deepconsensus_py.heads.correct import Correct
from deepconsensus_py.heads.head import Head
from deepconsensus_py.heads.pileup2d import Pileup2D
from deepconsensus_py.heads.seq2seq import Seq2Seq
from deepconsensus_py.lab.bench_page import Row, bench_page, simulated_errors
from deepconsensus_py.lab.costs import layer_costs
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.reads import SPEC, WindowTensors, draft_error, judge, simulated, take, window_batches
from deepconsensus_py.lab.reads import config as column_config
from deepconsensus_py.lab.results import write_text
from deepconsensus_py.models.alignment_loss import shift_left
from deepconsensus_py.models.column_network import ColumnTokens

COLUMNS = TrunkConfig(2, 64, 4, 128, preset("banded12"), norm="layer")
WRITER = replace(COLUMNS, attention=preset("causal"), cross=True)
CELLS = TrunkConfig(2, 32, 2, 64, preset("axial"), norm="layer", position="none")
READ = 12_000
"""Tokens of a whole read."""

Log = Callable[[str], None]
"""Takes a line about the progress."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that all mechanisms share.

    Attributes:
        steps: training steps.
        seeds: of weights and batches.
        windows: training windows; a fifth as many others are for testing.
        batch: windows of a batch.
        rate: peak learning rate.
    """

    steps: int = 250
    seeds: tuple[int, ...] = (1, 2, 3)
    windows: int = 4000
    batch: int = 32
    rate: float = 2e-3


def mechanisms() -> dict[str, TrunkConfig]:
    """Trunks by name; those with relative positions have no absolute ones."""

    def columns(name: str, position: str) -> TrunkConfig:
        return replace(COLUMNS, attention=preset(name), position=position)

    return {
        "band12": columns("banded12", "sinusoid"),
        "full": columns("full", "sinusoid"),
        "shaw": columns("shaw", "none"),
        "skew": columns("skew", "none"),
        "halo": columns("halo1d", "none"),
        "pileup2d": CELLS,
        "routing": columns("routing", "sinusoid"),
        "seq2seq": columns("full", "sinusoid"),
    }


def build(name: str, seed: int) -> Head:
    """The untrained corrector of a mechanism."""
    torch.manual_seed(seed)
    trunk = mechanisms()[name]
    if name == "seq2seq":
        return Seq2Seq(Trunk(trunk), Trunk(WRITER), tracks=SPEC.max_passes + 1, letters=4)
    columns = column_config(trunk)
    return Pileup2D(Trunk(trunk), columns) if name == "pileup2d" else Correct(Trunk(trunk), ColumnTokens(columns))


def inputs(head: Head, windows: WindowTensors) -> WindowTensors:
    """Windows as a head takes them; one that writes bases reads the bases of passes and draft only."""
    if not isinstance(head, Seq2Seq):
        return windows
    letters = torch.cat([windows["bases"], windows["draft"].unsqueeze(1)], dim=1).transpose(1, 2).long()
    there = torch.ones(letters.shape[:2], dtype=torch.bool)
    return {"symbols": letters.where(letters < 5, 0), "mask": there, "target": shift_left(windows["labels"])}


def bench(
    settings: Settings, folder: Path | None, only: Sequence[str], log: Log, real: Sequence[WindowTensors] = ()
) -> str:
    """Train, judge and time each mechanism.

    Args:
        settings: of all mechanisms.
        folder: for ``attention.json``, ``attention.md``, and a file for each mechanism, which is not run again with
            the same settings; None writes nothing.
        only: names of mechanisms; all if empty.
        log: takes a line for each mechanism.
        real: windows of real molecules. Each is held out with one of the seeds, and judged there; half of the training
            windows are of the others.

    Returns:
        The tables, as Markdown.

    Raises:
        InputError: there is no mechanism of a name, or too few seeds or molecules to hold any out.
        OutputError: the folder cannot be created.
    """
    if unknown := set(only) - mechanisms().keys():
        raise InputError(f"no mechanism {', '.join(sorted(unknown))}; there are {', '.join(mechanisms())}")
    if real and min(len(settings.seeds), len(real)) < 2:
        raise InputError(
            f"{len(real)} real molecules and {len(settings.seeds)} seeds: it takes two of both, as each molecule is "
            "held out with one of the seeds"
        )
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot create the folder ({error.strerror})") from error
    rows = {name: _kept(name, settings, folder, log, real) for name in only or mechanisms()}
    found = {"settings": asdict(settings), "draft": _draft(settings, real), "mechanisms": rows, "read": whole_read()}
    page = bench_page(rows, found["draft"], found["read"], READ)
    if folder is not None:
        write_text(folder / "attention.json", json.dumps(found, indent=1) + "\n")
        write_text(folder / "attention.md", page)
    return page


def _kept(name: str, settings: Settings, folder: Path | None, log: Log, real: Sequence[WindowTensors]) -> Row:
    path = None if folder is None else folder / f"{name}.json"
    described = json.loads(json.dumps({**asdict(settings), "real": _digest(real)}))
    if path is not None and path.exists():
        earlier = json.loads(path.read_text())
        if earlier["settings"] == described:
            log(f"{name}: already done")
            kept: Row = earlier["row"]
            return kept
    row = run_mechanism(name, settings, real)
    log(f"{name}: {simulated_errors(row).mean:.2f} errors/kb, {sum(row['train_s']):.0f} s")
    if path is not None:
        write_text(path, json.dumps({"settings": described, "row": row}) + "\n")
    return row


def _digest(real: Sequence[WindowTensors]) -> str:
    """Which real windows these are; empty if there are none."""
    digest = hashlib.sha256()
    for windows in real:
        for name in sorted(windows):
            digest.update(windows[name].numpy().tobytes())
    return digest.hexdigest()[:16] if real else ""


def run_mechanism(name: str, settings: Settings, real: Sequence[WindowTensors] = ()) -> Row:
    """The figures of a mechanism."""
    trained = [_run(name, settings, turn, real) for turn in range(len(settings.seeds))]
    by_seed = {key: [run[key] for run, _ in trained] for key in trained[0][0]}
    held = [molecule for of in by_seed.pop("real") for molecule in of]
    bases = _bases(_windows(settings)[1])
    return {
        **by_seed,
        "real": [errors for _, errors in sorted(held)],
        "bases": bases,
        **_costs(trained[-1][1], settings),
    }


def _run(name: str, settings: Settings, turn: int, real: Sequence[WindowTensors]) -> tuple[Row, Head]:
    train, test = _windows(settings)
    seed, turns = settings.seeds[turn], len(settings.seeds)
    others = [molecule for at, molecule in enumerate(real) if at % turns != turn]
    given = {key: torch.cat([molecule[key] for molecule in others]) for key in train} if others else {}
    head, generator = build(name, seed), torch.Generator().manual_seed(seed)
    started = time.process_time()

    def drawn(windows: WindowTensors, count: int) -> WindowTensors:
        return take(windows, torch.randint(len(windows["labels"]), (count,), generator=generator))

    def loss(_: int) -> Tensor:
        windows = drawn(train, settings.batch - settings.batch // 2 if given else settings.batch)
        if given:
            more = drawn(given, settings.batch // 2)
            windows = {key: torch.cat([values, more[key]]) for key, values in windows.items()}
        batch = inputs(head, windows)
        return head.loss(head(batch), batch)

    fit(head, loss, Training(settings.steps, settings.rate))
    seconds = time.process_time() - started
    judged = judge_head(head, test)
    held = [
        (at, sum(judge_head(head, real[at])["errors"]) * 1000 / _total_bases(real[at]))
        for at in range(turn, len(real), turns)
    ]
    return {**judged, "real": held, "train_s": seconds}, head


def _bases(windows: WindowTensors) -> float:
    """True bases of a window, on average."""
    return _total_bases(windows) / len(windows["labels"])


def _total_bases(windows: WindowTensors) -> int:
    return int((windows["labels"] > 0).sum())


def _windows(settings: Settings) -> tuple[WindowTensors, WindowTensors]:
    return simulated(settings.windows, 1), simulated(settings.windows // 5, 2)


def judge_head(head: Head, windows: WindowTensors) -> Row:
    """Errors of a head in each window, their calibration if it has error probabilities, and windows without error."""
    head.eval()
    with torch.inference_mode():
        found = [_called(head, inputs(head, batch)) for batch in window_batches(windows, 32)]
    head.train()
    called = torch.cat([calls for calls, _ in found])
    errors = [error for _, error in found if error is not None]
    ece = judge(called, windows["labels"], torch.cat(errors)).calibration_error if errors else None
    return {**_judged(called, windows["labels"]), "ece": ece}


def _judged(called: Tensor, labels: Tensor) -> Row:
    right = (shift_left(called) == shift_left(labels)).all(1)
    each = [judge(called[at : at + 1], labels[at : at + 1]).errors for at in range(len(labels))]
    return {"errors": each, "exact": float(right.float().mean())}


def _called(head: Head, batch: WindowTensors) -> tuple[Tensor, Tensor | None]:
    """The class called in each column, or the bases written, and their error probabilities if there are any."""
    if isinstance(head, Seq2Seq):
        return head.decode(batch, longest=SPEC.width), None
    out = head(batch)
    return out.argmax(-1), error_probabilities(out)


def _draft(settings: Settings, real: Sequence[WindowTensors]) -> Row:
    test = _windows(settings)[1]
    ece = judge(test["draft"], test["labels"], draft_error(test)).calibration_error
    judged = _judged(test["draft"], test["labels"])
    held = [judge(molecule["draft"], molecule["labels"]).per_kb for molecule in real]
    return {**{key: [value] for key, value in judged.items()}, "ece": [ece], "real": held, "bases": _bases(test)}


def _layers(head: Head) -> list[LayerCost]:
    if isinstance(head, Pileup2D):
        return layer_costs(head.trunk, (SPEC.max_passes, SPEC.width))
    layers = layer_costs(head.trunk, (SPEC.width,))
    if isinstance(head, Seq2Seq):
        to_memory = layer_cost(Full(), (SPEC.width,), d=WRITER.d, ff=0)
        layers += [*layer_costs(head.decoder, (SPEC.width,)), *[to_memory] * WRITER.layers]
    return layers


def _costs(head: Head, settings: Settings) -> dict[str, float]:
    """Counts, and the speed of the fastest of five runs; a head that writes bases is timed writing them."""
    batch = inputs(head, take(simulated(settings.windows, 1), slice(0, settings.batch)))
    layers = _layers(head)
    head.eval()
    with torch.inference_mode():
        seconds = min(_seconds(partial(_called, head, batch)) for _ in range(5))
    return {
        "parameters": sum(weight.numel() for weight in head.parameters()),
        "gemm_mflop": sum(layer.tokens * layer.gemm for layer in layers) / 1e6,
        "attention_mflop": sum(layer.tokens * (layer.attention + layer.extra) for layer in layers) / 1e6,
        "pairs": sum(layer.pairs for layer in layers),
        "windows_per_s": settings.batch / seconds,
    }


def whole_read() -> dict[str, dict[str, float]]:
    """Pairs of one layer over a read of ``READ`` tokens, and its milliseconds, the faster of two runs."""
    root = round(READ**0.5)
    entries = {
        "full": AttentionConfig(Full()),
        "band12": preset("banded12")[0],
        "routing": AttentionConfig(RoutingConfig(root, root)),
        "routing and band12, half of the heads each": AttentionConfig(
            PerHeadConfig((BlockLocal(20, 12, exact=12), RoutingConfig(root, root)))
        ),
    }
    found = {}
    for name, entry in entries.items():
        trunk = Trunk(TrunkConfig(1, 64, 2, 128, (entry,), norm="layer")).eval()
        tokens = Tokens(torch.randn(1, READ, 64, generator=torch.Generator().manual_seed(0)))
        (layer,) = layer_costs(trunk, (READ,))
        with torch.inference_mode():
            milliseconds = 1000 * min(_seconds(partial(trunk, tokens)) for _ in range(2))
        found[name] = {"pairs": layer.pairs, "ms": milliseconds}
    return found


def _seconds(run: Callable[[], Any]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started
