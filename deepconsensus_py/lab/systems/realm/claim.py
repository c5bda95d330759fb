"""The claims of REALM and REALM++: a retriever is trained through the answers that it helps to find."""

from copy import deepcopy
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from deepconsensus_py.attention.blocks import Trunk
from deepconsensus_py.attention.config import AttentionConfig, BiasConfig, PerHeadConfig, TrunkConfig
from deepconsensus_py.attention.cost import LayerCost, cost, layer_cost
from deepconsensus_py.attention.patterns import BlockLocal, Full
from deepconsensus_py.heads.retrieve import BLANK, RetrieveHead
from deepconsensus_py.lab.claim import Arm, Claim, CostLine, Figure, Shown, Size, found_at_least, measured
from deepconsensus_py.lab.costs import counts, layer_costs
from deepconsensus_py.lab.fit import Training, fit
from deepconsensus_py.lab.systems.realm.questions import AFTER, BEFORE, Corpus, bm25, python_reference, read, split

D, HEADS, FF = 64, 4, 128
LONGEST = 96
"""Words of a document that are read; 19 of 20 documents have no more than that."""

TESTED, POINTS = 400, 3.0
REFRESH = 25
"""Steps between two indexes."""

NEIGHBOURS = PerHeadConfig(tuple(BlockLocal(1, reach) for reach in ((1, 0), (0, 1), (BEFORE, 0), (0, AFTER))))
"""Each head sees a few words on one side, so that a word is known by its neighbours."""

ALONE, RANDOM, REALM, PLUS = "reader alone", "random retriever, frozen", "REALM", "REALM++"
READS = "REALM, as many documents read as REALM++"


@dataclass(frozen=True, slots=True)
class Rung:
    """How one of the compared models is trained and tested.

    Attributes:
        batch: questions of a step.
        k: documents found, in training and in the test.
        supervised: whether the loss asks for documents that hold the answer.
        random: whether the retriever stays as it was initialised.
        longer: times the steps.
    """

    batch: int
    k: int
    supervised: bool = False
    random: bool = False
    longer: int = 1


LADDER = {
    ALONE: Rung(8, 0),
    RANDOM: Rung(8, 4, random=True),
    REALM: Rung(8, 4),
    "REALM, four times the questions": Rung(32, 4),
    "REALM, twice the documents": Rung(8, 8),
    "REALM, hints at the right documents": Rung(8, 4, supervised=True),
    READS: Rung(8, 4, longer=8),
    PLUS: Rung(32, 8, supervised=True),
}
"""REALM++ is all three ingredients; each stands alone, too."""


@dataclass(frozen=True, slots=True)
class QuestionTask:
    """Documents, and the questions for training and for testing."""

    corpus: Corpus
    documents: Tensor
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def reproduce(size: Size) -> Shown:
    """Train each model from the same start, and test it."""
    warm, steps, tested = (2, 2, 20) if size.fast else (200, 100, TESTED)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in LADDER}
    corpus = _first(python_reference(), 200) if size.fast else python_reference()
    for seed in size.seeds:
        task = _task(corpus, seed, tested)
        drawn = _head(task, seed)
        start = _warmed(deepcopy(drawn), task, seed, warm)
        for name, rung in LADDER.items():
            retriever = drawn if rung.random else None
            found[name].append(
                _climb(deepcopy(start), task, rung, seed=seed, steps=rung.longer * steps, retriever=retriever)
            )
    every = {name: {key: [one[key] for one in of] for key in of[0]} for name, of in found.items()}
    by_seed = "; ".join(f"{name} {', '.join(format(one['exact'], '.3f') for one in of)}" for name, of in found.items())
    return Shown(
        figures=tuple(_figures(every, *_words(task), judged=not size.fast)),
        arms=tuple(
            Arm("questions", name, rung.longer * steps, rung.longer * steps * rung.batch)
            for name, rung in LADDER.items()
        ),
        unequal=f"{PLUS} asks more questions and reads more documents; '{READS}' is the arm of equal effort.",
        costs=tuple(_cost(task, arm, name) for name, arm in LADDER.items()),
        notes=(
            f"Exact answers by seed: {by_seed}.",
            "All arms of a seed are tested on the same questions: differences are paired.",
            f"{PLUS}: {LADDER[PLUS].batch // LADDER[REALM].batch} times the batch, {LADDER[PLUS].k} documents "
            f"instead of {LADDER[REALM].k}, and a loss that asks for documents which hold the answer.",
            f"All are trained from the same {warm} steps on random windows of the documents, none of them a question "
            "of the test: to find the document of the window among those of the batch, and to read the missing word "
            "in it.",
            "Words are made or copied from a document: the pointer to a word is attention of the core, in which a "
            "sentinel stands for the vocabulary.",
            "BM25 is far ahead of retrievers that have learned so little; with the exact reader it is what to use.",
            f"The index is rebuilt every {REFRESH} steps; what it finds is scored again with the current vectors.",
            "The document that a question is from stays in the corpus: what is measured is finding it and copying "
            "from it.",
            f"The corpus is the reference of this version of Python: {len(corpus.documents)} documents.",
        ),
    )


def _first(corpus: Corpus, documents: int) -> Corpus:
    kept = corpus.source < documents
    questions, source, answers = corpus.questions[kept], corpus.source[kept], corpus.answers[kept]
    return Corpus(corpus.words, corpus.documents[:documents], questions, source, answers)


def _task(corpus: Corpus, seed: int, tested: int) -> QuestionTask:
    train, test = split(corpus, test=tested, seed=seed)
    return QuestionTask(corpus, torch.from_numpy(corpus.documents[:, :LONGEST]).contiguous(), train, test)


def _head(task: QuestionTask, seed: int) -> RetrieveHead:
    torch.manual_seed(seed)
    attention = (AttentionConfig(NEIGHBOURS, bias=BiasConfig("shaw", (BEFORE,))),)
    trunk = Trunk(TrunkConfig(1, D, HEADS, FF, attention, norm="layer", position="none"))
    return RetrieveHead(trunk, words=len(task.corpus.words)).eval()


def _warmed(head: RetrieveHead, task: QuestionTask, seed: int, steps: int) -> RetrieveHead:
    """Start as REALM does, with the inverse cloze task and reading, on windows of the documents."""
    generator = np.random.default_rng(seed)
    asked = {question.tobytes() for question in task.corpus.questions[task.test]}
    documents = task.documents.numpy()
    lengths = (documents != BLANK).sum(axis=1)
    width, batch = BEFORE + 1 + AFTER, 64

    def loss(step: int) -> Tensor:  # noqa: ARG001
        rows = generator.permutation(len(documents))[:batch]
        first = (generator.random(batch) * (lengths[rows] - width + 1)).astype(np.int64)
        questions = documents[rows[:, None], first[:, None] + np.arange(width)]
        answers = questions[:, BEFORE].copy()
        questions[:, BEFORE] = BLANK
        fresh = [at for at, question in enumerate(questions) if question.tobytes() not in asked]
        own = torch.arange(batch)[fresh]
        given = {
            "question": torch.from_numpy(questions)[fresh],
            "documents": _cut(task.documents[rows]),
            "found": own.unsqueeze(1),
            "answer": torch.from_numpy(answers)[fresh],
        }
        encoded, every = head.trunk(head.tokens(given)), head.encoded(given["documents"])
        scores = head.scores(encoded, every, torch.arange(batch).expand(len(own), -1))
        words = head.read(given, encoded, every)[:, 1]
        return nn.functional.cross_entropy(scores, own + 1) + nn.functional.nll_loss(words, given["answer"])

    fit(head, loss, Training(steps, rate=3e-3))
    return head.eval()


def _climb(
    head: RetrieveHead, task: QuestionTask, arm: Rung, *, seed: int, steps: int, retriever: RetrieveHead | None
) -> dict[str, float]:
    head.supervised = arm.supervised
    generator, finder = np.random.default_rng(seed), retriever or head
    index = finder.index(task.documents)

    def loss(step: int) -> Tensor:
        nonlocal index
        if step % REFRESH == 0 and retriever is None:
            index = head.index(task.documents)
        batch = _batch(task, generator.choice(task.train, arm.batch), finder, index, arm.k)
        return head.loss(_joint(head, batch, retriever), batch)

    fit(head, loss, Training(steps, rate=1e-3))
    return _tested(head.eval(), task, arm, retriever)


@torch.no_grad()
def _tested(head: RetrieveHead, task: QuestionTask, arm: Rung, retriever: RetrieveHead | None) -> dict[str, float]:
    finder = retriever or head
    index = finder.index(task.documents)
    parts = []
    for rows in np.array_split(task.test, len(task.test) // 20):
        batch = _batch(task, rows, finder, index, arm.k)
        first = finder.search(batch["question"], index, 1).numpy()[:, 0] == task.corpus.source[rows]
        parts.append(head.metrics(_joint(head, batch, retriever), batch) | {"found": float(first.mean())})
    return {key: fmean(part[key] for part in parts) for key in parts[0]}


def _joint(head: RetrieveHead, batch: dict[str, Tensor], retriever: RetrieveHead | None) -> Tensor:
    """The output of the head; with a separate retriever, which is not trained, by its scores."""
    if retriever is None:
        joint: Tensor = head(batch)
        return joint
    with torch.no_grad():
        seen = retriever.trunk(retriever.tokens(batch)), retriever.encoded(batch["documents"])
        chances = retriever.scores(*seen, batch["found"]).log_softmax(1)
    read_in = head.read(batch, head.trunk(head.tokens(batch)), head.encoded(batch["documents"]))
    return chances.unsqueeze(-1) + read_in


def _batch(
    task: QuestionTask, rows: NDArray[np.int64], finder: RetrieveHead, index: Tensor, k: int
) -> dict[str, Tensor]:
    question = torch.from_numpy(task.corpus.questions[rows])
    every, found = (
        torch.unique(finder.search(question, index, k), return_inverse=True) if k else (torch.zeros(1).long(), None)
    )
    return {
        "question": question,
        "documents": _cut(task.documents[every]),
        "found": torch.zeros(len(rows), 0, dtype=torch.int64) if found is None else found.view(len(rows), k),
        "answer": torch.from_numpy(task.corpus.answers[rows]),
    }


def _cut(documents: Tensor) -> Tensor:
    return documents[:, : int((documents != BLANK).sum(1).max())]


def _words(task: QuestionTask) -> tuple[float, float]:
    """R@1 of BM25, and the share of answers that the exact reader finds in its first document."""
    corpus, rows = task.corpus, task.test
    first = bm25(corpus, corpus.questions[rows]).argmax(axis=1)
    right = [
        read(question, corpus.documents[row]) == answer
        for question, row, answer in zip(corpus.questions[rows], first, corpus.answers[rows], strict=True)
    ]
    return float((first == corpus.source[rows]).mean()), fmean(right)


def _figures(every: dict[str, dict[str, list[float]]], first: float, right: float, *, judged: bool) -> list[Figure]:
    plus = every[PLUS]

    def ahead(one: str, other: str) -> list[float]:
        return [100 * (a - b) for a, b in zip(every[one]["exact"], every[other]["exact"], strict=True)]

    return [
        found_at_least(f"exact answers, {PLUS} minus {REALM}, points", ahead(PLUS, REALM), POINTS, judged=judged),
        found_at_least(f"exact answers, {PLUS} minus {READS}, points", ahead(PLUS, READS), 0, judged=judged),
        *(
            measured(f"exact answers, {name} minus {REALM}, points", ahead(name, REALM))
            for name in every
            if name not in {ALONE, RANDOM, REALM, PLUS}
        ),
        found_at_least(f"utility of {PLUS}, nats over the null document", plus["utility"], 0, judged=judged),
        measured(f"utility of {REALM}", every[REALM]["utility"]),
        *(measured(f"exact answers, {name}", of["exact"], every[ALONE]["exact"]) for name, of in every.items()),
        *(
            measured(f"source document found first, {name}, beside BM25", of["found"], [first])
            for name, of in every.items()
            if name != ALONE
        ),
        Figure("exact answers, BM25 and the exact reader", right),
    ]


def _cost(task: QuestionTask, arm: Rung, name: str) -> CostLine:
    head = _head(task, 0)
    index = head.index(task.documents)
    rows = task.test[:8]

    def answer() -> None:
        with torch.no_grad():
            head(_batch(task, rows, head, index, arm.k))

    words = round(float((task.documents != BLANK).sum(1).double().mean()))
    asked, each = BEFORE + 1 + AFTER, 1 + arm.k
    pairs, projected = asked * (1 + words * arm.k), 4 * D**2 * (asked * each + 1 + words * arm.k)
    own = layer_cost(Full(), (asked,), d=D, ff=FF)
    layers = [
        *layer_costs(head.trunk, (asked,)),
        *layer_costs(head.trunk, (words,)) * arm.k,
        *[own] * each,
        LayerCost(1, pairs, projected, 4 * D * pairs, 0),
        LayerCost(1, words * arm.k + each, 0, 4 * D * (words * arm.k + each), 0),  # the pointer
    ]
    return counts(f"{name}, a question", cost(answer, head, layers, items=len(rows), repeats=1))


CLAIM = Claim(
    number=17,
    id="realm",
    system="REALM (Guu et al. 2020), REALM++ (Balachandran et al. 2021)",
    text="A retriever learns through the likelihood of the answers; more documents and hints at the right ones "
    "improve it.",
    baseline="The reader alone, a random retriever, and BM25.",
    seeds=(1, 2, 3, 4, 5),
    run=reproduce,
)
