"""``model``: list, show, convert and validate models."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command and its own commands."""
    parser = commands.add_parser(
        "model",
        help="list, show, convert and validate models",
        description="List, show, convert and validate models.",
        usage="%(prog)s COMMAND [options]",
        examples=[("the models that come with the package", "list"), ("what a model is", "show edits")],
    )
    actions = parser.add_subparsers(prog=parser.prog, dest="action", metavar="COMMAND", required=True, title="commands")
    _add_list(actions)
    _add_show(actions)
    _add_convert(actions)
    _add_check(actions)


def _add_list(actions: Commands) -> None:
    parser = actions.add_parser(
        "list",
        help="list the models that come with the package",
        description="List the models that come with the package.",
        usage="%(prog)s [options]",
        examples=[("names and descriptions", "")],
    )
    parser.set_defaults(run=run_list)


def _add_show(actions: Commands) -> None:
    parser = actions.add_parser(
        "show",
        help="show what a model is",
        description="Show the inputs, layers, parameters and model card of a model.",
        usage="%(prog)s [options] NAME|FILE",
        examples=[("a model that comes with the package", "edits"), ("a model file", "model.safetensors")],
    )
    parser.group("input").add_argument("model", metavar="NAME|FILE", help="name of a model, or a .safetensors file")
    parser.set_defaults(run=run_show)


def _add_convert(actions: Commands) -> None:
    parser = actions.add_parser(
        "convert",
        help="convert a DeepConsensus checkpoint to a model file",
        description="Convert a checkpoint of Google's DeepConsensus v1; TensorFlow is not needed.",
        usage="%(prog)s [options] CHECKPOINT -o FILE",
        examples=[
            ("convert the checkpoint of a folder", "checkpoint -o model.safetensors"),
            ("convert one of several, under another name", "run/checkpoint-50 -o model.safetensors --name v1.2"),
        ],
    )
    parser.group("input").add_argument(
        "checkpoint",
        type=Path,
        metavar="CHECKPOINT",
        help="folder or prefix (FOLDER/checkpoint-N) of the checkpoint, with params.json beside it",
    )
    _options.add_output(parser, "FILE", "model file: .safetensors")
    parser.group("output").add_argument(
        "--name", help="name of the model in headers and reports (default: FILE without its extension)"
    )
    parser.set_defaults(run=run_convert)


def _add_check(actions: Commands) -> None:
    parser = actions.add_parser(
        "check",
        help="validate a network for bfloat16",
        description="Polish reads in float32 and in bfloat16, and compare: at most 1 base in 10,000 may differ, and "
        "of 99 qualities in 100 no more than 1. With -o, write the model with the result, which 'polish' then makes "
        "use of.",
        usage="%(prog)s [options] NAME|FILE SUBREADS... --ccs CCS [-o FILE]",
        examples=[
            ("compare on the first two ZMWs", "edits subreads.bam --ccs ccs.bam --limit 2"),
            ("write a model file with the result", "edits subreads.bam --ccs ccs.bam -o checked.safetensors"),
        ],
    )
    parser.group("input").add_argument("model", metavar="NAME|FILE", help="name of a network, or a .safetensors file")
    _options.add_subreads(parser)
    _options.add_ccs(parser)
    _options.add_limit(parser)
    _options.add_output(parser, "FILE", "model file: .safetensors", required=False)
    parser.set_defaults(run=run_check)


def run_list(_: argparse.Namespace) -> int:
    """Print a line for every model."""
    from deepconsensus_py.methods import WITHOUT_WEIGHTS
    from deepconsensus_py.models.header import bundled_models, described

    for name, what in WITHOUT_WEIGHTS.items():
        print(f"{name}\t{what}")
    for name, path in bundled_models().items():
        print(f"{name}\t{described(path)}")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Print a model's inputs, layers, parameters and model card."""
    import json

    from deepconsensus_py.methods import WITHOUT_WEIGHTS

    if args.model in WITHOUT_WEIGHTS:
        from deepconsensus_py.models.registry import load_method

        model = load_method(args.model)
        print(f"name\t{model.name}\ncalibration\t{model.calibration}\nfeatures\t{json.dumps(dict(model.spec))}")
        return 0
    from deepconsensus_py.models.weights import read_model

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
    if "doubt_share" not in loaded.spec:  # the triage of edit networks is part of their encoding
        print(f"triage\t{loaded.triage or 'not calibrated'}")
    print(f"\n{loaded.card}".rstrip())
    return 0


def run_convert(args: argparse.Namespace) -> int:
    """Convert a checkpoint."""
    from deepconsensus_py.models.convert import convert_checkpoint
    from deepconsensus_py.models.weights import save_model

    _require_model_file(args.output)
    model = convert_checkpoint(args.checkpoint, name=args.name or args.output.stem)
    save_model(args.output, model)
    log.info("%s: %s", args.output, model.network.summary())
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Compare bfloat16 with float32, and write the result into a model file if one is asked for."""
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
