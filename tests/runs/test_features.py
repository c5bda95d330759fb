"""What networks read: the integers times their scales are what the names say."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from run_molecules import Known, make_pass, make_zmw, zmws

from deepconsensus_py.pacbio.molecule import N, Zmw
from deepconsensus_py.runs import kernels
from deepconsensus_py.runs.edits import EDITS
from deepconsensus_py.runs.evidence import RunEvidence, gather_evidence
from deepconsensus_py.runs.features import encode_runs
from deepconsensus_py.runs.likelihood import fit_lengths, log_ratios
from deepconsensus_py.runs.orientation import reverse_zmw
from deepconsensus_py.runs.spec import PASS_FEATURES, RUN_FEATURES, RunSpec

SPEC = RunSpec()
PASS_SCALES, RUN_SCALES = (np.array(list(table.values())) for table in (PASS_FEATURES, RUN_FEATURES))


def log_code(code: int, centre: float) -> float:
    return math.log1p(code) - centre if code else 0


def slow_pass_features(evidence: RunEvidence, ratios: np.ndarray, number: int, run: int) -> dict[str, float]:
    """The features of a pass at a run, from their definitions."""
    if not evidence.covered[number, run]:
        return dict.fromkeys(PASS_FEATURES, 0)
    cell, delta = evidence.cells[number, run].astype(int), int(np.clip(evidence.delta[number, run], -3, 3))
    near = [k for k in range(run - 12, run + 13) if 0 <= k < len(evidence.runs) and k != run]
    seen = [k for k in near if evidence.covered[number, k]]
    wrong = [
        bool(evidence.delta[number, k] or evidence.others[number, k] or evidence.inserted[number, k]) for k in seen
    ]
    steps = {name: cell[field] / 32 - centre if cell[field] else 0 for name, field, centre in MEANS}
    return {
        "delta": delta / 2,
        "one_less": delta == -1,
        "one_more": delta == 1,
        "fewer": delta < -1,
        "more": delta > 1,
        "others": min(cell[kernels.OTHERS], 2),
        "inserted": cell[kernels.INSERTED] > 0,
        "covered": 1,
        **{name: log_code(cell[field], centre) for name, field, centre in CODES},
        **steps,
        "kinetics": evidence.kinetics[number],
        **{f"ratio_{edit}": math.tanh(ratio / 2) for edit, ratio in zip(EDITS[1:], ratios[number, run], strict=True)},
        "local_errors": 3 * sum(wrong) / max(1, len(seen)),
        "reverse": evidence.reverse[number],
    }


CODES = (
    ("shortest_pulse", kernels.PW_MIN, 2.0),
    ("longest_pulse", kernels.PW_MAX, 2.6),
    ("longest_wait", kernels.IP_MAX, 2.0),
    ("next_wait", kernels.IP_NEXT, 2.0),
    ("inserted_pulse", kernels.PW_INSERTED, 2.0),
    ("inserted_wait", kernels.IP_INSERTED, 2.0),
)
MEANS = (("mean_pulse", kernels.PW_LOG_MEAN, 2.4), ("mean_wait", kernels.IP_LOG_MEAN, 1.6))


def slow_run_features(evidence: RunEvidence, by_strand: np.ndarray, run: int) -> dict[str, float]:
    forward, reverse = by_strand[:, run].tolist()
    both = [a + b for a, b in zip(forward, reverse, strict=True)]
    passes = [int(evidence.covered[evidence.reverse == strand, run].sum()) for strand in (0, 1)]
    quality = None if evidence.quality is None else int(evidence.quality[run])
    features: dict[str, float] = {}
    for part, sums in (("forward", forward), ("reverse", reverse), ("both", both)):
        for edit, value in zip(EDITS[1:], sums, strict=True):
            features[f"{part}_fine_{edit}"] = math.tanh(value / 4)
            features[f"{part}_coarse_{edit}"] = math.tanh(value / 15)
    for edit in (1, 3):
        features[f"sum_{EDITS[edit]}"] = math.tanh(both[edit - 1] / 8)
    for edit in (1, 2, 3, 4):
        features[f"mean_{EDITS[edit]}"] = both[edit - 1] / max(1, sum(passes))
    for code, letter in enumerate("ATCG", 1):
        features[letter] = evidence.runs.base[run] == code
    features |= {"log_length": math.log(evidence.runs.length[run]), "single": evidence.runs.length[run] == 1}
    features["quality"] = 0 if quality is None else quality / 30
    features["doubt"] = 0 if quality is None else math.exp(-quality / 8)
    features["has_quality"] = quality is not None
    for strand, name in enumerate(("forward", "reverse")):
        chosen = evidence.reverse == strand
        bases = max(1, (evidence.covered[chosen] * evidence.runs.length).sum())
        more = ((evidence.delta[chosen] > 0) | (evidence.inserted[chosen] > 0)).sum()
        features[f"insertions_{name}"] = 10 * more / bases
        features[f"deletions_{name}"] = 10 * (evidence.delta[chosen] < 0).sum() / bases
        features[f"passes_{name}"] = passes[strand] / 8
    return features


def assert_near(stored: np.ndarray, expected: dict[str, float], scales: dict[str, float]) -> None:
    assert set(expected) == set(scales)
    for value, (name, scale) in zip(stored.tolist(), scales.items(), strict=True):
        limited = np.clip(float(expected[name]), -127 * scale, 127 * scale)
        assert value * scale == pytest.approx(limited, abs=scale / 2 + 1e-4), name


@given(zmws())
def test_the_integers_are_what_their_names_say(zmw: Zmw) -> None:
    evidence = gather_evidence(zmw)
    likelihoods = log_ratios(evidence, fit_lengths(evidence))
    features = encode_runs(evidence, SPEC)
    assert features.passes.shape == (len(evidence.runs), evidence.passes, len(PASS_FEATURES))
    assert features.runs.shape == (len(evidence.runs), len(RUN_FEATURES))
    for run in range(len(evidence.runs)):
        assert_near(features.runs[run], slow_run_features(evidence, likelihoods.by_strand, run), RUN_FEATURES)
        for number in range(evidence.passes):
            expected = slow_pass_features(evidence, likelihoods.ratios, number, run)
            assert_near(features.passes[run, number], expected, PASS_FEATURES)


@given(zmws(fewest=2))
def test_passes_are_a_set(zmw: Zmw) -> None:
    one, other = (encode_runs(gather_evidence(replace(zmw, passes=p)), SPEC) for p in (zmw.passes, zmw.passes[::-1]))
    assert np.array_equal(one.passes, other.passes[:, ::-1])
    assert (np.abs(one.runs.astype(int) - other.runs) <= 1).all()
    assert np.array_equal(one.covered, other.covered[:, ::-1])
    assert np.array_equal(one.reverse, other.reverse[::-1])
    assert np.array_equal(one.candidates, other.candidates)


@given(zmws())
def test_nothing_is_known_where_a_pass_does_not_cover(zmw: Zmw) -> None:
    features = encode_runs(gather_evidence(zmw), SPEC)
    assert not features.passes[~features.covered].any()
    assert np.array_equal(features.passes[..., list(PASS_FEATURES).index("covered")], features.covered)


def test_the_widest_passes_are_kept_and_all_count() -> None:
    draft = "GCATAACCTTGGCATG" * 3
    whole, half = make_pass(draft, draft=draft), make_pass(draft[:9], draft=draft[:9], reverse=True)
    evidence = gather_evidence(make_zmw(draft, half, whole, half, whole))
    few, all_ = encode_runs(evidence, RunSpec(max_passes=2)), encode_runs(evidence, SPEC)
    assert few.reverse.tolist() == [False, False]
    assert np.array_equal(few.passes, all_.passes[:, [1, 3]])
    assert np.array_equal(few.runs, all_.runs)


def test_given_likelihoods_are_used() -> None:
    draft = "GCATAACCTTGGCATG" * 3
    evidence = gather_evidence(make_zmw(draft, draft, draft))
    lengths = fit_lengths(evidence)
    same, other = encode_runs(evidence, SPEC, lengths), encode_runs(evidence, SPEC, lengths * 0.5)
    assert np.array_equal(same.runs, encode_runs(evidence, SPEC).runs)
    assert not np.array_equal(same.runs, other.runs)


def test_n_and_missing_kinetics_pass() -> None:
    draft = "GCNNNAAACCTTGG"
    features = encode_runs(gather_evidence(make_zmw(draft, make_pass(draft, draft=draft, kinetics=False))), SPEC)
    waits = [k for k, name in enumerate(PASS_FEATURES) if name.endswith(("pulse", "wait")) or name == "kinetics"]
    assert not features.passes[..., waits].any()
    run = gather_evidence(make_zmw(draft, draft)).runs.base == N
    assert not features.candidates[run].any()


def test_a_spec_is_plain_json_and_comes_back() -> None:
    spec = RunSpec(max_passes=12)
    assert RunSpec.from_dict(spec.to_dict()) == spec
    assert isinstance(spec.to_dict()["edits"], list)


@pytest.mark.real
def test_real_features_use_their_range(human: list[Known]) -> None:
    """A feature that is 0 throughout, or clipped often, has the wrong scale."""
    tables = [encode_runs(gather_evidence(orient(m.zmw)), SPEC) for m in human for orient in (lambda z: z, reverse_zmw)]
    for names, values in (
        (PASS_FEATURES, np.concatenate([t.passes[t.covered] for t in tables])),
        (RUN_FEATURES, np.concatenate([t.runs for t in tables])),
    ):
        for name, column in zip(names, values.T, strict=True):
            assert (column != column[0]).any() or name in {"kinetics", "covered", "has_quality"}, name
            saturated = np.mean(np.abs(column.astype(int)) == 127)
            assert saturated < 0.01 or names[name] == 1 / 127, name
