"""``encode``: encode reads as a feature shard or, with their truth, as training examples."""

import argparse
import logging
from pathlib import Path

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._log import counted
from deepconsensus_py.cli._parser import Commands, Parser, given

log = logging.getLogger(__name__)


def add_parser(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "encode",
        help="encode reads, to be polished on another machine or as training examples",
        description="Encode ZMWs for a model, as a feature shard for 'polish --features', on another machine for "
        "instance. With --truth, write training examples for all models instead.",
        usage="%(prog)s [options] SUBREADS... --ccs CCS -o FILE",
        examples=[
            ("encode a movie, to polish it with 'polish --features'", "subreads.bam --ccs ccs.bam -o features.shard"),
            ("write training examples", "subreads.bam --ccs ccs.bam --truth truth.fasta -o train.examples"),
        ],
    )
    _options.add_subreads(parser)
    _options.add_ccs(parser, required=False)
    _options.add_chunk(parser)
    _options.add_limit(parser)
    _options.add_output(parser, "FILE", "feature shard or example file")
    _options.add_model(parser)
    _options.add_insertion_trim(parser)
    _options.add_zmw_filters(parser)
    parser.group("filters").add_argument("--all", action="store_true", help="encode for 'polish --all'")
    _add_truth(parser)
    _options.add_threads(parser)
    parser.set_defaults(run=run, check=check)


def check(args: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    _options.check_all(args)
    if args.truth is None:
        if args.truth_bed or args.truth_split:
            args.parser.error("--truth-bed and --truth-split go with --truth")
    elif args.ccs is None:
        args.parser.error("--truth needs the CCS reads that it belongs to: give --ccs")
    elif any(given(args, name) for name in ("model", "ins_trim", *_options.ZMW_FILTERS)) or args.all:
        args.parser.error("examples are for all models: --model, --ins-trim and filters do not go with --truth")


def _add_truth(parser: Parser) -> None:
    group = parser.group("training examples")
    group.add_argument(
        "--truth",
        type=Path,
        metavar="BAM|FASTA",
        help="true sequences: a BAM file of them aligned to the CCS reads (truth_to_ccs, with its index), or FASTA "
        "with one for each ZMW, named movie/zmw/truth",
    )
    group.add_argument(
        "--truth-bed",
        type=Path,
        metavar="BED",
        help="contig, start, end and CCS read name of the true sequences of a BAM file",
    )
    group.add_argument(
        "--truth-split",
        type=Path,
        metavar="TSV",
        help="contig and chromosome; human chromosomes 21 and 22 become the split eval, 19 and 20 test (default: all "
        "are training)",
    )


def run(args: argparse.Namespace) -> int:
    """Write a shard or training examples."""
    if args.truth:
        _write_examples(args)
    else:
        _write_shard(args)
    return 0


def _write_examples(args: argparse.Namespace) -> None:
    from deepconsensus_py.examples.file import write_examples
    from deepconsensus_py.examples.molecules import TruthFiles, read_examples
    from deepconsensus_py.polishing.progress import with_progress

    truth = TruthFiles(args.truth, args.truth_bed, args.truth_split)
    examples = read_examples(args.subreads, args.ccs, truth, chunk=args.chunk, limit=args.limit, threads=args.threads)
    counts = write_examples(args.output, with_progress(examples, args.limit, "ZMW"))
    log.info("%d of %s in %s", counts["n_zmw_pass"], counted(counts["n_zmw_processed"], "ZMW"), args.output)
    for name, count in sorted(counts.items()):
        log.info("%s\t%d", name, count)


def _write_shard(args: argparse.Namespace) -> None:
    """A ZMW that cannot be encoded is in the shard as well: the run that polishes the shard reports it."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.models.registry import load_method
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.polishing.prepare import prepare_workers
    from deepconsensus_py.polishing.progress import StageClock, with_progress
    from deepconsensus_py.polishing.shards import write_shard
    from deepconsensus_py.polishing.sources import encoded_reads
    from deepconsensus_py.reports.outcomes import Outcome

    if args.threads > 1:
        prepare_workers(args.model)
    method = load_method(args.model, insertion_trim=args.ins_trim)
    program = Program(__version__, args.command_line, f"encoded for model {method.name}")
    source = encoded_reads(_options.reads(args), method, program, args.threads, StageClock())
    molecules = with_progress(source.molecules, source.total, "ZMW")
    counts = write_shard(args.output, molecules, method, str(source.header).strip())
    log.info("%s encoded in %s", counted(counts.pop("encoded", 0), "ZMW"), args.output)
    for outcome, count in sorted(counts.items()):
        log.info("%d %s: %s", count, outcome, Outcome(outcome).meaning)
