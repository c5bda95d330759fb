"""``evidence``: what the passes of known molecules say about their drafts, for training run networks."""

import argparse
from pathlib import Path

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its options."""
    parser = subparsers.add_parser(
        "evidence",
        help="prepare example files for training a run network",
        description="Refine molecules of example files, as they are and with drafts of some of their passes, and write "
        "the runs that are left undecided with their right edits; 'train' with task: runs learns from them.",
    )
    parser.add_argument("examples", type=Path, nargs="+", metavar="EXAMPLES", help="files of 'encode --truth'")
    _options.add_output(parser, "EVIDENCE", "file to write, .safetensors")
    parser.add_argument(
        "--redrafts",
        type=_options.whole(0),
        default=24,
        metavar="N",
        help="drafts of some of its passes to make of each molecule (default %(default)s)",
    )
    parser.add_argument("--seed", type=_options.whole(0), default=1, help="of all chance (default %(default)s)")
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the evidence and say how much there is."""
    _options.log_to_stderr()
    import sys

    from deepconsensus_py.examples.file import ExampleFile
    from deepconsensus_py.files import require_apart
    from deepconsensus_py.polishing.progress import with_progress
    from deepconsensus_py.training.edit_examples import make_run_examples, write_run_examples

    require_apart([args.output], args.examples)
    files = [ExampleFile(path) for path in args.examples]
    parts = make_run_examples(files, redrafts=args.redrafts, seed=args.seed, threads=args.threads)
    total = sum(len(file) for file in files) * (args.redrafts + 1)
    written = write_run_examples(args.output, with_progress(parts, total, "draft"))
    wrong = int((written.label > 0).sum())
    print(f"{len(written)} runs of {written.drafts} drafts, {wrong} of them wrong, in {args.output}", file=sys.stderr)
    return 0
