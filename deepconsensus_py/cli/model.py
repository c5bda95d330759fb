"""``model``: the models there are, what one is, and checkpoints made into models."""

import argparse
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its own commands."""
    parser = subparsers.add_parser(
        "model", help="list, show and convert models", description="List, show and convert models."
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


def run_list(_: argparse.Namespace) -> int:
    """Print a line for every model."""
    from deepconsensus_py.models.names import WITHOUT_WEIGHTS
    from deepconsensus_py.models.weights import bundled_models, load_model

    for name, what in WITHOUT_WEIGHTS.items():
        print(f"{name}\t{what}")
    for name, path in bundled_models().items():
        print(f"{name}\t{load_model(path).network.summary()}")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print what a model is."""
    import json

    from deepconsensus_py.models.names import WITHOUT_WEIGHTS
    from deepconsensus_py.models.registry import load_corrector
    from deepconsensus_py.models.weights import load_model

    if args.model in WITHOUT_WEIGHTS:
        model = load_corrector(args.model)
        print(f"name\t{model.name}\ncalibration\t{model.calibration}\nfeatures\t{json.dumps(dict(model.spec))}")
        return 0
    loaded = load_model(args.model)
    print(f"name\t{loaded.name}")
    print(f"network\t{loaded.network.summary()}")
    print(f"parameters\t{loaded.network.parameter_count():,}")
    print(f"cost\t{loaded.network.cost()}")
    print(f"calibration\t{loaded.calibration}")
    print(f"features\t{json.dumps(dict(loaded.spec))}")
    print(f"configuration\t{json.dumps(loaded.network.config.to_dict())}")
    print(f"\n{loaded.card}".rstrip())
    return 0


def run_convert(args: argparse.Namespace) -> int:
    """Convert a checkpoint and say what it was."""
    import sys

    from deepconsensus_py.errors import OutputError
    from deepconsensus_py.models.convert import convert_checkpoint
    from deepconsensus_py.models.weights import SUFFIX, save_model

    if args.output.suffix != SUFFIX:
        raise OutputError(f"{args.output}: model files end in {SUFFIX}")
    model = convert_checkpoint(args.checkpoint, name=args.name or args.output.stem)
    save_model(args.output, model)
    print(f"{args.output}: {model.network.summary()}", file=sys.stderr)
    return 0
