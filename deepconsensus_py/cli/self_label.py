"""``self-label``: training examples of deep molecules without known truth."""

import argparse
import logging

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands

log = logging.getLogger(__name__)

MIN_PASSES = 12
MIN_QUALITY = 30.0


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "self-label",
        help="write training examples of deep ZMWs whose truth is not known",
        description="Polish ZMWs with many full passes, without CCS reads, and write them as training examples whose "
        "truth is the polished read. 'prepare-training' uses them for drafts of a few of the passes. The truth is N at "
        "bases of low quality, and where all other ZMWs of the same locus (amplicons) agree on something else.",
        usage="%(prog)s [options] SUBREADS... -o FILE",
        examples=[
            ("take the deep ZMWs of a movie", "subreads.bam -o deep.examples"),
            ("with reads that no network has made", "subreads.bam -o deep.examples --model pairhmm"),
        ],
    )
    _options.add_subreads(parser, aligned=False)
    _options.add_limit(parser)
    _options.add_output(parser, "FILE", "example file")
    _options.add_model(parser)
    parser.group("filters").add_argument(
        "--min-passes",
        type=_options.whole(1),
        default=MIN_PASSES,
        metavar="N",
        help="minimum number of full passes (default %(default)s)",
    )
    _options.add_min_quality(parser, default=MIN_QUALITY)
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write examples, and report counts."""
    from deepconsensus_py.examples.file import write_examples
    from deepconsensus_py.polishing.progress import with_progress
    from deepconsensus_py.training.self_label import Depth, self_labelled

    depth = Depth(args.min_passes, args.min_quality)
    found = self_labelled(args.subreads, depth, model=args.model, limit=args.limit, threads=args.threads)
    counts = write_examples(args.output, with_progress(found, args.limit, "ZMW"))
    log.info("%d of %s in %s", counts["n_zmw_pass"], counted(counts["n_zmw_processed"], "ZMW"), args.output)
    for name, count in sorted(counts.items()):
        log.info("%s\t%d", name, count)
    return 0
