"""The tables of ``speed.py`` from the files that it wrote.

    python benchmarks/speed_table.py speed.json [BEFORE.json]

With the file of an earlier state, the drawings of the stages have both. What the figures mean stands in
``speed_results.py``.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from speed_results import IDLE, ONE_SHARD, STAGES, TWO_SHARDS, Configuration, Results

BAR = 40
"""Characters of a bar for the longest run."""

GIB, MIB = 2**30, 2**20


def tables(content: dict[str, Any], before: dict[str, Any] | None = None) -> str:
    """All tables, in Markdown.

    Args:
        content: what ``speed.py`` wrote.
        before: the same of an earlier state.
    """
    results = Results(content)
    parts = [
        _heading(results),
        "## Reached",
        _reached(results),
        "## Whole runs",
        _whole_runs(results),
        "## Stages",
        _stages(results),
        "## Where the time goes",
        *(_bars(results, configuration, before and Results(before)) for configuration in results.measured()),
        "## Agreement with the original's reads",
        _agreement(results) or "Not compared.",
    ]
    return "\n\n".join(parts)


def _heading(results: Results) -> str:
    machine, sizes = results.machine, results.molecules
    others = [run["other_cores"] for run in results.runs]
    disturbed = sum(cores > IDLE for cores in others)
    idle = "The machine was idle"
    if disturbed:
        idle = f"The machine was not idle (runs with others at work are marked *): in {disturbed} of {len(others)} runs"
        idle += f" others kept more than {IDLE} cores busy"
    return (
        f"{machine['processor']}, {machine['cores']} cores. Medians of {results.repeats}. "
        f"{idle}: others used {median(others):.2f} cores in the median, {max(others):.2f} at most; load average "
        f"before the start {machine['load']:.2f}.\n\n"
        f"One copy of the input: {sizes['molecules']} molecules, {sizes['bases_in']:,} draft bases, "
        f"{sizes['windows']:,} windows. Warm: each further copy, from {results.copies} copies against one."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _rate(amount: float, seconds: float) -> float | None:
    return amount / seconds if seconds > 0 else None


def _shown(value: float | None, digits: int = 0, unit: str = "") -> str:
    return "–" if value is None else f"{value:,.{digits}f}{unit}"


def _ratio(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def _title(results: Results, configuration: Configuration) -> str:
    return configuration.title + (" *" if results.disturbed(configuration.key) else "")


def _whole_runs(results: Results) -> str:
    head = ["what", "one copy, s", f"{results.copies} copies, s", "warm, s a copy", "the rest, s", "CPU s a copy"]
    head += ["windows/s, one copy", "windows/s, warm", "molecules/s", "kb/s", "against the original"]
    head += ["peak, MiB", "peak of all copies, MiB"]
    return _table(head, [_whole_run(results, configuration) for configuration in results.measured()])


def _whole_run(results: Results, configuration: Configuration) -> list[str]:
    key, sizes = configuration.key, results.molecules
    once, many, warm = results.seconds(key, 1), results.seconds(key, results.copies), results.warm(key)
    faster = _ratio(results.warm(configuration.beside), warm) if results.of(configuration.beside) else None
    return [
        _title(results, configuration),
        *(_shown(seconds, 2) for seconds in (once, many, warm, once - warm, results.warm_cpu(key))),
        _shown(_rate(sizes["windows"], once)),
        _shown(_rate(sizes["windows"], warm)),
        _shown(_rate(sizes["molecules"], warm), 2),
        _shown(_rate(sizes["bases_in"] / 1000, warm), 1),
        _shown(faster, 1, "×"),
        *(_shown(results.peak(key, copies) / MIB) for copies in (1, results.copies)),
    ]


def _stages(results: Results) -> str:
    head = ["seconds a copy, warm", "read", "align", "encode", "network", "call and stitch", "write"]
    head += ["windows through the network", "windows/s of the network", "against the original"]
    note = (
        "Stages overlap and run in several processes: their seconds add up to more than the run's. The original counts "
        "reading as encoding, and writing as calling; its stages follow each other."
    )
    return f"{_table(head, [_stage_row(results, c) for c in results.measured()])}\n\n{note}"


def _stage_row(results: Results, configuration: Configuration) -> list[str]:
    absent = {"read", "align", "write"} if configuration.original else set()
    seconds = {stage: results.warm_stage(configuration.key, stage) for stage in STAGES}
    windows, beside = results.windows_run(configuration), configuration.beside
    faster = None
    if results.of(beside):
        faster = _ratio(results.warm_stage(beside, "network"), seconds["network"])
    return [
        _title(results, configuration),
        *(_shown(None if stage in absent else seconds[stage], 3) for stage in STAGES),
        _shown(windows),
        _shown(_rate(windows, seconds["network"])),
        _shown(faster, 1, "×"),
    ]


def _bars(results: Results, configuration: Configuration, before: Results | None) -> str:
    """A drawing of the stages in letters, of the earlier state too where there is one, in one scale."""
    key = configuration.key
    states = [("before", before), ("now", results)] if before and before.of(key) else [("", results)]
    longest = max(sum(state.warm_stage(key, stage) for stage in STAGES) for _, state in states if state) or 1
    lines = [f"{configuration.title}, seconds a copy"]
    for name, state in states:
        assert state
        lines.append(f"{name:8}{'whole':8} {state.warm(key):8.3f}".strip())
        for stage in STAGES:
            seconds = state.warm_stage(key, stage)
            lines.append(f"  {stage:8} {seconds:8.3f} {'█' * round(BAR * seconds / longest)}".rstrip())
    return "```text\n" + "\n".join(lines) + "\n```"


def _agreement(results: Results) -> str:
    rows = [
        [configuration.title, next(run["agreement"] for run in results.of(configuration.key) if "agreement" in run)]
        for configuration in results.measured()
        if any("agreement" in run for run in results.of(configuration.key))
    ]
    return _table(["what", "beside the known reads of the original"], rows) if rows else ""


def _reached(results: Results) -> str:
    head = ["what", "original", "here", "against the original", "to reach"]
    rows = [
        _against(results, "same weights, network, warm, windows/s", "same-0", "≥ 2.4×", network=True),
        *_in_bf16(results, "same weights in bfloat16, network, warm, windows/s", "≥ 2.4×", network=True),
        _against(results, "same weights, whole run, every window, warm, windows/s", "same-0", "≥ 2.6×"),
        *_in_bf16(results, "same weights in bfloat16, whole run, every window, warm, windows/s", "≥ 2.6×"),
        _against(results, "bundled model, whole run, defaults, warm, windows/s", "bundled", "≥ 20×"),
        _encode_row(results),
        _align_row(results),
        _memory_row(results),
        _start_row(results),
        _shards_row(results),
        _gpu_row(results),
    ]
    return _table(head, rows)


def _in_bf16(results: Results, what: str, reach: str, *, network: bool = False) -> list[list[str]]:
    """A row where the processor has such arithmetic."""
    there = bool(results.of("same-0-bf16"))
    return [_against(results, what, "same-0-bf16", reach, network=network)] if there else []


def _against(results: Results, what: str, key: str, reach: str, *, network: bool = False) -> list[str]:
    """Windows per second of one configuration and of the original's beside it."""
    (configuration,) = (c for c in results.measured() if c.key == key)
    rates = []
    for own in (configuration.beside, key):
        if not results.of(own):
            rates.append(None)
            continue
        seconds = results.warm_stage(own, "network") if network else results.warm(own)
        if network and own == key:
            # Ours is summed over its lanes, one to a core and never idle where the network is what takes the time.
            seconds /= results.machine["cores"]
        rates.append(_rate(results.molecules["windows"], seconds))
    original, here = rates
    shown = _shown(original) if original else f"not run: {results.missing.get(configuration.beside, 'no figure')}"
    return [what, shown, _shown(here), _shown(_ratio(here, original), 1, "×"), reach]


def _encode_row(results: Results) -> list[str]:
    what, here = "encode one molecule, one core, ms", results.kernels["encode_ms"]
    if not results.of("original-0"):
        return [what, f"not run: {results.missing['original-0']}", _shown(here, 1), "–", "≤ 15"]
    seconds = results.warm_stage("original-0", "encode") * results.machine["cores"]
    original = 1000 * seconds / results.molecules["molecules"]
    return [what, _shown(original), _shown(here, 1), _shown(_ratio(original, here), 1, "×"), "≤ 15"]


def _align_row(results: Results) -> list[str]:
    here, edlib = results.kernels["align_ms"], results.kernels["edlib_ms"]
    shown = f"{edlib:,.0f} with plain edlib"
    return ["align one molecule, one core, ms", shown, _shown(here), _shown(_ratio(edlib, here), 1, "×"), "≤ 300"]


def _memory_row(results: Results) -> list[str]:
    def peaks(keys: Iterable[str]) -> str:
        pairs = [(results.peak(key, 1), results.peak(key, results.copies)) for key in keys]
        growth = max(many / once - 1 for once, many in pairs)
        return f"{max(max(pair) for pair in pairs) / GIB:.2f}, growth {100 * growth:+.0f} %"

    what = f"peak memory of the process tree, GiB, 1 and {results.copies} copies"
    own = [c.key for c in results.measured() if not c.original and c.device == "cpu"]
    theirs = [c.key for c in results.measured() if c.original]
    original = peaks(theirs) if theirs else f"not run: {results.missing['original-0']}"
    return [what, original, peaks(own), "–", "≤ 1.5, growth ≤ 5 %"]


def _start_row(results: Results) -> list[str]:
    """The original's first windows; here even the end of the whole run on the shortest molecule."""
    here = results.seconds("bundled", 0)
    theirs = [run["first_windows"] for run in results.of("original-45", 0) if run["first_windows"] is not None]
    original = f"not run: {results.missing.get('original-45', 'no window')}"
    if theirs:
        original = f"{median(theirs):.2f} (whole run {results.seconds('original-45', 0):.2f})"
    shown = f"≤ {here:.2f} (whole run on the shortest molecule; same weights {results.seconds('same-45', 0):.2f})"
    return ["start-up to the first windows, s", original, shown, "–", "≤ 2"]


def _shards_row(results: Results) -> list[str]:
    what = "two shards against one, a core each"
    if TWO_SHARDS in results.missing:
        return [what, "–", f"not run: {results.missing[TWO_SHARDS]}", "–", "≥ 1.8×"]
    one, two = (results.seconds(shards, None) for shards in (ONE_SHARD, TWO_SHARDS))
    return [what, "–", f"{one / two:.2f}× ({one:.1f} s, {two:.1f} s)", "–", "≥ 1.8×"]


def _gpu_row(results: Results) -> list[str]:
    what, key = "GPU, bundled model, warm, windows/s", "bundled-gpu"
    if key in results.missing:
        return [what, "–", f"not run: {results.missing[key]}", "–", "≥ 5,000; network ≥ 100,000"]
    windows = results.molecules["windows"]
    whole, network = _rate(windows, results.warm(key)), _rate(windows, results.warm_stage(key, "network"))
    return [what, "–", f"{_shown(whole)}; network {_shown(network)}", "–", "≥ 5,000; network ≥ 100,000"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, metavar="JSON")
    parser.add_argument("before", type=Path, metavar="BEFORE", nargs="?")
    args = parser.parse_args()
    before = json.loads(args.before.read_text()) if args.before else None
    print(tables(json.loads(args.results.read_text()), before))


if __name__ == "__main__":
    main()
