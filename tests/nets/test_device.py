"""On a CUDA device, where there is one: the same answers as on the CPU, lower precision, compiled models."""

from __future__ import annotations

import copy
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holdfast.nets import Batches, fit, predict  # noqa: E402
from holdfast.nets.features import extract  # noqa: E402
from holdfast.nets.fisher import diagonal_fisher  # noqa: E402
from holdfast.nets.gradients import gradient_products, per_example_gradients  # noqa: E402
from holdfast.nets.norms import measured_again  # noqa: E402

from .conftest import CrossEntropy  # noqa: E402

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
ADAM = partial(torch.optim.AdamW, lr=5e-3)


@pytest.fixture(scope="module")
def pair(trained):
    """One trained network on the CPU and on the device."""
    model = copy.deepcopy(trained.model).cpu()
    return model, copy.deepcopy(model).cuda()


def _farthest(one, other) -> float:
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).max())


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.filterwarnings("default")  # of the compiler's own
def test_training_learns_in_every_precision(digits, trained, precision: str, compile: bool) -> None:
    X, y = digits
    loader = Batches(X[:1000], y[:1000], batch_size=64, shuffle=True)
    blank = copy.deepcopy(trained.model)
    for module in blank.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    run = fit(
        blank, CrossEntropy(), loader, epochs=6, optimizer=ADAM, precision=precision, compile=compile, device="cuda"
    )
    accuracy = float((predict(run.model, Batches(X[1000:])).argmax(1) == y[1000:]).mean())
    assert accuracy > 0.9, f"accuracy in {precision}, compiled {compile}: {accuracy:.3f}"


def test_the_device_that_is_there_is_used(digits, pair, monkeypatch) -> None:
    monkeypatch.delenv("HOLDFAST_DEVICE")
    X, y = digits
    run = fit(pair[0], CrossEntropy(), Batches(X[:64], y[:64], batch_size=32), optimizer=ADAM)
    assert next(run.model.parameters()).device.type == "cuda"


def test_training_on_the_device_gives_the_same_bits_twice(digits, pair) -> None:
    X, y = digits
    loader = Batches(X[:256], y[:256], batch_size=32, shuffle=True)
    runs = [fit(pair[0], CrossEntropy(), loader, epochs=2, optimizer=ADAM, device="cuda") for _ in range(2)]
    assert runs[0].losses == runs[1].losses


def test_a_checkpoint_of_the_device_goes_on_where_it_stopped(digits, pair, tmp_path) -> None:
    X, y = digits
    loader = Batches(X[:256], y[:256], batch_size=32, shuffle=True)
    whole = fit(pair[0], CrossEntropy(), loader, epochs=4, optimizer=ADAM, device="cuda")
    for epochs in (2, 4):
        parts = fit(
            pair[0], CrossEntropy(), loader, epochs=epochs, optimizer=ADAM, device="cuda", checkpoint=tmp_path / "kept"
        )
    assert parts.losses == whole.losses


def test_features_and_answers_are_those_of_the_cpu(digits, pair) -> None:
    X, _ = digits
    loader = Batches(X[:128])
    layers = [name for name, module in pair[0].named_modules() if isinstance(module, torch.nn.BatchNorm2d)][:2]
    cpu, cuda = (extract(model, loader, ["", *layers]) for model in pair)
    for name in cpu:
        assert _farthest(cpu[name], cuda[name]) < 2e-3 * (1 + np.abs(cpu[name]).max()), name


def test_gradients_products_and_fisher_are_those_of_the_cpu(digits, pair) -> None:
    X, y = digits
    loader = Batches(X[:32], y[:32], batch_size=16)
    cpu, cuda = (per_example_gradients(model, loader, project=64) for model in pair)
    scale = np.abs(cpu).max()
    assert _farthest(cpu, cuda) < 1e-2 * scale, f"{_farthest(cpu, cuda):.2g} of {scale:.2g}"
    products = [gradient_products(model, loader, loader) for model in pair]
    assert _farthest(*products) < 1e-2 * np.abs(products[0]).max()
    fisher = [diagonal_fisher(model, loader) for model in pair]
    for name, value in fisher[0].items():
        assert _farthest(value, fisher[1][name].cpu()) < 1e-2 * float(value.abs().max()) + 1e-9, name


def test_norm_statistics_measured_again_are_those_of_the_cpu(digits, pair) -> None:
    X, _ = digits
    cpu, cuda = (measured_again(model, Batches(X[:256] * 0.5, batch_size=64)).state_dict() for model in pair)
    for name, value in cpu.items():
        assert _farthest(value, cuda[name].cpu()) < 1e-2 * (1 + float(value.abs().max())), name


def test_adapting_models_adapt_and_come_back_on_the_device(digits, pair) -> None:
    from holdfast.adaptation import EATA, LAME, SAR, BatchNormAdaptation, Tent

    X, _ = digits
    stream = [torch.as_tensor(X[at : at + 64] * 0.4).cuda() for at in range(1000, 1512, 64)]
    for cls in (BatchNormAdaptation, Tent, EATA, SAR, LAME):
        made = cls(gate=False).edit(pair[1])
        first = [made(batch).detach().cpu() for batch in stream]
        assert all(torch.isfinite(part).all() for part in first), cls.__name__
        made.reset()
        again = [made(batch).detach().cpu() for batch in stream]
        far = max(float((one - other).abs().max()) for one, other in zip(first, again, strict=True))
        assert far < 1e-2, f"{cls.__name__}: after reset the answers differ by {far:.2g}"


def test_merging_models_of_the_device(pair) -> None:
    from holdfast.merging import TaskArithmetic, UniformSoup

    other = copy.deepcopy(pair[1])
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(1.01)
    for method in (UniformSoup(), TaskArithmetic(weight=0.5)):
        state = method.edit([pair[1].state_dict(), other.state_dict()])
        assert all(torch.isfinite(value).all() for value in state.values()), type(method).__name__
