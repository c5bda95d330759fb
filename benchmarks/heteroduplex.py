"""Heteroduplex sites: found by chance, and found where they were planted.

    python benchmarks/heteroduplex.py simulated --molecules 100 --passes 8     # of each strand
    python benchmarks/heteroduplex.py drafts SUBREADS...                       # real molecules on their own drafts
    python benchmarks/heteroduplex.py reads SUBREADS_TO_CCS CCS                # real molecules on their CCS reads

simulated: molecules of 12 kb, passes aligned to the truth; every 200 bases, the passes of one strand read another base.
    Chance sites are counted without these, on the same molecules.
drafts, reads: bases and sites of molecules with at least seven passes of each strand, where a site can be significant,
    and of the others.

A rate of no chance site in n bases comes with its upper limit at 95 % (3 / n).
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from deepconsensus_py.align.draft import draft_zmw
from deepconsensus_py.align.passes import aligned_to_draft
from deepconsensus_py.errors import MoleculeError
from deepconsensus_py.hifi.heteroduplex import heteroduplex_sites
from deepconsensus_py.pacbio.molecule import Draft, Pass, Zmw
from deepconsensus_py.pacbio.zmws import Undrafted, read_zmws
from deepconsensus_py.simulate.molecules import simulate_molecule
from deepconsensus_py.simulate.profile import load_profile
from deepconsensus_py.simulate.templates import random_template

LENGTH, SPACING = 12_000, 200
DEEP = 7


def simulated(profile_name: str, molecules: int, passes: int, seed: int) -> None:
    """Print the chance sites of simulated molecules, and the share of planted ones that are found."""
    profile, rng = load_profile(profile_name), np.random.default_rng(seed)
    chance = planted = found = 0
    for hole in range(molecules):
        truth = random_template(LENGTH, profile.passes.homopolymer_share, rng)
        at = np.arange(SPACING, LENGTH - SPACING, SPACING)
        other = truth.copy()
        other[at] = (other[at] + rng.integers(0, 3, len(at))) % 4 + 1
        pairs = []
        for template in (truth, other):
            zmw = simulate_molecule(
                template, movie="m", hole=hole, full_passes=2 * passes, profile=profile, rng=rng, partial_ends=False
            ).zmw
            pairs.append(aligned_to_draft(Zmw(Draft("m/1/ccs", truth, None), zmw.passes)).passes)
        chance += len(heteroduplex_sites(LENGTH, pairs[0]))
        mixed = [p for p in pairs[0] if not p.reverse] + [p for p in pairs[1] if p.reverse]
        sites = {site.position for site in heteroduplex_sites(LENGTH, mixed)}
        planted, found = planted + len(at), found + len(sites.intersection(at.tolist()))
    bases = molecules * LENGTH
    print(f"{profile_name}: {passes} + {passes} passes, {molecules} molecules")
    print(f"  by chance {_rate(chance, bases)}; planted {planted}, found {found} ({found / planted:.0%})")


def real(zmws: Iterable[Zmw]) -> None:
    """Print the sites of molecules."""
    bases, found = {True: 0, False: 0}, {True: 0, False: 0}
    for zmw in zmws:
        reverse = sum(p.reverse for p in zmw.passes)
        deep, sites = min(reverse, len(zmw.passes) - reverse) >= DEEP, heteroduplex_sites(*_of(zmw))
        bases[deep] += len(zmw.draft.bases)
        found[deep] += len(sites)
        for site in sites:
            print(f"  {zmw.name}: {site}")
    for deep, which in ((True, "seven passes of each strand or more"), (False, "fewer")):
        print(f"{which}: {_rate(found[deep], bases[deep])}")


def _of(zmw: Zmw) -> tuple[int, Sequence[Pass]]:
    return len(zmw.draft.bases), zmw.passes


def _rate(sites: int, bases: int) -> str:
    limit = f", at most {3e6 / bases:.1f} per Mb" if not sites and bases else ""
    return f"{sites} sites in {bases:,} bases{limit}"


def _zmws(subreads: Sequence[Path], ccs: Path | None) -> Iterator[Zmw]:
    for molecule in read_zmws(subreads, ccs) if ccs else read_zmws(subreads):
        try:
            drafted = draft_zmw(molecule.molecule, molecule.passes) if isinstance(molecule, Undrafted) else molecule
            if isinstance(drafted, Zmw):
                yield aligned_to_draft(drafted)
        except MoleculeError:
            continue


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("simulated", "drafts", "reads"))
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--molecules", type=int, default=100)
    parser.add_argument("--passes", type=int, nargs="+", default=[8])
    parser.add_argument("--profiles", nargs="+", default=["sequel", "sequel2"])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.what == "simulated":
        for profile in args.profiles:
            for passes in args.passes:
                simulated(profile, args.molecules, passes, args.seed)
    elif args.what == "drafts":
        real(_zmws(args.files, None))
    else:
        real(_zmws(args.files[:-1], args.files[-1]))


if __name__ == "__main__":
    main()
