"""An option that a model has no use for is refused when it is given, by the command and by the library."""

import json
from pathlib import Path

import pytest
from support import Commands, record_lines

from deepconsensus_py.errors import ModelError
from deepconsensus_py.models.registry import load_method, load_model
from deepconsensus_py.options import OPTIONS
from deepconsensus_py.pacbio.zmws import read_zmws
from deepconsensus_py.polishing.engine import PolishSettings, polish
from deepconsensus_py.polishing.qualities import Calibration

VALUES = {
    "--skip-windows-above": "45",
    "--ccs-calibration": "skip",
    "--ins-trim": "5",
    "--triage": "on",
    "--precision": "auto",
    "--device": "cpu",
}
"""The defaults: that it changes nothing does not make an option that is ignored a sound one."""

COLUMN_MODELS, NETWORKS, NOT_VOTE = "column models", "networks", "all models but 'vote'"
REFUSED = [
    *(("edits", flag, COLUMN_MODELS) for flag in ("--skip-windows-above", "--ccs-calibration", "--ins-trim")),
    *(("pairhmm", flag, COLUMN_MODELS) for flag in ("--skip-windows-above", "--ccs-calibration", "--ins-trim")),
    *((model, flag, NETWORKS) for model in ("pairhmm", "vote") for flag in ("--precision", "--device")),
    ("vote", "--triage", NOT_VOTE),
]
ACCEPTED = [
    ("vote", ("--skip-windows-above", "--ccs-calibration", "--ins-trim")),
    ("pairhmm", ("--triage",)),
    ("edits", ("--triage", "--precision", "--device")),
    ("columns", tuple(VALUES)),
]


@pytest.fixture
def inputs(testdata: Path) -> list[object]:
    return [testdata / "subreads.bam", "--ccs", testdata / "ccs.bam", "--limit", 1, "--threads", 1]


@pytest.mark.parametrize(("model", "flag", "models"), REFUSED)
def test_what_has_no_effect_is_refused(run: Commands, inputs, tmp_path: Path, model, flag, models) -> None:
    result = run("polish", *inputs, "-o", tmp_path / "out.bam", "--model", model, flag, VALUES[flag])
    assert result.status == 1
    assert result.err.strip().endswith(f"{flag} has no effect with model '{model}'; it applies to {models}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("model", "flags"), ACCEPTED, ids=[model for model, _ in ACCEPTED])
def test_what_has_an_effect_is_taken(run: Commands, inputs, tmp_path: Path, tiny_model: Path, model, flags) -> None:
    name = tiny_model if model == "columns" else model
    reads = []
    for number, options in enumerate(([], [word for flag in flags for word in (flag, VALUES[flag])])):
        output = tmp_path / f"{number}.bam"
        result = run("polish", *inputs, "-o", output, "--model", name, "--min-quality", 0, *options)
        assert result.status == 0, result.err
        reads.append(record_lines(output))
        given = json.loads((tmp_path / f"{number}.report.json").read_text())["parameters"]
        unused = {name for name, option in OPTIONS.items() if option.flag not in flags}
        # What the model has no use for has no value; a trim that is not given is the model's.
        assert {name for name in OPTIONS if given[name] is None} - {"insertion_trim"} == unused - {"insertion_trim"}
    assert reads[0] == reads[1]
    assert len(reads[0]) == 1


def test_the_triage_of_encoded_molecules_is_decided(run: Commands, inputs, tmp_path: Path) -> None:
    shard, output = tmp_path / "shard", tmp_path / "out.bam"
    assert run("encode", *inputs, "-o", shard, "--model", "pairhmm").status == 0
    options = ("--features", shard, "-o", output, "--model", "pairhmm", "--threads", 1)
    result = run("polish", *options, "--triage", "off")
    assert result.status == 1
    assert "--triage has no effect with --features and model 'pairhmm'" in result.err
    assert run("polish", *options).status == 0


def test_encoding_refuses_it_too(run: Commands, inputs, tmp_path: Path) -> None:
    result = run("encode", *inputs, "-o", tmp_path / "shard", "--ins-trim", 5)
    assert (result.status, list(tmp_path.iterdir())) == (1, [])
    assert "--ins-trim has no effect with model 'edits'; it applies to column models" in result.err


@pytest.mark.parametrize("option", [("--model", "edits"), ("--ins-trim", 5), ("--min-passes", 3)])
def test_examples_are_for_all_models(run: Commands, inputs, testdata: Path, tmp_path: Path, option) -> None:
    result = run("encode", *inputs, "--truth", testdata / "truth.fasta", "-o", tmp_path / "e", *option)
    assert result.status == 2
    assert "--model, --ins-trim and filters do not go with --truth" in result.err


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("edits", {"insertion_trim": 5}),
        ("pairhmm", {"device": "cpu"}),
        ("vote", {"precision": "fp32"}),
        ("vote", {"triage": True}),
    ],
)
def test_the_library_refuses_it_where_a_model_is_loaded(model: str, options: dict[str, object]) -> None:
    with pytest.raises(ModelError, match=f"has no effect with model '{model}'"):
        load_model(model, **options)


def test_the_library_refuses_settings(testdata: Path) -> None:
    for settings in (PolishSettings(skip_windows_above=0), PolishSettings(draft_calibration=Calibration.parse("skip"))):
        for model in ("pairhmm", load_model("pairhmm")):
            zmws = read_zmws([testdata / "subreads.bam"], testdata / "ccs.bam")
            with pytest.raises(ModelError, match="has no effect with model 'pairhmm'; it applies to column models"):
                next(polish(zmws, model=model, settings=settings))


def test_a_model_that_is_being_read_understands_what_it_does_when_it_has_been(tiny_model: Path) -> None:
    for model in ("edits", str(tiny_model)):
        assert load_method(model).options == load_model(model).method.options


def test_help_says_which_models_an_option_is_for(run: Commands) -> None:
    shown = " ".join(run("polish", "--help").out.split())
    for option in OPTIONS.values():
        _, _, text = shown.rpartition(f" {option.flag} ")
        words = "not with model vote" if option.models == NOT_VOTE else f"{option.models} only"
        assert words in text[:350], option.flag
