"""Every claim: what it must say, and that all that is exact holds."""

from pathlib import Path

import pytest

from deepconsensus_py.cli.main import main
from deepconsensus_py.lab import run
from deepconsensus_py.lab.results import show

CLAIMS = run.claims()


def test_numbers_and_ids_are_all_different() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, len(CLAIMS) + 1))
    assert len({claim.id for claim in CLAIMS}) == len(CLAIMS)


def test_claims_say_what_they_are() -> None:
    assert [claim.id for claim in CLAIMS if not claim.system or not claim.seeds] == []
    texts = [(claim.id, text) for claim in CLAIMS for text in (claim.text, claim.baseline, claim.on_reads)]
    assert [(name, text) for name, text in texts if not text.endswith(".")] == []


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_what_is_exact_holds(claim: run.Claim) -> None:
    result = show(claim, fast=True)
    assert result.shown.figures
    assert not result.missed
    names = [figure.name for figure in result.shown.figures]
    assert len(set(names)) == len(names)


def test_a_claim_is_found_by_its_id_and_by_its_module() -> None:
    assert run.find_claim("dt") is run.find_claim("decision_transformer")


def test_the_command_lists_the_claims(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed == [f"{claim.id}\t{claim.system}" for claim in CLAIMS]


def test_the_page_of_the_documentation_has_them_all() -> None:
    results = Path(__file__).parents[2] / "docs" / "developers" / "claims"
    assert sorted(path.stem for path in results.glob("*.json")) == sorted(claim.id for claim in CLAIMS)
