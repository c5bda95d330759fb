"""A structure-aware fuzzer: damaged files through the commands, in a child process for each batch.

``python tests/fuzz/fuzz.py --cases 100000 --seed 1`` runs cases by hand on all cores, and ``--case 1234`` one of them
alone, with what it says. A case is good when its command ends with status 0 to 3, without a traceback, a signal or a
hang, and when what it wrote with status 0 or 3 can be read and holds the records of all untouched molecules.
"""

import argparse
import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random

import mutations
import pysam

from deepconsensus_py.cli.main import main
from deepconsensus_py.workers.resources import usable_cores

BATCH, SECONDS = 100, 300
"""Cases of a child, and how long it may take: a hang, however busy the machine is."""

HOLES = (4194369, 4194370, 4194371)
FILES = ("subreads.bam", "ccs.bam", "ccs.fastq", "x.shard", "out.bam.unfinished/journal.json", "tiny.safetensors")
TRAIN = b"""task: columns
name: small
seed: 7
held_out: [4194370]
model: {layers: 1, d: 8, ff: 8, embeddings: {bases: 2, pulse_widths: 1, inter_pulse_durations: 1, strands: 1, snr: 2}}
data: {examples: [none.examples], batch: 4, augmentation: {reverse: 0.5, some_passes: 0.5, crop: 600}}
stages:
  - {steps: 8, learning_rate: 0.01, warm_up: 2, every: 2, batches: 2}
"""


@dataclass(frozen=True)
class Case:
    """A damaged copy of a file, the command that reads it, and the molecules that may differ."""

    kind: str
    file: str
    data: bytes
    touched: frozenset[int]


def prepare(folder: Path) -> None:
    """The sound files, and what their command writes."""
    (folder / "sound").mkdir(parents=True)
    sim, sound = folder / "sim", folder / "sound"
    assert quiet("simulate", "-o", sim, "--num-zmws", len(HOLES), "--length", 80, 90, "--passes", 3, 4)[0] == 0
    for name in ("subreads.bam", "ccs.bam"):
        header, records = mutations.records_of(gzip.decompress((sim / name).read_bytes()))
        (sound / name).write_bytes(mutations.bgzf(header + b"".join(records)))
        assert quiet("index", sound / name)[0] == 0
    with pysam.AlignmentFile(str(sound / "ccs.bam"), check_sq=False) as reads:
        rows = [f"@{r.query_name}\n{r.query_sequence}\n+\n{r.qual}\n" for r in reads]
    (sound / "ccs.fastq").write_text("".join(rows))
    reads = (sound / "subreads.bam", "--ccs", sound / "ccs.bam", "--threads", 1)
    assert quiet("encode", *reads, "--model", "vote", "-o", sound / "x.shard")[0] == 0
    (sound / "train.yaml").write_bytes(TRAIN)
    tiny_model(sound / "tiny.safetensors")
    unfinished(sound)
    for kind in KINDS:
        shutil.copytree(sound, folder / "of" / kind)
        status, said, found = outcome(folder / "of" / kind, kind, folder / f"expected-{kind}")
        assert status in ({1} if kind == "yaml" else {0}), (kind, status, said)
        (folder / f"{kind}.json").write_text(json.dumps(found))


def tiny_model(path: Path) -> None:
    from edit_toys import random_model

    from deepconsensus_py.models.weights import save_model

    save_model(path, random_model())


def unfinished(sound: Path) -> None:
    """What a run leaves that was ended before its files took their names."""
    from deepconsensus_py.polishing import work_folder as module

    give = module.give_name

    def end(part: Path, path: Path) -> None:
        raise KeyboardInterrupt

    module.give_name = end
    try:
        assert quiet(*command("journal", sound, sound / "out.bam"))[0] == 130
    finally:
        module.give_name = give


def command(kind: str, folder: Path, output: Path) -> list[object]:
    """What reads the files of a kind."""
    polish = ["polish", folder / "subreads.bam", "--threads", 1, "--min-quality", 0, "-o", output]
    by_kind: dict[str, list[object]] = {
        "fastq": [*polish, "--ccs", folder / "ccs.fastq", "--model", "vote"],
        "shard": ["polish", "--features", folder / "x.shard", *polish[2:], "--model", "vote"],
        "model": [*polish, "--ccs", folder / "ccs.bam", "--model", folder / "tiny.safetensors"],
        "journal": [*polish, "--ccs", folder / "ccs.bam", "--model", "vote", "--resume"],
        "pbi": [*polish, "--ccs", folder / "ccs.bam", "--model", "vote", "--chunk", "1/1"],
        "yaml": ["train", folder / "train.yaml", "-o", output.with_suffix(".training"), "--threads", 1],
    }
    return by_kind.get(kind, [*polish, "--ccs", folder / "ccs.bam", "--model", "vote"])


def quiet(*words: object) -> tuple[int, str]:
    """A command in this process: its status and what it said."""
    said = StringIO()
    with redirect_stderr(said), redirect_stdout(said):
        try:
            status = main([str(word) for word in words])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - this is what is looked for
            status = 99
            traceback.print_exc()
    return status, said.getvalue()


def outcome(folder: Path, kind: str, place: Path) -> tuple[int, str, dict[str, str]]:
    """Status, words and records by molecule of the command of a kind."""
    output = folder / "out.bam" if kind == "journal" else place.with_suffix(".bam")
    status, said = quiet(*command(kind, folder, output))
    found: dict[str, str] = {}
    if status in (0, 3) and kind != "yaml":
        with pysam.AlignmentFile(str(output), check_sq=False) as reads:
            found = {f"{record.query_name}/".split("/")[1]: record.to_string() for record in reads}
        gzip.decompress(output.with_suffix(".zmws.tsv.gz").read_bytes()).decode()
        json.loads(output.with_suffix(".report.json").read_text())
    elif output.exists():
        said += "Traceback: an output stands under its name"
    return status, said, found


def holes_in(record: bytes) -> frozenset[int]:
    return frozenset(hole for hole in HOLES if str(hole).encode() in record or struct.pack("<i", hole) in record)


def bam(sound: Path, random: Random, change: Callable[[bytes, Random], bytes], kind: str) -> Case:
    name = random.choice(("subreads.bam", "ccs.bam"))
    header, records = mutations.records_of(gzip.decompress((sound / name).read_bytes()))
    which = random.randrange(len(records))
    old = records[which]
    records[which] = change(old, random)
    touched = holes_in(old) | holes_in(records[which])
    return Case(kind, name, mutations.bgzf(header + b"".join(records)), touched)


def header(sound: Path, random: Random) -> Case:
    name = random.choice(("subreads.bam", "ccs.bam"))
    head, records = mutations.records_of(gzip.decompress((sound / name).read_bytes()))
    return Case("header", name, mutations.bgzf(mutations.header(head, random) + b"".join(records)), frozenset(HOLES))


def simple(kind: str, name: str, change: Callable[[bytes, Random], bytes], touched: tuple[int, ...] = ()) -> "Maker":
    def make(sound: Path, random: Random) -> Case:
        return Case(kind, name, change((sound / name).read_bytes(), random), frozenset(touched))

    return make


Maker = Callable[[Path, Random], Case]


def either(*changes: Callable[[bytes, Random], bytes]) -> Callable[[bytes, Random], bytes]:
    return lambda data, random: random.choice(changes)(data, random)


def in_zip(data: bytes, random: Random) -> bytes:
    return mutations.zipped(data, random, random.choice((mutations.safetensors, mutations.flipped)))


KINDS: dict[str, Maker] = {
    "field": lambda sound, random: bam(sound, random, mutations.field, "field"),
    "tag": lambda sound, random: bam(sound, random, mutations.tag, "tag"),
    "content": lambda sound, random: bam(sound, random, mutations.content, "content"),
    "header": header,
    "blocks": lambda sound, random: simple("blocks", random.choice(("subreads.bam", "ccs.bam")), mutations.flipped)(
        sound, random
    ),
    "pbi": lambda sound, random: simple(
        "pbi",
        random.choice(("subreads.bam.pbi", "ccs.bam.pbi")),
        either(mutations.flipped, mutations.regzipped),
    )(sound, random),
    "fastq": simple("fastq", "ccs.fastq", mutations.lines, HOLES),
    "shard": simple("shard", "x.shard", either(mutations.flipped, in_zip), HOLES),
    "journal": simple("journal", "out.bam.unfinished/journal.json", either(mutations.flipped, mutations.as_json)),
    "yaml": simple("yaml", "train.yaml", either(mutations.lines, mutations.flipped)),
    "model": simple("model", "tiny.safetensors", either(mutations.flipped, mutations.safetensors), HOLES),
}
WEIGHTS = {"field": 4, "tag": 6, "content": 3, "header": 3, "blocks": 2, "pbi": 3, "shard": 2, "model": 0.3}


def drawn(folder: Path, seed: int, number: int) -> Case:
    """A case, which depends on its seed and number alone."""
    random = Random(f"{seed}/{number}")
    kind = random.choices(list(KINDS), [WEIGHTS.get(kind, 1) for kind in KINDS])[0]
    return KINDS[kind](folder / "sound", random)


def judged(folder: Path, case: Case) -> str:
    """What is wrong with how a case ended; empty where nothing is."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        inputs = Path(place, "in")
        shutil.copytree(folder / "sound", inputs)
        (inputs / case.file).write_bytes(case.data)
        try:
            status, said, found = outcome(inputs, case.kind, Path(place, "out"))
        except Exception as fault:  # noqa: BLE001 - an output that cannot be read
            return f"output cannot be read: {fault!r}"
    if status not in (0, 1, 2, 3) or "Traceback" in said:
        return f"status {status}: {said}"
    if status in (0, 3):
        expected = json.loads((folder / f"{case.kind}.json").read_text())
        others = [str(hole) for hole in HOLES if hole not in case.touched]
        wrong = [hole for hole in others if found.get(hole) != expected[hole]] if expected else []
        return f"status {status}, other records of {wrong}: {said}" if wrong else ""
    return "" if said.strip() else f"status {status} without a word"


def child(folder: Path, seed: int, first: int, last: int) -> None:
    """Cases one by one; each is announced before it runs, for the case that it is the last."""
    for number in range(first, last):
        case = drawn(folder, seed, number)
        print(json.dumps({"case": number, "kind": case.kind}), flush=True)
        print(json.dumps({"wrong": judged(folder, case)}), flush=True)


def batch(folder: Path, seed: int, first: int, last: int) -> Iterator[tuple[int, str, str]]:
    """(case, kind, what is wrong) of each; a case that ends the child is followed by a new child."""
    while first < last:
        words = [sys.executable, __file__, "--child", folder, "--seed", seed, "--first", first, "--cases", last]
        try:
            done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=SECONDS, check=False)
            output, how = done.stdout, f"child ended with {done.returncode}: {done.stderr[-2000:]}"
        except subprocess.TimeoutExpired as late:
            output, how = (late.stdout or b"").decode(), "hangs"
        rows = [json.loads(line) for line in output.splitlines()]
        if not rows:
            raise RuntimeError(how)
        for about, result in zip(rows[::2], [*rows[1::2], {"wrong": how}], strict=False):
            yield about["case"], about["kind"], result["wrong"]
            first = about["case"] + 1


def run(folder: Path, seed: int, cases: int, workers: int) -> tuple[Counter[str], list[str]]:
    """Counts of cases by kind, and a line for each that is wrong."""
    if not (folder / "sound").exists():
        prepare(folder)
    starts = range(0, cases, BATCH)
    counts: Counter[str] = Counter()
    wrong = []
    with ThreadPoolExecutor(workers) as threads:
        for results in threads.map(lambda at: list(batch(folder, seed, at, min(at + BATCH, cases))), starts):
            for number, kind, fault in results:
                counts[kind] += 1
                if fault:
                    wrong.append(f"seed {seed} case {number} ({kind}): {fault}")
    return counts, wrong


def by_hand() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--case", type=int, help="run this one alone")
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.seed, args.first, args.cases)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        if args.case is not None:
            prepare(Path(folder))
            case = drawn(Path(folder), args.seed, args.case)
            fault = judged(Path(folder), case)
            print(case.kind, case.file, fault or "is good")
            return int(bool(fault))
        counts, wrong = run(Path(folder), args.seed, args.cases, usable_cores())
    print(*wrong, sep="\n")
    print(f"{sum(counts.values())} cases, {len(wrong)} wrong: {dict(counts)}")
    return int(bool(wrong))


if __name__ == "__main__":
    # As pytest has it: modules of tests stand beside this folder.
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(by_hand())
