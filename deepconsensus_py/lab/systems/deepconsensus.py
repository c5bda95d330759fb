"""Row 16: what DeepConsensus is for, by the default model, on molecules that it was never trained on."""

from collections.abc import Callable, Sequence

from deepconsensus_py.attention.cost import layer_cost
from deepconsensus_py.attention.patterns import BlockLocal
from deepconsensus_py.lab.claim import CostLine, Figure, Row, Shown, Size, at_least, at_most
from deepconsensus_py.lab.polished import Polished, bases_of_quality, polished
from deepconsensus_py.polishing.report import YIELD_QUALITIES
from deepconsensus_py.simulate.movies import MovieSettings, simulate_movie
from deepconsensus_py.simulate.profile import load_profile

TESTDATA = ("sequel", MovieSettings(6, (1000, 3000), (3, 12), 4))
"""The molecules of testdata/, made again."""

DEPTHS = {"5-10": (5, 10), "11-20": (11, 20)}
"""Full passes."""

Movie = tuple[str, MovieSettings]


def run(size: Size) -> Shown:
    """Polish and count."""
    if size.fast:
        groups = {"testdata": _polish(TESTDATA)}
    else:
        groups = {
            f"{profile}, {name} passes": [
                one for seed in size.seeds for one in _polish((profile, MovieSettings(20, (8000, 12000), depth, seed)))
            ]
            for profile in ("sequel", "sequel2")
            for name, depth in DEPTHS.items()
        }
    every = [one for group in groups.values() for one in group]
    judged = not size.fast
    removed = at_least("errors removed, %", _removed(every), 42, judged=judged)
    by_group = [Figure(f"errors removed, %, {name}", _removed(group)) for name, group in groups.items()]
    worse = sum(one.read.total > one.draft.total for one in every)
    counts = [
        Figure("errors", _sum(every, lambda one: one.read.total), _sum(every, lambda one: one.draft.total)),
        Figure("reads with more errors than their draft, %", 100 * worse / len(every)),
    ]
    figures = (removed, *by_group, *counts, *_yields(every), *_kmers(every, judged=judged))
    return Shown(figures, costs=_costs(), notes=_NOTES)


def _polish(movie: Movie) -> list[Polished]:
    profile, settings = movie
    return polished(simulate_movie(settings, load_profile(profile)), "runs")


def _sum(molecules: Sequence[Polished], of: Callable[[Polished], int]) -> float:
    return float(sum(map(of, molecules)))


def _removed(molecules: Sequence[Polished]) -> float:
    before = _sum(molecules, lambda one: one.draft.total)
    return 100 * (1 - _sum(molecules, lambda one: one.read.total) / before)


def _yields(molecules: Sequence[Polished]) -> list[Figure]:
    drafts, reads = [one.draft for one in molecules], [one.read for one in molecules]
    figures = []
    for least in YIELD_QUALITIES:
        for name, predicted in (("found", False), ("predicted", True)):
            before = bases_of_quality(drafts, least, predicted=predicted) / 1000
            after = bases_of_quality(reads, least, predicted=predicted) / 1000
            figures.append(Figure(f"yield at Q{least} as {name}, kb", after, before))
    return figures


def _kmers(molecules: Sequence[Polished], *, judged: bool) -> list[Figure]:
    """Proxies of an assembly's completeness and of its false duplication."""
    true = _sum(molecules, lambda one: one.draft_kmers.true)
    shares = {
        name: tuple(
            100 * sum(getattr(kmers, name) for kmers in of) / true
            for of in ([one.read_kmers for one in molecules], [one.draft_kmers for one in molecules])
        )
        for name in ("found", "false", "repeated")
    }
    found, false, repeated = shares["found"], shares["false"], shares["repeated"]
    return [
        at_least("true 21-mers found, %", found[0], found[1], baseline=found[1], judged=judged),
        at_most("21-mers that are not true, %", false[0], false[1], baseline=false[1], judged=judged),
        Figure("21-mers more often than they truly are, %", repeated[0], repeated[1]),
    ]


def _costs() -> tuple[CostLine, ...]:
    """The original's network beside the bundled one's layers; of a window, and of a run with 32 passes."""
    lines = []
    for system, shape, d, ff, layers, pattern in (
        ("DeepConsensus, a window of 100 columns", 100, 280, 2048, 6, BlockLocal(20, 12, exact=12)),
        ("runs, an undecided run of 32 passes", 33, 64, 128, 2, BlockLocal(33)),
    ):
        one = layer_cost(pattern, (shape,), d=d, ff=ff)
        columns = {"gemm": layers * shape * one.gemm, "attention": layers * shape * one.attention}
        lines.append(CostLine(system, {**columns, "pairs": layers * one.pairs}))
    return tuple(lines)


_NOTES = (
    "The bundled model `runs` was trained on real molecules alone, so none of the simulated ones was trained on; the "
    "simulator's profiles were counted on some of the same real molecules.",
    "On real molecules, each left out of the training in turn (docs/accuracy.md): 74 errors for the 184 of the CCS "
    "reads of human_1m with five or more passes, -60 %; 254 for 319 of the eight without kinetics.",
    "Of 5 to 10 passes of the profile sequel little is removed. `pairhmm`, which learns from no other molecule, "
    "removes as little there (359 of 369 errors are left in 14 of them, 389 by `runs`): the simulated passes speak for "
    "the wrong bases, more than real ones of that depth, which leave 43 of 58, 6 of 9 and 10 of 45 errors.",
    "The published -42 % is of the original's network on human reads; yield and assemblies there are of whole "
    "genomes, here of molecules: k-mers of each read beside those of its truth stand for completeness and false "
    "duplication.",
)

ROW = Row(
    number=16,
    id="deepconsensus",
    system="DeepConsensus",
    claim="A Transformer over aligned passes removes 42 % of the errors of the draft.",
    baseline="The draft consensus.",
    on_reads="This is the product itself.",
    seeds=(1, 2),
    run=run,
)
