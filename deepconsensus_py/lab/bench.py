"""Mechanisms of attention compared as parts of one corrector, on the same windows with the same training."""

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
        seeds: of weights and batches; figures are means over them.
        windows: training windows; a fifth as many others are for testing.
        batch: windows of a batch.
        rate: peak learning rate.
    """

    steps: int = 250
    seeds: tuple[int, ...] = (1,)
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


def bench(settings: Settings, folder: Path | None, only: Sequence[str], log: Log) -> str:
    """Train, judge and time each mechanism.

    Args:
        settings: of all mechanisms.
        folder: for ``attention.json``, ``attention.md``, and a file for each mechanism, which is not run again with
            the same settings; None writes nothing.
        only: names of mechanisms; all if empty.
        log: takes a line for each mechanism.

    Returns:
        The tables, as Markdown.

    Raises:
        InputError: there is no mechanism of a name.
        OutputError: the folder cannot be created.
    """
    if unknown := set(only) - mechanisms().keys():
        raise InputError(f"no mechanism {', '.join(sorted(unknown))}; there are {', '.join(mechanisms())}")
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot create the folder ({error.strerror})") from error
    rows = {name: _kept(name, settings, folder, log) for name in only or mechanisms()}
    found = {"settings": asdict(settings), "draft": _draft(settings), "mechanisms": rows, "read": whole_read()}
    page = _page(found)
    if folder is not None:
        write_text(folder / "attention.json", json.dumps(found, indent=1) + "\n")
        write_text(folder / "attention.md", page)
    return page


def _kept(name: str, settings: Settings, folder: Path | None, log: Log) -> dict[str, float]:
    path = None if folder is None else folder / f"{name}.json"
    described = json.loads(json.dumps(asdict(settings)))
    if path is not None and path.exists():
        earlier = json.loads(path.read_text())
        if earlier["settings"] == described:
            log(f"{name}: already done")
            return {key: float(value) for key, value in earlier["row"].items()}
    row = run_mechanism(name, settings)
    log(f"{name}: {row['errors_per_kb']:.2f} errors/kb, {row['train_s']:.0f} s")
    if path is not None:
        write_text(path, json.dumps({"settings": described, "row": row}, indent=1) + "\n")
    return row


def run_mechanism(name: str, settings: Settings) -> dict[str, float]:
    """The figures of a mechanism, means over the seeds."""
    trained = [_run(name, settings, seed) for seed in settings.seeds]
    runs = [run for run, _ in trained]
    row = {key: sum(run[key] for run in runs) / len(runs) for key in runs[0]}
    each = [run["errors_per_kb"] for run in runs]
    return {**row, "spread": max(each) - min(each), **_costs(trained[-1][1], settings)}


def _run(name: str, settings: Settings, seed: int) -> tuple[dict[str, float], Head]:
    train, test = _windows(settings)
    head, generator = build(name, seed), torch.Generator().manual_seed(seed)
    started = time.process_time()

    def loss(_: int) -> Tensor:
        drawn = torch.randint(settings.windows, (settings.batch,), generator=generator)
        batch = inputs(head, take(train, drawn))
        return head.loss(head(batch), batch)

    final = fit(head, loss, Training(settings.steps, settings.rate))
    seconds = time.process_time() - started
    judged = judge_head(head, test)
    return {**judged, "train_loss": final, "train_s": seconds}, head


def _windows(settings: Settings) -> tuple[WindowTensors, WindowTensors]:
    return simulated(settings.windows, 1), simulated(settings.windows // 5, 2)


def judge_head(head: Head, windows: WindowTensors) -> dict[str, float]:
    """Errors of a head in windows, their calibration if it has error probabilities, and windows without error."""
    head.eval()
    with torch.inference_mode():
        found = [_called(head, inputs(head, batch)) for batch in window_batches(windows, 32)]
    head.train()
    called = torch.cat([calls for calls, _ in found])
    errors = [error for _, error in found if error is not None]
    judged = judge(called, windows["labels"], torch.cat(errors) if errors else None)
    right = (shift_left(called) == shift_left(windows["labels"])).all(1)
    ece = {} if judged.calibration_error is None else {"ece": judged.calibration_error}
    return {"errors_per_kb": judged.per_kb, **ece, "exact": float(right.float().mean())}


def _called(head: Head, batch: WindowTensors) -> tuple[Tensor, Tensor | None]:
    """The class called in each column, or the bases written, and their error probabilities if there are any."""
    if isinstance(head, Seq2Seq):
        return head.decode(batch, longest=SPEC.width), None
    out = head(batch)
    return out.argmax(-1), error_probabilities(out)


def _draft(settings: Settings) -> dict[str, float]:
    test = _windows(settings)[1]
    judged = judge(test["draft"], test["labels"], draft_error(test))
    ece = {} if judged.calibration_error is None else {"ece": judged.calibration_error}
    return {"errors_per_kb": judged.per_kb, **ece}


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


def _page(found: dict[str, Any]) -> str:
    head = (
        "| | errors/kb | exact windows | ECE, Phred | parameters | GEMM, MFLOP | attention, MFLOP | pairs | windows/s "
        "| training, s |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|---|---|"]
    draft = found["draft"]
    lines.append(f"| draft | {draft['errors_per_kb']:.2f} | | {_or_none(draft.get('ece'))} | | | | | | |")
    for name, row in found["mechanisms"].items():
        lines.append(
            f"| `{name}` | {row['errors_per_kb']:.2f} ± {row['spread'] / 2:.2f} | {row['exact']:.3f} "
            f"| {_or_none(row.get('ece'))} | {row['parameters']:,.0f} | {row['gemm_mflop']:.1f} "
            f"| {row['attention_mflop']:.2f} | {row['pairs']:,.0f} | {row['windows_per_s']:.0f} "
            f"| {row['train_s']:.0f} |"
        )
    lines += ["", f"One layer over a read of {READ:,} tokens, 64 wide, two heads:", ""]
    lines += ["| | pairs of a head | ms |", "|---|---|---|"]
    lines += [f"| {name} | {row['pairs']:,.0f} | {row['ms']:.0f} |" for name, row in found["read"].items()]
    best = min(found["mechanisms"], key=lambda name: found["mechanisms"][name]["errors_per_kb"])
    fastest = max(found["mechanisms"], key=lambda name: found["mechanisms"][name]["windows_per_s"])
    lines += ["", f"Fewest errors: `{best}`; most windows a second: `{fastest}`."]
    return "\n".join(lines) + "\n"


def _or_none(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
