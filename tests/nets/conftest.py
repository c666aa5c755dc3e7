"""Shared beds: digits as images, and networks that are trained once a session."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)


class CrossEntropy:
    """Plain training."""

    def loss(self, model, inputs, y, **rest):
        return torch.nn.functional.cross_entropy(model(inputs), y)


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """(n, 1, 8, 8) float32 in 0..1 and labels."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return (X[order] / 16).reshape(-1, 1, 8, 8).astype(np.float32), y[order]


@pytest.fixture(scope="session")
def trained(digits):
    """A small ResNet with BatchNorm that has learnt the first 1,000 digits, and its log."""
    from holdfast.nets import Batches, fit
    from holdfast.nets.calling import seeded
    from holdfast.nets.reference import ResNet

    X, y = digits
    with seeded(0):
        model = ResNet(1, 10)
    loader = Batches(X[:1000], y[:1000], batch_size=64, shuffle=True)
    return fit(model, CrossEntropy(), loader, epochs=6, optimizer=partial(torch.optim.AdamW, lr=5e-3), log="training")
