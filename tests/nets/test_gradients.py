"""Per-example gradients: equal to one backward pass a row; projections keep inner products."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holdfast.nets import Batches, gradient_products, per_example_gradients  # noqa: E402
from holdfast.nets.reference import MLP, ResNet  # noqa: E402


def _by_hand(net, X, y) -> np.ndarray:
    net.eval()
    rows = []
    for x, label in zip(torch.from_numpy(X), torch.from_numpy(y), strict=True):
        net.zero_grad()
        torch.nn.functional.cross_entropy(net(x[None]), label[None]).backward()
        rows.append(torch.cat([p.grad.flatten() for p in net.parameters()]).numpy().copy())
    net.zero_grad()
    return np.stack(rows)


@pytest.mark.parametrize(
    "make", [lambda: MLP(64, 10, width=8), lambda: ResNet(1, 10, width=4)], ids=["mlp", "batchnorm"]
)
def test_equal_to_one_backward_pass_a_row(digits, make) -> None:
    X, y = digits
    net = make()
    found = per_example_gradients(net, Batches(X[:20], y[:20], batch_size=7), chunk=3)
    np.testing.assert_allclose(found, _by_hand(net, X[:20], y[:20]), atol=1e-5)


def test_chosen_layers_alone(digits) -> None:
    X, y = digits
    net = MLP(64, 10, width=8)
    head = per_example_gradients(net, Batches(X[:5], y[:5]), layers="head")
    np.testing.assert_allclose(head, _by_hand(net, X[:5], y[:5])[:, -(8 * 10 + 10) :], atol=1e-6)
    with pytest.raises(ValueError, match="no parameter's name starts with 'tail'"):
        per_example_gradients(net, Batches(X[:5], y[:5]), layers="tail")


def test_inner_products_between_two_sets(digits) -> None:
    X, y = digits
    net = MLP(64, 10, width=8)
    one, two = Batches(X[:13], y[:13], batch_size=5), Batches(X[20:31], y[20:31], batch_size=4)
    found = gradient_products(net, one, two, chunk=3)
    expected = _by_hand(net, X[:13], y[:13]) @ _by_hand(net, X[20:31], y[20:31]).T
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_projections_keep_inner_products_and_are_the_same_twice(trained, digits) -> None:
    X, y = digits
    loader = Batches(X[:60], y[:60])
    whole = per_example_gradients(trained.model, loader)
    small = per_example_gradients(trained.model, loader, project=1024, seed=3)
    again = per_example_gradients(trained.model, loader, project=1024, seed=3, chunk=60)
    np.testing.assert_allclose(small, again, rtol=1e-3, atol=1e-4)
    scale = np.linalg.norm(whole, axis=1)
    error = (small @ small.T - whole @ whole.T) / np.outer(scale, scale)
    # Johnson-Lindenstrauss: the error of a normalised product has standard deviation about 1 / sqrt(1024) = .031.
    assert np.sqrt((error**2).mean()) < 0.06, f"root mean square error of normalised products: {error.std():.3f}"
    other = per_example_gradients(trained.model, loader, project=1024, seed=4)
    assert np.abs(other - small).max() > 0, "the seed changes nothing"
