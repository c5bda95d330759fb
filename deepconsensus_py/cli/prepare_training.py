"""``prepare-training``: prepare training data for networks of the default model's kind."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "prepare-training",
        help="prepare training data for the default model's network",
        description="Prepare training data for networks of the default model's kind: refine the ZMWs of example "
        "files, with their own drafts and with drafts of some of their passes, and write the candidate edits that "
        "remain undecided, with the right choice. 'train' reads them with task: edits.",
        usage="%(prog)s [options] EXAMPLES... -o FILE",
        examples=[
            ("prepare the examples that 'encode --truth' wrote", "train.examples -o train.evidence.safetensors"),
            (
                "the same with fewer drafts of each ZMW",
                "train.examples -o train.evidence.safetensors --redrafts 2 --seed 7",
            ),
        ],
    )
    parser.group("input").add_argument(
        "examples", type=Path, nargs="+", metavar="EXAMPLES", help="files that 'encode --truth' wrote"
    )
    _options.add_output(parser, "FILE", "training data: .safetensors")
    group = parser.group("training data")
    group.add_argument(
        "--redrafts",
        type=_options.whole(0),
        default=24,
        metavar="N",
        help="drafts to build of each ZMW from some of its passes (default %(default)s)",
    )
    group.add_argument(
        "--seed", type=_options.whole(0), default=1, metavar="N", help="random seed (default %(default)s)"
    )
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write training data, and report its size."""
    from deepconsensus_py.examples.file import ExampleFile
    from deepconsensus_py.polishing.progress import with_progress
    from deepconsensus_py.training.edit_examples import make_edit_examples, write_edit_examples

    files = [ExampleFile(path) for path in args.examples]
    parts = make_edit_examples(files, redrafts=args.redrafts, seed=args.seed, threads=args.threads)
    total = sum(len(file) for file in files) * (args.redrafts + 1)
    written = write_edit_examples(args.output, with_progress(parts, total, "draft"))
    wrong = int((written.label > 0).sum())
    log.info(
        "%s of %s, %d of them wrong, in %s",
        counted(len(written), "undecided homopolymer"),
        counted(written.drafts, "draft"),
        wrong,
        args.output,
    )
    return 0
