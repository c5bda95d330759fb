"""That all heads stand on one core: the same trunk, the same attention, nothing of it written twice."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from heads.examples import Example, examples
from torch import Tensor

import deepconsensus_py
from deepconsensus_py.attention import core
from deepconsensus_py.attention.build import preset
from deepconsensus_py.attention.multihead import MultiHead
from deepconsensus_py.heads.head import Head, check_batch

HEADS = Path(deepconsensus_py.__file__).parent / "heads"
EXAMPLES = examples()
GRID = [(example, name) for example in EXAMPLES for name in example.presets]
LINES = 150
BASES = {"head", "columns"}
"""Files that heads share: what every head is, and what those on pileups are."""

every_head = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
FILES = sorted(HEADS.glob("*.py"))


def drawn(example: Example, attention: str | None = None) -> Head:
    """A head with all weights drawn, so that none is silent because it begins at zero."""
    torch.manual_seed(0)
    config = example.trunk if attention is None else replace(example.trunk, attention=preset(attention))
    head = example.build(config)
    with torch.no_grad():
        for weight in head.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return head


def outputs(head: Head, batch: dict[str, Tensor]) -> Tensor:
    torch.manual_seed(1)
    with torch.no_grad():
        out: Tensor = head(batch)
    return out


def test_every_head_has_an_example_and_its_file() -> None:
    files = {path.stem for path in HEADS.glob("*.py")} - {"__init__"} - BASES
    assert {example.name for example in EXAMPLES} == files


def test_heads_keep_to_their_size() -> None:
    assert [path.name for path in FILES if path.read_text().count("\n") > LINES] == []


def nodes() -> Iterator[tuple[str, ast.AST]]:
    """All syntax of all heads, and where it stands."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            yield f"{path.name}:{getattr(node, 'lineno', 0)}", node


def test_heads_do_not_import_each_other() -> None:
    imports = [(place, node.module or "") for place, node in nodes() if isinstance(node, ast.ImportFrom)]
    of_heads = [(place, name) for place, name in imports if name.startswith("deepconsensus_py.heads")]
    assert of_heads
    assert [(place, name) for place, name in of_heads if name.rpartition(".")[2] not in BASES] == []


def test_heads_project_no_queries_keys_and_values() -> None:
    assert [place for place, node in nodes() if projects(node)] == []


def projects(node: ast.AST) -> bool:
    """Whether a name or a linear layer is what would hold queries, keys or values."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        words = set(node.attr.lower().split("_"))
        return bool(words & {"qkv", "wq", "wk", "wv"}) or words == {"key"}
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "Linear":
        sizes = [ast.unparse(size) for size in node.args]
        return any(size.startswith("3 *") or size.endswith("* 3") for size in sizes)
    return False


@every_head
def test_batches_are_what_heads_say(example: Example) -> None:
    head, batch = drawn(example), example.batch(0)
    check_batch(head, batch)
    name = next(iter(head.inputs))
    with pytest.raises(ValueError, match="is missing"):
        check_batch(head, {key: value for key, value in batch.items() if key != name})
    with pytest.raises(ValueError, match=name):
        check_batch(head, {**batch, name: batch[name].to(torch.complex64)})


@every_head
def test_all_attention_goes_through_attend(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    head, batch = drawn(example).eval(), example.batch(0)
    before, original, calls = outputs(head, batch), core.attend, []

    def noisy(q: Tensor, *args: Tensor, **options: object) -> Tensor:
        calls.append(1)
        mixed = original(q, *args, **options)  # type: ignore[arg-type]
        return mixed + torch.randn(mixed.shape, generator=torch.Generator().manual_seed(len(calls)))

    monkeypatch.setattr(core, "attend", noisy)
    after = outputs(head, batch)
    assert len(calls) >= head.trunk.config.layers
    assert not torch.equal(before, after)


@pytest.mark.parametrize(("example", "attention"), GRID, ids=lambda value: getattr(value, "name", value))
def test_every_head_trains_with_every_preset_it_names(example: Example, attention: str) -> None:
    head, batch = drawn(example, attention).train(), example.batch(0)
    out = head(batch)
    head.loss(out, batch).backward()
    for name, weight in head.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name
    assert all(isinstance(value, float) for value in head.metrics(out.detach(), batch).values())


@every_head
def test_the_trunk_of_the_product_serves_every_head(example: Example) -> None:
    (product,) = (example for example in EXAMPLES if example.name == "correct")
    if example.trunk.cross:
        pytest.skip("a decoder has layers that an encoder has not")
    given, taking = product.build(example.trunk), example.build(example.trunk)
    taking.trunk.load_state_dict(given.trunk.state_dict(), strict=True)
    for name, weight in taking.trunk.state_dict().items():
        assert torch.equal(weight, given.trunk.state_dict()[name])


@every_head
def test_scaling_the_queries_changes_the_output(example: Example) -> None:
    head, batch = drawn(example).eval(), example.batch(0)
    before = outputs(head, batch)
    layers = [module for module in head.trunk.modules() if isinstance(module, MultiHead)]
    with torch.no_grad():
        for layer in layers:
            layer.query.weight.mul_(3)
    assert (outputs(head, batch) - before).abs().max() > 1e-6


@every_head
def test_examples_are_repeatable(example: Example) -> None:
    first, second = example.batch(3), example.batch(3)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], value) for name, value in example.batch(4).items())
