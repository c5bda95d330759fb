"""``deepconsensus-py encode``: subreads and drafts to a feature shard, for ``polish --features``."""

import argparse
import sys

from deepconsensus_py.cli import _options


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "encode",
        help="write a model's input, to be polished elsewhere",
        description="Write a model's input as a feature shard; 'polish --features SHARD' goes on from there.",
    )
    _options.add_reads(parser)
    _options.add_output(parser, "SHARD", "file to write")
    _options.add_model(parser)
    _options.add_threads(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Encode, and say what became of the molecules.

    A molecule that cannot be encoded is in the shard too, with its reason: the run that polishes the shard reports it.
    """
    _options.log_to_stderr()
    from deepconsensus_py._version import __version__
    from deepconsensus_py.models.registry import load_corrector
    from deepconsensus_py.pacbio.headers import Program
    from deepconsensus_py.pacbio.inputs import expand_paths
    from deepconsensus_py.pacbio.outputs import require_apart
    from deepconsensus_py.polishing.clock import StageClock
    from deepconsensus_py.polishing.outcomes import Outcome
    from deepconsensus_py.polishing.progress import with_progress
    from deepconsensus_py.polishing.shards import write_shard
    from deepconsensus_py.polishing.sources import Reads, encoded_reads

    require_apart([args.output], [*expand_paths(args.subreads), *([args.ccs] if args.ccs else [])])
    corrector = load_corrector(args.model, threads=args.threads, insertion_trim=args.ins_trim)
    program = Program(__version__, args.command_line, f"encoded for model {corrector.name}")
    reads = Reads(tuple(args.subreads), args.ccs, args.chunk, args.limit)
    source = encoded_reads(reads, corrector, program, args.threads, StageClock())
    molecules = with_progress(source.molecules, source.total, "ZMW")
    counts = write_shard(args.output, molecules, corrector, str(source.header).strip())
    encoded = _options.counted(counts.pop("encoded", 0), "molecule")
    print(f"{encoded} encoded in {args.output}", file=sys.stderr)
    for outcome, count in sorted(counts.items()):
        print(f"{count} {outcome}: {Outcome(outcome).meaning}", file=sys.stderr)
    return 0
