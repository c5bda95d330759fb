"""``deepconsensus-py encode``: subreads and drafts to a feature shard, or with their truth to training examples."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deepconsensus_py.cli import _options
from deepconsensus_py.cli._parser import Commands, Parser, given

if TYPE_CHECKING:
    from deepconsensus_py.examples.molecules import TruthFiles


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
    _options.add_min_passes(parser)
    _add_truth(parser)
    _options.add_threads(parser)
    parser.set_defaults(run=run)


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
    """Write a shard or examples, and say what became of the molecules."""
    _options.log_to_stderr()
    from deepconsensus_py.files import require_apart
    from deepconsensus_py.pacbio.inputs import expand_paths

    truth = _truth(args)
    inputs = [*expand_paths(args.subreads), *expand_paths(args.ccs), *(truth.paths if truth else [])]
    require_apart([args.output], inputs)
    if truth:
        _write_examples(args, truth)
    else:
        _write_shard(args)
    return 0


def _truth(args: argparse.Namespace) -> "TruthFiles | None":
    from deepconsensus_py.examples.molecules import TruthFiles

    if args.truth is None:
        if args.truth_bed or args.truth_split:
            args.parser.error("--truth-bed and --truth-split belong to a --truth")
        return None
    if args.ccs is None:
        args.parser.error("--truth needs the drafts that the truth belongs to: give --ccs")
    if any(given(args, name) for name in ("model", "ins_trim", "min_passes")):
        args.parser.error("examples are for all models: --model, --ins-trim and --min-passes do not go with --truth")
    return TruthFiles(args.truth, args.truth_bed, args.truth_split)


def _write_examples(args: argparse.Namespace, truth: "TruthFiles") -> None:
    from deepconsensus_py.examples.file import write_examples
    from deepconsensus_py.examples.molecules import read_examples
    from deepconsensus_py.polishing.progress import with_progress

    examples = read_examples(args.subreads, args.ccs, truth, chunk=args.chunk, limit=args.limit, threads=args.threads)
    counts = write_examples(args.output, with_progress(examples, args.limit, "ZMW"))
    written = _options.counted(counts["n_zmw_pass"], "molecule")
    print(f"{written} of {counts['n_zmw_processed']} in {args.output}", file=sys.stderr)
    for name, count in sorted(counts.items()):
        print(f"{name}\t{count}", file=sys.stderr)


def _write_shard(args: argparse.Namespace) -> None:
    """A molecule that cannot be encoded is in the shard too: the run that polishes the shard reports it."""
    from deepconsensus_py._version import __version__
    from deepconsensus_py.models.registry import load_method
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.polishing.outcomes import Outcome
    from deepconsensus_py.polishing.prepare import prepare_workers
    from deepconsensus_py.polishing.progress import StageClock, with_progress
    from deepconsensus_py.polishing.shards import write_shard
    from deepconsensus_py.polishing.sources import encoded_reads

    if args.threads > 1:
        prepare_workers(args.model)
    method = load_method(args.model, insertion_trim=args.ins_trim)
    program = Program(__version__, args.command_line, f"encoded for model {method.name}")
    source = encoded_reads(_options.reads(args), method, program, args.threads, StageClock())
    molecules = with_progress(source.molecules, source.total, "ZMW")
    counts = write_shard(args.output, molecules, method, str(source.header).strip())
    encoded = _options.counted(counts.pop("encoded", 0), "molecule")
    print(f"{encoded} encoded in {args.output}", file=sys.stderr)
    for outcome, count in sorted(counts.items()):
        print(f"{count} {outcome}: {Outcome(outcome).meaning}", file=sys.stderr)
