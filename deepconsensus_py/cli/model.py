"""``model``: the models there are, what one is, checkpoints made into models, and what precision models stand."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its own commands."""
    parser = subparsers.add_parser(
        "model", help="list, show, convert and check models", description="List, show, convert and check models."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    action = actions.add_parser(
        "list", help="models there are", description="List the models that come with the package."
    )
    action.set_defaults(run=run_list)

    action = actions.add_parser(
        "show", help="what a model is", description="Show a model's inputs, layers, parameters and model card."
    )
    action.add_argument("model", metavar="NAME|FILE", help="a model's name, or a .safetensors file")
    action.set_defaults(run=run_show)

    action = actions.add_parser(
        "convert",
        help="make a model file of a DeepConsensus checkpoint",
        description="Convert a checkpoint of Google's DeepConsensus v1; TensorFlow is not needed.",
    )
    action.add_argument(
        "checkpoint",
        type=Path,
        metavar="CHECKPOINT",
        help="its folder, or its prefix (…/checkpoint-N); params.json lies beside it",
    )
    action.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="model file to write, .safetensors"
    )
    action.add_argument("--name", help="what headers and reports call it (default: FILE without its ending)")
    action.set_defaults(run=run_convert)

    action = actions.add_parser(
        "check",
        help="measure whether a network may compute in bfloat16",
        description="Polish reads in float32 and in bfloat16, and compare: 1 base in 10,000 may differ, and of 99 "
        "qualities in 100 no more than 1. With -o, write the model with what was found, so that 'polish' makes use of "
        "it.",
    )
    action.add_argument("model", metavar="NAME|FILE", help="a network's name, or a .safetensors file")
    _options.add_subreads(action)
    _options.add_ccs(action)
    action.add_argument("--limit", type=_options.whole(1), metavar="N", help="only the first N molecules")
    action.add_argument("-o", "--output", type=Path, metavar="FILE", help="model file to write, .safetensors")
    action.set_defaults(run=run_check)


def run_list(_: argparse.Namespace) -> int:
    """Print a line for every model."""
    from deepconsensus_py.models.header import bundled_models
    from deepconsensus_py.models.weights import read_model
    from deepconsensus_py.options import WITHOUT_WEIGHTS

    for name, what in WITHOUT_WEIGHTS.items():
        print(f"{name}\t{what}")
    for name, path in bundled_models().items():
        print(f"{name}\t{read_model(path).network.summary()}")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print what a model is."""
    import json

    from deepconsensus_py.models.registry import load_model
    from deepconsensus_py.models.weights import read_model
    from deepconsensus_py.options import WITHOUT_WEIGHTS

    if args.model in WITHOUT_WEIGHTS:
        model = load_model(args.model)
        print(f"name\t{model.name}\ncalibration\t{model.calibration}\nfeatures\t{json.dumps(dict(model.spec))}")
        return 0
    loaded = read_model(args.model)
    print(f"name\t{loaded.name}")
    print(f"network\t{loaded.network.summary()}")
    print(f"parameters\t{loaded.network.parameter_count():,}")
    print(f"cost\t{loaded.network.cost()}")
    print(f"calibration\t{loaded.calibration}")
    print(f"features\t{json.dumps(dict(loaded.spec))}")
    print(f"configuration\t{json.dumps(loaded.network.config.to_dict())}")
    for precision, agreement in loaded.agreement.items():
        print(f"{precision}\t{agreement}")
    if "doubt_share" not in loaded.spec:  # the triage of run networks is in their encoding
        print(f"triage\t{loaded.triage or 'not calibrated'}")
    print(f"\n{loaded.card}".rstrip())
    return 0


def run_convert(args: argparse.Namespace) -> int:
    """Convert a checkpoint and say what it was."""
    import sys

    from deepconsensus_py.models.convert import convert_checkpoint
    from deepconsensus_py.models.weights import save_model

    _require_model_file(args.output)
    model = convert_checkpoint(args.checkpoint, name=args.name or args.output.stem)
    save_model(args.output, model)
    print(f"{args.output}: {model.network.summary()}", file=sys.stderr)
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Measure bfloat16 against float32, print it, and write it into a model file where one is asked for."""
    from dataclasses import replace

    from deepconsensus_py.models.weights import read_model, save_model
    from deepconsensus_py.options import BF16
    from deepconsensus_py.pacbio.inputs import expand_paths
    from deepconsensus_py.pacbio.molecule import Zmw
    from deepconsensus_py.pacbio.zmws import read_zmws
    from deepconsensus_py.polishing.agreement import measure_agreement

    if args.output:
        _require_model_file(args.output)
    model = read_model(args.model)
    molecules = read_zmws(expand_paths(args.subreads), args.ccs, limit=args.limit)
    found = measure_agreement(args.model, (zmw for zmw in molecules if isinstance(zmw, Zmw)), BF16)
    print(f"{BF16}\t{found}")
    if args.output:
        save_model(args.output, replace(model, agreement={**model.agreement, BF16: found}))
    return 0


def _require_model_file(path: Path) -> None:
    from deepconsensus_py.errors import OutputError
    from deepconsensus_py.models.header import SUFFIX

    if path.suffix != SUFFIX:
        raise OutputError(f"{path}: model files end in {SUFFIX}")
