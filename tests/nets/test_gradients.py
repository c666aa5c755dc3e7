"""Per-example gradients: equal to one backward pass a row; projections keep inner products."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from holdfast.nets import Batches, gradient_products, per_example_gradients  # noqa: E402
from holdfast.nets.calling import seeded  # noqa: E402
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


class _Tied(torch.nn.Module):
    """One layer passed twice, one whose weights are those of a third, and one that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.twice, self.frozen = (torch.nn.Linear(64, 64) for _ in range(3))
        self.tied = torch.nn.Linear(64, 64)
        self.tied.weight = self.first.weight
        self.act = torch.nn.ReLU(inplace=True)
        self.head = torch.nn.Linear(64, 10)
        self.frozen.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (self.frozen, self.first, self.twice, self.twice, self.tied):
            x = self.act(layer(x.flatten(1)))
        return self.head(x)


class _Positions(torch.nn.Module):
    """Every row is eight positions; the last layer sees one of them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = torch.nn.Linear(8, 6), torch.nn.Linear(6, 10, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.inner(x.reshape(-1, 8, 8)).tanh()[:, 0])


@pytest.mark.parametrize("layers", ["", "head", "head.weight"])
@pytest.mark.parametrize(
    "make",
    [lambda: MLP(64, 10, width=8, depth=2), lambda: ResNet(1, 10, width=4), _Tied, _Positions],
    ids=["linear", "convolutions", "tied, twice, frozen", "positions"],
)
def test_inner_products_are_those_of_the_gradients(digits, make, layers: str) -> None:
    X, y = digits
    with seeded(0):
        net = make()
    one, two = Batches(X[:13], y[:13], batch_size=5), Batches(X[20:31], y[20:31], batch_size=4)
    ours, theirs = (per_example_gradients(net, loader, layers=layers).astype(float) for loader in (one, two))
    scale = np.abs(ours @ ours.T).max()
    across = gradient_products(net, one, two, layers=layers, chunk=3)
    np.testing.assert_allclose(across / scale, ours @ theirs.T / scale, atol=1e-5)
    np.testing.assert_allclose(gradient_products(net, one, layers=layers) / scale, ours @ ours.T / scale, atol=1e-5)


class _Now(torch.nn.Module):
    """The last layer is passed twice where a batch is small."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        return self.head(x) + (self.head(2 * x) if len(x) < 5 else 0)


def test_a_layer_that_some_batches_pass_otherwise_is_not_factored(digits) -> None:
    from holdfast.nets.linear_gradients import linear_factors

    X, y = digits
    loss, names = torch.nn.functional.cross_entropy, ["head.weight", "head.bias"]
    loader = Batches(X[:13], y[:13], batch_size=5)  # 5, 5, 3
    assert not linear_factors(_Now(), loader, loss, names).slopes


def test_of_linear_layers_no_gradient_is_formed(digits, monkeypatch) -> None:
    X, y = digits
    monkeypatch.setattr("holdfast.nets.gradients._gradients", None)
    assert gradient_products(MLP(64, 10, width=8), Batches(X[:9], y[:9])).shape == (9, 9)


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
