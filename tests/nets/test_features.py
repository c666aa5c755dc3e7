"""Features of any layer of any network, in one pass, with the model left as it was."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from holdfast.adaptation import BatchNormAdaptation  # noqa: E402
from holdfast.nets import Batches, extract, fit, layer_names, per_example_gradients, predict  # noqa: E402
from holdfast.nets.reference import MLP, ResNet, TinyViT  # noqa: E402

from .conftest import CrossEntropy  # noqa: E402


def test_layers_are_what_a_pass_by_hand_gives(trained, digits) -> None:
    X, _ = digits
    net, inputs = trained.model, torch.from_numpy(X[:50])
    with torch.no_grad():
        maps = net.stages(net.stem(inputs))
        features = net.pool(maps).flatten(1)
        logits = net.head(features)
    found = extract(net, Batches(X[:50], batch_size=16), ["", "stages", "head:input", "head"])
    np.testing.assert_allclose(found[""], logits, atol=1e-5)
    np.testing.assert_allclose(found["head"], logits, atol=1e-5)
    np.testing.assert_allclose(found["head:input"], features, atol=1e-5)
    np.testing.assert_allclose(found["stages"], maps.mean((2, 3)), atol=1e-5)
    whole = extract(net, Batches(X[:50]), ["stages"], pool="none")["stages"]
    np.testing.assert_allclose(whole, maps, atol=1e-5)
    highest = extract(net, Batches(X[:50]), ["stages"], pool="max")["stages"]
    np.testing.assert_allclose(highest, maps.amax((2, 3)), atol=1e-5)


def test_tokens_are_pooled_over_tokens_and_the_class_token_is_the_first(digits) -> None:
    X, _ = digits
    net = TinyViT(1, 8, 10).eval()
    tokens = extract(net, Batches(X[:4]), ["blocks"], pool="none")["blocks"]
    assert tokens.shape == (4, 5, 32)
    np.testing.assert_allclose(extract(net, Batches(X[:4]), ["blocks"])["blocks"], tokens.mean(1), atol=1e-5)
    np.testing.assert_allclose(
        extract(net, Batches(X[:4]), ["blocks"], pool="first")["blocks"], tokens[:, 0], atol=1e-5
    )


def test_the_model_keeps_its_modes_hooks_and_statistics(digits) -> None:
    X, _ = digits
    net = ResNet(1, 10).train()
    net.stem.eval()
    before = [value.clone() for value in net.state_dict().values()]
    extract(net, Batches(X[:32]), ["stages", "head:input"])
    assert net.training and not net.stem.training
    assert all(torch.equal(a, b) for a, b in zip(before, net.state_dict().values(), strict=True))
    assert not any(module._forward_hooks for module in net.modules())


def test_rows_do_not_see_each_other(trained, digits) -> None:
    X, _ = digits
    together = predict(trained.model, Batches(X[:20], batch_size=20))
    alone = predict(trained.model, Batches(X[:20], batch_size=1))
    np.testing.assert_allclose(together, alone, atol=1e-5)


class Wrapped(nn.Module):
    """Takes named arguments and answers with an object, as Hugging Face models do."""

    def __init__(self, answer) -> None:
        super().__init__()
        self.classifier = nn.Linear(3, 2)
        self.answer = answer

    def forward(self, input_values, mask=None):
        return self.answer(self.classifier(input_values if mask is None else input_values * mask))


@pytest.mark.parametrize(
    "answer",
    [lambda logits: SimpleNamespace(logits=logits), lambda logits: {"logits": logits}, lambda logits: (logits, None)],
    ids=["object", "mapping", "tuple"],
)
def test_models_that_wrap_their_logits(answer) -> None:
    net = Wrapped(answer)
    values, mask = np.ones((4, 3), dtype=np.float32), np.zeros((4, 3), dtype=np.float32)
    logits = predict(net, Batches({"input_values": values, "mask": mask}))
    np.testing.assert_allclose(logits, np.tile(net.classifier.bias.detach(), (4, 1)), atol=1e-6)
    plain = [{"input_values": torch.from_numpy(values), "labels": torch.zeros(4)}]
    np.testing.assert_allclose(
        extract(net, plain, ["classifier:input"])["classifier:input"],
        values,
        err_msg="a batch as a data collator makes it",
    )


def test_wrong_names_say_what_there_is() -> None:
    net = MLP(2, 2)
    loader = Batches(np.zeros((2, 2)))
    assert layer_names(net)[-1] == "head"
    with pytest.raises(ValueError, match="Did you mean 'body'"):
        extract(net, loader, ["boddy"])
    with pytest.raises(ValueError, match="NAME:input"):
        extract(net, loader, ["head:output"])
    with pytest.raises(ValueError, match="no linear layer"):
        extract(nn.ReLU(), loader, ["head:input"])
    with pytest.raises(ValueError, match="no batch"):
        extract(net, [])
    idle = nn.Sequential(nn.Linear(2, 2))
    idle.spare = nn.Linear(2, 2)  # type: ignore[assignment]
    idle.forward = lambda x: idle[0](x)  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="took no part"):
        extract(idle, loader, ["spare"])


def test_compiled_networks_train_and_are_looked_into_like_others(digits) -> None:
    """Hooks set after `torch.compile` are not called: layers of a compiled network took no part, said `extract`."""
    X, y = (part[:96] for part in digits)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = ResNet(1, 10)
    quick = torch.compile(net, backend="eager")
    predict(quick, Batches(X))  # compiled before anything is asked
    assert layer_names(quick) == layer_names(net)
    for layer in ("", "head:input", "stages.1"):
        np.testing.assert_allclose(extract(quick, Batches(X), [layer])[layer], extract(net, Batches(X), [layer])[layer])
    rows = Batches(X[:8], y[:8])
    np.testing.assert_allclose(
        per_example_gradients(quick, rows, layers="head"), per_example_gradients(net, rows, layers="head")
    )
    trained, plain = (
        fit(model, CrossEntropy(), Batches(X, y, shuffle=True), epochs=1, device="cpu").model for model in (quick, net)
    )
    np.testing.assert_allclose(predict(trained, Batches(X)), predict(plain, Batches(X)), atol=1e-5)
    adapting = BatchNormAdaptation().edit(quick)
    for _ in range(4):
        answers = adapting(torch.from_numpy(X))
    assert adapting.head == "head" and answers.shape == (96, 10)
