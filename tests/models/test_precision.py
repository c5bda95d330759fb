"""Networks laid out for inference: the same in float32, nearly so in bfloat16, and each window for itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from edit_toys import random_network
from torch import Tensor, nn

from deepconsensus_py.attention.config import NORMS
from deepconsensus_py.errors import ModelError
from deepconsensus_py.models import device as precision
from deepconsensus_py.models.column_network import ColumnConfig, ColumnNetwork
from deepconsensus_py.models.device import Agreement, LaidLinear, choose_precision, for_inference, has_bf16
from deepconsensus_py.options import AUTO, BF16, FP32, PRECISIONS

Make = Callable[[ColumnConfig], ColumnNetwork]
Windows = dict[str, Tensor]
CPU = torch.device("cpu")
GOOD = Agreement(bases=100_000, changed=10, within_one=0.99)


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("norm", NORMS)
def test_float32_is_the_network_itself(config: ColumnConfig, make_network: Make, windows: Windows, norm: str) -> None:
    network = make_network(replace(config, trunk=replace(config.trunk, norm=norm)))
    laid = for_inference(network, FP32)
    assert any(isinstance(module, LaidLinear) for module in laid.modules())
    assert not any(isinstance(module, nn.Linear) for module in laid.modules())
    torch.testing.assert_close(laid(windows), network(windows))


def test_the_network_given_stays_as_it_was(config: ColumnConfig, make_network: Make, windows: Windows) -> None:
    network = make_network(config)
    before, names = network(windows), list(network.state_dict())
    for_inference(network, BF16)
    assert torch.equal(network(windows), before)
    assert list(network.state_dict()) == names


@pytest.mark.parametrize("norm", NORMS)
def test_bfloat16_is_close(config: ColumnConfig, make_network: Make, windows: Windows, norm: str) -> None:
    network = make_network(replace(config, trunk=replace(config.trunk, norm=norm)))
    exact, rounded = network(windows), for_inference(network, BF16)(windows)
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    torch.testing.assert_close(rounded, exact, rtol=0, atol=0.03 * float(exact.std()))


def test_the_ends_of_a_network_stay_in_float32(config: ColumnConfig, make_network: Make) -> None:
    laid = for_inference(make_network(config), BF16)
    dtypes = {name: module.dtype for name, module in laid.named_modules() if isinstance(module, LaidLinear)}
    assert dtypes.pop("condenser") == dtypes.pop("output") == torch.float32
    assert len(dtypes) == 6 * config.trunk.layers
    assert set(dtypes.values()) == {torch.bfloat16}


@pytest.mark.parametrize("chosen", [FP32, BF16])
def test_a_window_is_the_same_in_every_batch_and_with_any_threads(
    config: ColumnConfig, make_network: Make, windows: Windows, chosen: str
) -> None:
    laid = for_inference(make_network(config), chosen)
    many = {name: torch.cat([values] * 7) for name, values in windows.items()}
    together, threads = laid(many), torch.get_num_threads()
    try:
        for count, size in ((1, 1), (1, 8), (2, 5), (2, 35)):
            torch.set_num_threads(count)
            parts = [{name: values[i : i + size] for name, values in many.items()} for i in range(0, 35, size)]
            assert torch.equal(torch.cat([laid(part) for part in parts]), together)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("chosen", [FP32, BF16])
def test_run_networks_are_laid_out_alike(chosen: str) -> None:
    network = random_network(0)
    laid = for_inference(network, chosen)
    assert {m.dtype for m in laid.trunk.modules() if isinstance(m, LaidLinear)} == {precision.DTYPES[chosen]}
    assert {m.dtype for m in (laid.embed_pass, laid.embed_run, laid.out)} == {torch.float32}


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_the_layer_is_the_same_without_onednn(monkeypatch: pytest.MonkeyPatch, bias: bool, relu: bool) -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(7, 5, bias=bias), torch.randn(3, 4, 7)
    expected = layer(x).relu() if relu else layer(x)
    torch.testing.assert_close(LaidLinear(layer, torch.float32, relu=relu)(x), expected)
    monkeypatch.setattr(torch.ops, "mkldnn", SimpleNamespace())
    torch.testing.assert_close(LaidLinear(layer, torch.float32, relu=relu)(x), expected)


@pytest.mark.parametrize("capable", [False, True])
@pytest.mark.parametrize(
    ("measured", "allowed"), [({}, False), ({BF16: GOOD}, True), ({BF16: replace(GOOD, changed=11)}, False)]
)
def test_auto_takes_bfloat16_where_device_and_measurement_allow_it(
    monkeypatch: pytest.MonkeyPatch, measured: dict[str, Agreement], allowed: bool, capable: bool
) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda _: capable)
    assert choose_precision(AUTO, measured, CPU) == (BF16 if allowed and capable else FP32)
    assert choose_precision(FP32, measured, CPU) == FP32
    if capable:
        assert choose_precision(BF16, measured, CPU) == BF16
    else:
        with pytest.raises(ModelError, match="device 'cpu' does not support bfloat16"):
            choose_precision(BF16, measured, CPU)


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16", None])
def test_processors_say_what_they_have(monkeypatch: pytest.MonkeyPatch, flag: str | None) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, **({flag: True} if flag else {})})
    assert has_bf16(CPU) == (flag is not None)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not has_bf16(CPU)


def test_the_guard_is_one_base_in_ten_thousand_and_99_qualities_of_100() -> None:
    assert GOOD.holds
    assert not replace(GOOD, changed=11).holds
    assert not replace(GOOD, within_one=0.9899).holds
    assert str(GOOD) == "10 of 100,000 bases changed, 99.00 % of qualities within 1: allowed"
    assert str(replace(GOOD, changed=11)).endswith("not allowed")


def test_every_precision_but_auto_is_a_type() -> None:
    assert [name for name in PRECISIONS if name != AUTO] == list(precision.DTYPES)
