"""Every claim: what it must say, and that all that is exact holds."""

import re
from pathlib import Path

import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.lab import page, run
from deepconsensus_py.lab.bench import mechanisms
from deepconsensus_py.lab.claim import HOLDS, MISSES, TIE, Shown
from deepconsensus_py.lab.on_reads import ON_READS
from deepconsensus_py.lab.results import code_of_claim, show

CLAIMS = run.claims()

PAGE = Path(__file__).parents[2] / "docs" / "developers" / "claims.md"


def test_numbers_and_ids_are_all_different() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, len(CLAIMS) + 1))
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)


def test_claims_say_what_they_are() -> None:
    assert [claim.id for claim in CLAIMS if not claim.system or not claim.seeds] == []
    texts = [(claim.id, text) for claim in CLAIMS for text in (claim.text, claim.baseline)]
    texts += ON_READS.items()
    assert [(name, text) for name, text in texts if not text.endswith(".")] == []


def test_what_is_said_of_reads_is_of_claims_and_of_mechanisms_that_are_measured() -> None:
    assert ON_READS.keys() <= {claim.id for claim in CLAIMS}
    named = {word for text in ON_READS.values() for word in re.findall(r"Mechanism `(\w+)`", text)}
    assert named <= mechanisms().keys()


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_what_is_exact_holds(claim: run.Claim) -> None:
    result = show(claim, fast=True)
    assert result.shown.figures
    assert not result.missed_exact
    names = [figure.name for figure in result.shown.figures]
    assert len(set(names)) == len(names)
    assert result.verdict == ""
    check_rules(claim, result.shown)


def check_rules(claim: run.Claim, shown: Shown) -> None:
    """The rules of a row: what trains has equal arms, or says why not, and at least three seeds."""
    if not any(figure.trained for figure in shown.figures):
        return
    assert shown.arms
    assert bool(shown.unfair) == bool(shown.unequal)
    assert len(claim.seeds) >= 3


def test_a_claim_is_found_by_its_id_and_by_its_module() -> None:
    assert run.find_claim("dt") is run.find_claim("decision_transformer")


def test_the_command_lists_the_claims_and_what_a_folder_has_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "graph.json").write_text((PAGE.with_suffix("") / "graph.json").read_text())
    assert main(["claims", "--list", "-o", str(tmp_path)]) == 0
    listed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [line[::2] for line in listed] == [[claim.id, claim.system] for claim in CLAIMS]
    assert {line[1] for line in listed if line[0] != "graph"} == {"not run"}
    assert next(line[1] for line in listed if line[0] == "graph") != "not run"


def test_the_page_of_the_documentation_has_them_all() -> None:
    assert sorted(path.stem for path in PAGE.with_suffix("").glob("*.json")) == sorted(claim.id for claim in CLAIMS)


def test_the_page_of_the_documentation_is_that_of_its_results_and_says_which_are_of_earlier_code() -> None:
    """If this fails after a change of lab/: ``deepconsensus-py claims --page -o docs/developers/claims``."""
    entries = list(run.entries(PAGE.with_suffix("")))
    assert PAGE.read_text() == page.page(entries, plots="claims", code_of=code_of_claim)


def test_the_verdicts_on_the_page_follow_from_its_intervals() -> None:
    """So that no verdict is kept that the rules do not give."""
    faults = []
    for claim, result in run.entries(PAGE.with_suffix("")):
        for figure in result.trained:
            if result.code is None:
                faults += [claim.id] if figure.verdict not in {"met", "missed"} else []
            elif figure.interval is not None:
                word, target = figure.target.split()
                low, high = figure.interval if word == ">=" else tuple(-end for end in reversed(figure.interval))
                least = float(target) if word == ">=" else -float(target)
                allowed = {HOLDS, TIE} if low >= least else {MISSES, TIE} if high < least else {TIE}
                faults += [f"{claim.id}: {figure.name}"] if figure.verdict not in allowed else []
            elif figure.verdict != TIE:
                faults.append(f"{claim.id}: {figure.name}")
    assert faults == []
